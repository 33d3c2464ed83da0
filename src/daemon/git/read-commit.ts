import { ForbiddenPathError, GitError } from './errors.ts';
import { partsOf } from './inside.ts';
import { type Mirror, resolveCommit } from './mirror.ts';
import { objectId } from './names.ts';
import { type CopyFile, MISSING } from './read-file.ts';
import { git, gitBytes } from './run.ts';

/**
 * Reads a regular file as a commit of the mirror has it. Links are followed inside the commit's own files, 40 at most.
 * @param options.path relative, with `/`
 * @throws ForbiddenPathError for a path that leaves the files by any trick, lies in `.git`, or is no regular file
 * @throws RevisionNotFoundError when the mirror has no such commit
 */
export async function readCommitFile(options: {
  mirror: Mirror;
  commit: string;
  path: string;
  limitBytes: number;
}): Promise<CopyFile> {
  const { mirror, path, limitBytes } = options;
  const commit = await resolveCommit(mirror, objectId(options.commit));
  const found = await lookUp(mirror, commit, path);
  if (found === null) return MISSING;
  const { id, type, size } = found;
  if (type !== 'blob') throw new ForbiddenPathError(path, 'it is not a regular file');
  const shown = await gitBytes(['cat-file', 'blob', id], {
    gitDir: mirror.dir,
    maxBytes: Math.max(1, limitBytes),
    truncate: true,
  });
  return { exists: true, content: shown.stdout.subarray(0, limitBytes), size, truncated: size > limitBytes };
}

/** Whether a commit has something at that very path; no link is followed. */
export async function holdsPath(mirror: Mirror, commit: string, path: string): Promise<boolean> {
  const args = ['cat-file', '-e', `${objectId(commit)}:${path}`];
  return (await git(args, { gitDir: mirror.dir, okCodes: [0, 1, 128] })).code === 0;
}

/** What git says instead of an object, when a link on the way leads elsewhere. */
const LINKS: Readonly<Record<string, string>> = {
  symlink: 'it leads out of the working copy',
  dangling: 'it is a link that leads nowhere',
  loop: 'its links go in a circle',
};

async function lookUp(
  mirror: Mirror,
  commit: string,
  path: string,
): Promise<{ id: string; type: string; size: number } | null> {
  const spec = `${objectId(commit)}:${partsOf(path).join('/')}`;
  const args = ['cat-file', '--batch-check', '--follow-symlinks', '-z'];
  const { stdout } = await git(args, { gitDir: mirror.dir, input: `${spec}\0` });
  const object = /^([0-9a-f]{40,64}) (\w+) (\d+)\n$/.exec(stdout);
  if (object) return { id: object[1] ?? '', type: object[2] ?? '', size: Number(object[3]) };
  const [word = ''] = stdout.split(' ');
  const reason = Object.hasOwn(LINKS, word) ? LINKS[word] : undefined;
  if (reason !== undefined) throw new ForbiddenPathError(path, reason);
  // A file where the path wants a directory.
  if (word === 'notdir' || /(?: missing| ambiguous)\n$/.test(stdout)) return null;
  throw new GitError('git cat-file --batch-check', 0, `answered ${stdout.slice(0, 200)}`);
}
