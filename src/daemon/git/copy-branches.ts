import { importCommit, ownGit, whyNotOurs } from './copy-git.ts';
import { GitError, InvalidNameError, WorkingCopyBrokenError } from './errors.ts';
import { exclusively, together } from './locks.ts';
import type { Mirror } from './mirror.ts';
import { branchRef, names, objectId } from './names.ts';
import { commitAt } from './objects.ts';
import { git } from './run.ts';
import type { WorkingCopy } from './working-copy.ts';

/*
 * Branches of a working copy's own repository, beside the one it was made with. As in copy-git.ts: plumbing only, and
 * what comes out is checked again in the mirror.
 */

/**
 * The commit that a branch (or a full commit id) of the copy leads to, taken into the mirror.
 * @returns null when the copy has no such branch or commit
 * @throws WorkingCopyBrokenError when its `.git` cannot be read; GitError for a commit that a strict check refuses
 */
export async function takeFromCopy(options: {
  mirror: Mirror;
  copy: WorkingCopy;
  from: { branch: string } | { commit: string };
  signal?: AbortSignal | undefined;
}): Promise<string | null> {
  const { mirror, copy, from, signal } = options;
  const rev = 'branch' in from ? branchRef(from.branch) : objectId(from.commit);
  return exclusively(`copy ${copy.path}`, () =>
    together(mirror.dir, async () => {
      const commit = await findInCopy(copy, rev);
      if (commit !== null) await importCommit(mirror, copy, commit, { signal });
      return commit;
    }),
  );
}

/** The commit of a branch of the copy, null when there is none. @throws WorkingCopyBrokenError */
export async function branchOfCopy(copy: WorkingCopy, branch: string): Promise<string | null> {
  return findInCopy(copy, branchRef(branch));
}

/**
 * Makes a branch in the copy, at a commit that the mirror has; HEAD, index and files stay as they are.
 * @throws InvalidNameError when another branch takes the name's place (`a` and `a/b` exclude each other)
 * @throws GitError when the branch has come into being meanwhile
 */
export async function addCopyBranch(copy: WorkingCopy, branch: string, commit: string): Promise<void> {
  const missing = '0'.repeat(commit.length);
  const args = ['update-ref', '-m', 'taskmesh', ...names(branchRef(branch), objectId(commit)), missing];
  try {
    await git(args, ownGit(copy));
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    const other = /'refs\/heads\/([^']+)' exists; cannot create/.exec(error.stderr)?.[1];
    if (other === undefined) throw error;
    throw new InvalidNameError(
      'branchName',
      `the working copy has a branch ${other}, beside which git cannot have it`,
    );
  }
}

/** Takes away a branch of the copy that is still at that commit. */
export async function dropCopyBranch(copy: WorkingCopy, branch: string, commit: string): Promise<void> {
  await git(['update-ref', '-d', ...names(branchRef(branch), objectId(commit))], ownGit(copy));
}

async function findInCopy(copy: WorkingCopy, rev: string): Promise<string | null> {
  const reason = await whyNotOurs(copy);
  if (reason !== null) throw new WorkingCopyBrokenError(copy.path, reason);
  return commitAt(rev, ownGit(copy));
}
