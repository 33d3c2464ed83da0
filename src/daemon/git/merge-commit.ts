import type { MergeOptions, MergeResult } from './merge.ts';
import { type Conflict, mergeBase, mergeCommits, mergeTrees, nameCulprits } from './merge-tree.ts';
import type { Mirror } from './mirror.ts';
import { names } from './names.ts';
import { commitTree, hasObject, isAncestor, treeOf } from './objects.ts';
import { git } from './run.ts';

/** A squash commit names the commit it took, so that the next merge of the same branch knows where it left off. */
const TRAILER = 'Taskmesh-Squashed';
const MAX_TRAILER_COMMITS = 5000;

export type Prepared = { done: MergeResult } | { commit: string; tree: string };

/**
 * Makes the commit that merges the source into `onto`, setting no ref; or says why there is none to make. The target's
 * history decides the base: after a squash the two sides share no commits, yet what was squashed must not conflict.
 */
export async function prepareMerge(options: MergeOptions, onto: string): Promise<Prepared> {
  const { mirror, source, signal } = options;
  const shared = await mergeBase(mirror, onto, source.commit);
  if (shared === source.commit) return upToDate(onto, source.label);
  const squashed = await lastSquashed(mirror, shared, onto, source.commit);
  if (squashed !== null && (await isAncestor(mirror.dir, source.commit, squashed)))
    return upToDate(onto, source.label);

  const ontoTree = await treeOf(mirror, onto);
  const merged =
    squashed === null
      ? await mergeCommits(mirror, onto, source.commit, signal)
      : await mergeTrees(
          mirror,
          {
            base: await treeOf(mirror, squashed),
            ours: ontoTree,
            theirs: await treeOf(mirror, source.commit),
          },
          signal,
        );
  if (!merged.clean) {
    const sides = { base: squashed ?? shared, ours: onto, theirs: source.commit };
    return { done: conflict(merged.message, await nameCulprits(mirror, merged.conflicts, sides)) };
  }
  if (options.squash && merged.tree === ontoTree) return upToDate(onto, source.label);
  const text = options.message.trim() || `Merge ${source.label}`;
  const message = options.squash ? `${text}\n\n${TRAILER}: ${source.commit}` : text;
  const parents = options.squash ? [onto] : [onto, source.commit];
  const commit = await commitTree(mirror, {
    tree: merged.tree,
    parents,
    message,
    identity: options.identity,
  });
  return { commit, tree: merged.tree };
}

/** The result of a merge that landed, or for a dry run would have. */
export function mergedResult(options: MergeOptions, commit: string): MergeResult {
  const { label } = options.source;
  return options.dryRun
    ? { outcome: 'MERGED', commitSha: null, message: `${label} would merge without conflict`, conflicts: [] }
    : { outcome: 'MERGED', commitSha: commit, message: `Merged ${label}`, conflicts: [] };
}

export function conflict(message: string, conflicts: Conflict[]): MergeResult {
  return { outcome: 'CONFLICT', commitSha: null, message, conflicts };
}

function upToDate(commitSha: string, label: string): Prepared {
  return {
    done: { outcome: 'UP_TO_DATE', commitSha, message: `${label} is already in the target`, conflicts: [] },
  };
}

/** The last commit of the source's history that was squashed into the target since their histories parted. */
async function lastSquashed(
  mirror: Mirror,
  base: string | null,
  onto: string,
  source: string,
): Promise<string | null> {
  if (base === onto) return null;
  const format = `--format=%(trailers:key=${TRAILER},valueonly)`;
  const range = base === null ? [] : [`^${base}`];
  const args = ['rev-list', format, `--max-count=${MAX_TRAILER_COMMITS}`, ...range, ...names()];
  const shown = await git([...args, onto], { gitDir: mirror.dir });
  for (const line of shown.stdout.split('\n')) {
    if (!/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(line)) continue;
    if (!(await hasObject(mirror, line, 'commit'))) continue;
    const related =
      (await isAncestor(mirror.dir, line, source)) || (await isAncestor(mirror.dir, source, line));
    if (related) return line;
  }
  return null;
}
