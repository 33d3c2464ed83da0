/** What is written one after the other mostly happened at the same moment, as all lines of a batch did. */
let written = { time: Number.NaN, text: '' };

/**
 * A moment in ISO 8601, to the millisecond, in UTC.
 * @throws RangeError for an invalid date
 */
export function isoDate(date: Date): string {
  const time = date.getTime();
  if (time !== written.time) written = { time, text: date.toISOString() };
  return written.text;
}
