import { captureFiles } from './capture.ts';
import { localTips, readHead } from './copy-git.ts';
import { UnsavedChangesError } from './errors.ts';
import { findCommit, type Mirror } from './mirror.ts';
import { worktreeKey } from './names.ts';
import { dropRefs, hasObject, RECORDED, treeOf, worktreeRefs } from './objects.ts';
import { git } from './run.ts';
import type { WorkingCopy } from './working-copy.ts';

/**
 * What counts as saved:
 * - `snapshots`: what the mirror holds, also what only this machine has
 * - `checkpoints`: what the server has as a checkpoint, and what the repository itself has
 */
export type SavedIn = 'snapshots' | 'checkpoints';

/**
 * Under the copy's lock and the mirror's gate.
 * @throws UnsavedChangesError when files, or commits of any of its branches or its stash, are not saved
 */
export async function assertSaved(mirror: Mirror, copy: WorkingCopy, savedIn: SavedIn): Promise<void> {
  const head = await readHead(copy);
  const place = savedIn === 'snapshots' ? 'snapshot' : 'checkpoint';
  const saved = await savedStates(mirror, copy, savedIn);
  const { tree } = await captureFiles({ mirror, copy, head: saved[0]?.commit ?? copy.baseSha });
  if (!saved.some((state) => state.tree === tree))
    throw new UnsavedChangesError(copy.path, `files differ from the last ${place}`);
  // A broken .git has no commits to lose: the files, which were just compared, are all there is.
  if ('unreadable' in head) return;
  const holders =
    savedIn === 'snapshots' ? ['--all'] : [copy.baseSha, '--branches', '--tags', `--glob=${RECORDED}`];
  for (const tip of new Set([head.commit, ...(await localTips(copy))])) {
    const loose = !(await hasObject(mirror, tip, 'commit')) || (await countBeyond(mirror, tip, holders)) > 0;
    if (loose) throw new UnsavedChangesError(copy.path, `commit ${tip} is in no ${place}`);
  }
}

interface State {
  readonly commit: string;
  readonly tree: string;
}

/** The states of the files that are saved, the latest first. */
async function savedStates(mirror: Mirror, copy: WorkingCopy, savedIn: SavedIn): Promise<State[]> {
  const { baseSha, worktreeId } = copy;
  const base = { commit: baseSha, tree: await treeOf(mirror, baseSha) };
  if (savedIn === 'checkpoints') {
    const args = ['for-each-ref', '--sort=-refname', '--format=%(objectname) %(tree)'];
    const listed = await git([...args, `${RECORDED}/${worktreeKey(worktreeId)}/`], { gitDir: mirror.dir });
    const states = [...listed.stdout.matchAll(/^(\S+) (\S+)$/gm)];
    // Where it started, nothing of it is lost.
    return [...states.map(([, commit = '', tree = '']) => ({ commit, tree })), base];
  }
  const refs = worktreeRefs(worktreeId);
  const last = (await findCommit(mirror, refs.snapshot)) ?? (await findCommit(mirror, refs.head));
  return [last === null ? base : { commit: last, tree: await treeOf(mirror, last) }];
}

async function countBeyond(mirror: Mirror, tip: string, holders: readonly string[]): Promise<number> {
  const args = ['rev-list', '--count', tip, '--not', ...holders];
  return Number((await git(args, { gitDir: mirror.dir })).stdout.trim());
}

/** Drops the refs of a working copy that is gone. */
export async function forgetRefs(mirror: Mirror, worktreeId: string): Promise<void> {
  const key = worktreeKey(worktreeId);
  const args = ['for-each-ref', '--format=%(refname)'];
  const listed = await git([...args, `${RECORDED}/${key}/`, `refs/taskmesh/worktrees/${key}/`], {
    gitDir: mirror.dir,
  });
  await dropRefs(mirror, listed.stdout.split('\n').filter(Boolean));
}
