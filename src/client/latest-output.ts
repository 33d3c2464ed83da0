import type { OutputDetailsFragment } from './generated/graphql.ts';

/** A page of a task's output: the entries behind a sequence, in order. */
export type OutputPage = (
  first: number,
  afterSequence: number,
) => Promise<{ entries: readonly OutputDetailsFragment[]; hasMore: boolean }>;

/** Enough that a long output takes few requests, few enough that an answer stays small. */
export const OUTPUT_PAGE = 500;

/**
 * The last entries of a task's output, in order. Looks back from the end of the contract's log, twice as far each time:
 * how many of its events are this task's is not known before.
 * @param lastSequence the end of the log
 */
export async function latestOutput(
  page: OutputPage,
  lastSequence: number,
  count: number,
): Promise<OutputDetailsFragment[]> {
  for (let reach = count * 4; ; reach *= 2) {
    const after = Math.max(0, lastSequence - reach);
    const found: OutputDetailsFragment[] = [];
    for (let from = after, hasMore = true; hasMore; ) {
      const { entries, hasMore: more } = await page(OUTPUT_PAGE, from);
      found.push(...entries);
      from = entries.at(-1)?.sequence ?? from;
      hasMore = more && entries.length > 0;
    }
    if (found.length >= count || after === 0) return found.slice(-count);
  }
}
