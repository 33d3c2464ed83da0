import { invalidInput } from './errors.ts';

/**
 * A text from a caller that may not be blank.
 * @returns it without surrounding white space
 * @throws DomainError INVALID_INPUT naming the field
 */
export function requiredText(value: string, field: string, maxLength: number): string {
  const text = checkedText(value, field, maxLength).trim();
  if (text === '') throw invalidInput(field, `${field} is blank. Give it a text.`);
  return text;
}

/** A text that may be left out; blank counts as left out. */
export function optionalText(
  value: string | null | undefined,
  field: string,
  maxLength: number,
): string | null {
  if (value === null || value === undefined) return null;
  return checkedText(value, field, maxLength).trim() || null;
}

/** PostgreSQL's text holds neither NUL nor half of a surrogate pair. */
export function checkedText(value: string, field: string, maxLength: number): string {
  if (value.length > maxLength) {
    throw invalidInput(field, `${field} has ${value.length} characters; at most ${maxLength} are taken.`);
  }
  if (value.includes('\0')) throw invalidInput(field, `${field} contains a NUL character. Remove it.`);
  if (!value.isWellFormed()) throw invalidInput(field, `${field} is not well-formed Unicode.`);
  return value;
}

/** A whole number within bounds. */
export function boundedInt(value: number, field: string, min: number, max: number): number {
  if (value < min || value > max)
    throw invalidInput(field, `${field} is ${value}; it must lie between ${min} and ${max}.`);
  return value;
}
