import { GitError, TargetMovedError } from './errors.ts';
import { exclusively, together } from './locks.ts';
import { fetchBranch, type Mirror, originUrl } from './mirror.ts';
import { branchName, branchRef, names, objectId } from './names.ts';
import { hasObject, isAncestor } from './objects.ts';
import { publishToDirectory } from './publish-directory.ts';
import { type Credentials, git } from './run.ts';

export interface PublishOptions {
  mirror: Mirror;
  branch: string;
  /** A commit of the mirror; it descends from `expectedOld`. */
  commit: string;
  /** Where the branch was seen last; null creates it. */
  expectedOld: string | null;
  /**
   * Moves the branch also to a commit that does not descend from `expectedOld`, while it is exactly there and no
   * directory has it checked out. Only for a branch that is ours alone: see ADR 13.
   */
  rewrite?: boolean | undefined;
  credentials?: Credentials | undefined;
  signal?: AbortSignal | undefined;
}

const PUSH_TIMEOUT_MS = 600_000;
const MOVED =
  /stale info|failed to update ref|fetch first|non-fast-forward|cannot lock ref|reference already exists/i;

/**
 * Moves a branch of the origin forward, and reads it back. History is not rewritten, but with `rewrite`.
 * @throws TargetMovedError when the branch is not at `expectedOld`, or the commit does not descend from it
 * @throws TargetDirtyError for a directory whose checkout of the branch has changes or is in the middle of something
 * @throws GitError when the remote refuses, for instance by a hook
 */
export async function publishBranch(options: PublishOptions): Promise<void> {
  const branch = branchName(options.branch);
  const { mirror } = options;
  await exclusively(`target ${mirror.dir} ${branch}`, () =>
    together(mirror.dir, () => publishLocked(options)),
  );
}

/** As `publishBranch`, for a caller that already holds the target's lock. */
export async function publishLocked(options: PublishOptions): Promise<void> {
  const { mirror, expectedOld } = options;
  const branch = branchName(options.branch);
  const commit = objectId(options.commit);
  const isRewrite = options.rewrite === true && expectedOld !== null;
  if (
    expectedOld !== null &&
    !isRewrite &&
    !(await descends(mirror, objectId(expectedOld, 'expectedOld'), commit))
  ) {
    throw new TargetMovedError(branch, expectedOld, commit);
  }
  if ('localPath' in mirror.source) await publishToDirectory(options, mirror.source.localPath);
  else await push(options);
  const now = await fetchBranch(mirror, branch, options);
  // Somebody may already have gone on from our commit.
  if (now === null || !(await isAncestor(mirror.dir, commit, now)))
    throw new TargetMovedError(branch, commit, now);
}

async function descends(mirror: Mirror, old: string, commit: string): Promise<boolean> {
  return (await hasObject(mirror, old, 'commit')) && isAncestor(mirror.dir, old, commit);
}

async function push(options: PublishOptions): Promise<void> {
  const { mirror, credentials, signal } = options;
  const ref = branchRef(options.branch);
  const commit = objectId(options.commit);
  const lease = `--force-with-lease=${ref}:${options.expectedOld === null ? '' : objectId(options.expectedOld)}`;
  const args = [
    'push',
    '--porcelain',
    '--no-verify',
    lease,
    ...names(originUrl(mirror.source)),
    `${commit}:${ref}`,
  ];
  const call = { gitDir: mirror.dir, network: true, timeoutMs: PUSH_TIMEOUT_MS, credentials, signal };
  const pushed = await git(args, { ...call, okCodes: [0, 1] });
  if (pushed.code === 0) return;
  const verdict = pushed.stdout.split('\n').find((line) => line.startsWith('!')) ?? '';
  if (MOVED.test(verdict) && !/hook declined/.test(verdict))
    throw new TargetMovedError(options.branch, options.expectedOld, null);
  throw new GitError('git push', pushed.code, `${verdict}\n${pushed.stderr}`.trim());
}
