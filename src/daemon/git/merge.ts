import { RevisionNotFoundError } from './errors.ts';
import { exclusively, together } from './locks.ts';
import { mergeIntoBranch } from './merge-branch.ts';
import { mergeIntoCopy } from './merge-copy.ts';
import type { Conflict } from './merge-tree.ts';
import type { Mirror } from './mirror.ts';
import { branchName, objectId } from './names.ts';
import { hasObject, type Identity } from './objects.ts';
import type { Credentials } from './run.ts';
import type { WorkingCopy } from './working-copy.ts';

export type { Conflict } from './merge-tree.ts';

/** What is merged: a commit of the mirror, and what a message calls it. */
export interface MergeSource {
  commit: string;
  label: string;
}

/**
 * - `workingCopy`: the branch that the copy's HEAD is on. Its files are brought along, its uncommitted edits kept.
 * - `branch`: a branch of the repository, published to the origin.
 */
export type MergeTarget =
  | { kind: 'workingCopy'; copy: WorkingCopy }
  | { kind: 'branch'; branch: string; credentials?: Credentials | undefined };

export interface MergeOptions {
  mirror: Mirror;
  source: MergeSource;
  target: MergeTarget;
  squash: boolean;
  /** Tells what would happen and changes no ref and no file. */
  dryRun: boolean;
  message: string;
  identity?: Identity | undefined;
  signal?: AbortSignal | undefined;
  /** Milliseconds to go on trying while the target moves, default 120,000. */
  timeoutMs?: number | undefined;
}

export interface MergeResult {
  outcome: 'MERGED' | 'UP_TO_DATE' | 'CONFLICT';
  /** The target's commit afterwards; null for a conflict and for a dry run that would merge. */
  commitSha: string | null;
  message: string;
  conflicts: Conflict[];
}

/**
 * Merges a commit into a working copy or a branch, one merge after the other per target. A merge commit with both
 * parents is always made, or with `squash` a commit with one. MERGED means: the target's ref was read back and holds it.
 * A conflict leaves target, files and index exactly as they were.
 * @throws RevisionNotFoundError when the mirror has no such commit, or the origin no such branch
 * @throws TargetDirtyError when a checkout of the target is in the middle of something, or, a person's, has changes
 * @throws TargetMovedError when the target still moved when the time was up
 */
export async function mergeInto(options: MergeOptions): Promise<MergeResult> {
  const { mirror, source, target } = options;
  if (!(await hasObject(mirror, objectId(source.commit, 'source'), 'commit')))
    throw new RevisionNotFoundError(source.commit);
  if (target.kind === 'workingCopy') {
    return exclusively(`copy ${target.copy.path}`, () =>
      together(mirror.dir, () => mergeIntoCopy(options, target.copy)),
    );
  }
  const branch = branchName(target.branch, 'targetBranch');
  return exclusively(`target ${mirror.dir} ${branch}`, () =>
    together(mirror.dir, () => mergeIntoBranch(options, branch, target.credentials)),
  );
}
