import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GitError, RepositoryNotFoundError, TargetMovedError } from './errors.ts';
import { exclusively, together } from './locks.ts';
import type { Mirror } from './mirror.ts';
import { absolutePath, branchName, branchRef, objectId } from './names.ts';
import { commitAt, hasObject, isAncestor } from './objects.ts';
import { publishToDirectory } from './publish-directory.ts';
import { git } from './run.ts';

/**
 * Puts a branch into another repository of this machine than the one it came from: made there, or moved forward. A
 * clean checkout of it is brought along.
 * @throws RepositoryNotFoundError when the directory is none; TargetMovedError when it has other commits in the branch;
 * TargetDirtyError when its checkout has changes or is in the middle of something
 */
export async function deliverBranch(options: {
  mirror: Mirror;
  branch: string;
  /** A commit of the mirror. */
  commit: string;
  directory: string;
  signal?: AbortSignal | undefined;
}): Promise<void> {
  const { mirror, signal } = options;
  const branch = branchName(options.branch);
  const commit = objectId(options.commit);
  const directory = await realpath(absolutePath(options.directory, 'targetRepoPath'));
  const gitDir = await gitDirOf(directory);
  await exclusively(`target ${gitDir} ${branch}`, () =>
    together(mirror.dir, async () => {
      const old = await commitAt(branchRef(branch), { gitDir });
      if (old === commit) return;
      // What the mirror does not have, no commit of it descends from.
      const isForward =
        old === null ||
        ((await hasObject(mirror, old, 'commit')) && (await isAncestor(mirror.dir, old, commit)));
      if (!isForward) throw new TargetMovedError(branch, commit, old);
      await publishToDirectory({ mirror, branch, commit, expectedOld: old, signal }, directory);
    }),
  );
}

/** Of this directory only: a repository further up is not what was asked for. */
async function gitDirOf(directory: string): Promise<string> {
  try {
    const found = await git(['rev-parse', '--path-format=absolute', '--git-common-dir'], {
      cwd: directory,
      env: { GIT_CEILING_DIRECTORIES: dirname(directory) },
    });
    return found.stdout.trimEnd();
  } catch (error) {
    if (error instanceof GitError) throw new RepositoryNotFoundError(directory, 'is no git repository');
    throw error;
  }
}
