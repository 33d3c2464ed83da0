import { captureFiles, type SnapshotLimits } from './capture.ts';
import { type CopyHead, importCommit, moveHead, readHead, setOwnIndex } from './copy-git.ts';
import { countChanges } from './diff.ts';
import { GitError, WorkingCopyBrokenError } from './errors.ts';
import { exclusively, sideBySide, together } from './locks.ts';
import { findCommit, type Mirror } from './mirror.ts';
import { commitTree, type Identity, parentOf, setRefs, treeOf, worktreeRefs } from './objects.ts';
import type { WorkingCopy } from './working-copy.ts';

export interface SnapshotOptions {
  mirror: Mirror;
  copy: WorkingCopy;
  message: string;
  /**
   * Also moves the branch that the copy's HEAD is on to the snapshot, so that uncommitted work becomes a commit of it.
   * Files stay as they are. A detached HEAD is moved itself.
   */
  moveBranch?: boolean | undefined;
  identity?: Identity | undefined;
  signal?: AbortSignal | undefined;
  limits?: SnapshotLimits | undefined;
}

/** A commit that holds all files of a working copy at one moment, except those git ignores. */
export interface Snapshot {
  commitSha: string;
  treeSha: string;
  parentSha: string | null;
  /** False when nothing changed since the last snapshot (or since the base): this is that one. */
  created: boolean;
  /** What could not be taken, one line each. */
  skipped: string[];
  /** The commit that the copy's branch is at afterwards. */
  headSha: string;
  /** These count against the last snapshot before this one, else against the base. 0 when not created. */
  filesChanged: number;
  linesAdded: number;
  linesRemoved: number;
}

/** The copy's files and HEAD as the mirror has them; no ref was set. */
export interface WorkingState {
  head: CopyHead | null;
  /** The commit that the files are to be seen on: HEAD, or what was last known when HEAD cannot be read. */
  on: string;
  tree: string;
  skipped: string[];
}

/**
 * Takes a snapshot. The agent's own commits come along as they are. A snapshot is of whatever HEAD is, also when the
 * agent has switched branches or detached it. With clean files it is the agent's own commit, else a commit on top of
 * it. Without `moveBranch`, branch, index and files of the copy stay exactly as they are.
 *
 * When the agent has broken its `.git` or made commits that a strict check refuses, the files are still saved, on top
 * of the last snapshot; `skipped` says so.
 * @throws WorkingCopyBrokenError when the directory is gone or replaced, or with `moveBranch` when HEAD cannot be moved
 */
export async function snapshot(options: SnapshotOptions): Promise<Snapshot> {
  const { mirror, copy } = options;
  return exclusively(`copy ${copy.path}`, () => together(mirror.dir, () => snapshotLocked(options)));
}

/** The tree of the copy's files as they are now, for a diff without a snapshot. Sets no ref. */
export async function captureWorkingTree(options: {
  mirror: Mirror;
  copy: WorkingCopy;
  signal?: AbortSignal | undefined;
  limits?: SnapshotLimits | undefined;
}): Promise<{ headSha: string; treeSha: string; skipped: string[] }> {
  const { mirror, copy } = options;
  const state = await exclusively(`copy ${copy.path}`, () => together(mirror.dir, () => readState(options)));
  return { headSha: state.on, treeSha: state.tree, skipped: state.skipped };
}

/** As `snapshot`, for a caller that already holds the copy's lock and the mirror's gate, and may have the state. */
export async function snapshotLocked(options: SnapshotOptions, known?: WorkingState): Promise<Snapshot> {
  const { mirror, copy } = options;
  const refs = worktreeRefs(copy.worktreeId);
  const state = known ?? (await readState(options));
  if (options.moveBranch && state.head === null) {
    throw new WorkingCopyBrokenError(copy.path, state.skipped[0] ?? 'its HEAD cannot be read');
  }
  const last = await findCommit(mirror, refs.snapshot);
  const commitSha = await commitFor(options, state, last);
  const previous = last ?? copy.baseSha;
  const created = commitSha !== previous;
  const count = async () => (created ? countChanges(mirror, previous, commitSha) : NO_CHANGES);
  const moving = options.moveBranch && state.head?.commit !== commitSha ? state.head : null;
  const headSha = moving ? commitSha : state.on;
  const record = created ? [{ ref: refs.snapshot, commit: commitSha, old: last }] : [];
  const place = state.head === null ? [] : [{ ref: refs.head, commit: headSha }];
  const write = async () => {
    if (!moving) return setRefs(mirror, [...record, ...place]);
    // First what keeps the commit from gc, then who points at it.
    await setRefs(mirror, record);
    await moveHead(copy, moving, commitSha);
    await setOwnIndex(mirror, copy, commitSha);
    await setRefs(mirror, place);
  };
  const [counts, parentSha] = await sideBySide(count(), parentOf(mirror, commitSha), write());
  return { commitSha, treeSha: state.tree, parentSha, created, skipped: state.skipped, headSha, ...counts };
}

/** Brings HEAD and files of the copy into the mirror. Under the copy's lock. */
export async function readState(options: {
  mirror: Mirror;
  copy: WorkingCopy;
  signal?: AbortSignal | undefined;
  limits?: SnapshotLimits | undefined;
}): Promise<WorkingState> {
  const { mirror, copy, signal, limits } = options;
  const refs = worktreeRefs(copy.worktreeId);
  const skipped: string[] = [];
  let head: CopyHead | null = null;
  const read = await readHead(copy);
  if ('unreadable' in read) skipped.push(`commits of the copy: ${read.unreadable}`);
  else {
    try {
      await importCommit(mirror, copy, read.commit, { maxBytes: limits?.maxImportBytes, signal });
      head = read;
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      skipped.push(`commit ${read.commit} of the copy: ${error.stderr.trim().split('\n')[0] ?? 'refused'}`);
    }
  }
  const known = async () =>
    (await findCommit(mirror, refs.snapshot)) ?? (await findCommit(mirror, refs.head));
  const on = head?.commit ?? (await known()) ?? copy.baseSha;
  const files = await captureFiles({ mirror, copy, head: on, signal, limits });
  return { head, on, tree: files.tree, skipped: [...skipped, ...files.skipped] };
}

const NO_CHANGES = { filesChanged: 0, linesAdded: 0, linesRemoved: 0 };

async function commitFor(
  options: SnapshotOptions,
  state: WorkingState,
  last: string | null,
): Promise<string> {
  const { mirror, message, identity } = options;
  if (state.tree === (await treeOf(mirror, state.on))) return state.on;
  if (last !== null && state.tree === (await treeOf(mirror, last))) {
    if ((await parentOf(mirror, last)) === state.on) return last;
  }
  return commitTree(mirror, { tree: state.tree, parents: [state.on], message, identity });
}
