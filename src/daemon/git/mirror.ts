import { createHash, randomUUID } from 'node:crypto';
import { appendFile, mkdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { GitError, RepositoryNotFoundError, RevisionNotFoundError } from './errors.ts';
import { exclusively } from './locks.ts';
import { lookUp } from './lookup.ts';
import { markUsed, sweepMirrors } from './mirror-upkeep.ts';
import { absolutePath, branchName, branchRef, type Name, names, remoteUrl } from './names.ts';
import { dropRefs, holdsCommit, isAt, setRef } from './objects.ts';
import { type Credentials, git, withoutSecrets } from './run.ts';

/** A repository of a contract: a remote, or a directory of this machine. */
export type RepositorySource = { url: string } | { localPath: string };

/**
 * The daemon's bare copy of a repository. Its `refs/heads` and `refs/tags` are the origin's; everything that is ours
 * is under `refs/taskmesh/` and no fetch touches it.
 */
export interface Mirror {
  dir: string;
  source: RepositorySource;
  /** What the origin's HEAD names, else a branch that is likely meant. */
  defaultBranch: string;
}

export interface OpenMirrorOptions {
  mirrorsDir: string;
  source: RepositorySource;
  /** False takes an existing mirror as it is; one that does not exist is made all the same. Default true. */
  fetch?: boolean;
  credentials?: Credentials | undefined;
  signal?: AbortSignal | undefined;
  /** Milliseconds for each call to the origin, default 600,000. */
  timeoutMs?: number | undefined;
}

const NETWORK_TIMEOUT_MS = 600_000;
const REFSPECS = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];
// Bytes go into trees and working copies as they are; a filter, an encoding or a line ending rule never runs.
const ATTRIBUTES = '* !filter !ident !working-tree-encoding !text !eol !crlf\n';

/** A branch or tag as `ls-remote` lists it, without what an annotated tag leads to. */
const REF_LINE = /^([0-9a-f]+)\t(refs\/(?:heads|tags)\/.+)(?<!\^\{\})$/gm;

const CONFIG =
  '[core]\n\tlogAllRefUpdates = false\n\tprotectHFS = true\n\tsymlinks = true\n[gc]\n\tauto = 0\n';

interface Origin {
  url: Name;
  key: string;
  label: string;
}

/**
 * Makes the mirror of a repository, or brings an existing one up to date. Concurrent calls for one repository share
 * one mirror.
 * @throws RepositoryNotFoundError when it is missing, not a repository, unreachable, or has no commit
 * @throws InvalidNameError
 */
export async function openMirror(options: OpenMirrorOptions): Promise<Mirror> {
  const { mirrorsDir, source } = options;
  absolutePath(mirrorsDir, 'mirrorsDir');
  const origin = await originOf(source);
  const slug =
    basename(origin.label)
      .replace(/\.git$/, '')
      .replace(/[^\w.-]+/g, '-')
      .slice(0, 40) || 'repository';
  const dir = join(
    mirrorsDir,
    `${slug}-${createHash('sha256').update(origin.key).digest('hex').slice(0, 16)}.git`,
  );
  return exclusively(`mirror ${dir}`, async () => {
    const open = !(await exists(dir)) ? create : (options.fetch ?? true) ? update : headOf;
    const defaultBranch = await open(dir, origin, options);
    await markUsed(dir);
    return { dir, source, defaultBranch };
  });
}

/** The address git talks to for this mirror's origin. @throws InvalidNameError */
export function originUrl(source: RepositorySource): Name {
  return 'url' in source ? remoteUrl(source.url) : absolutePath(source.localPath, 'localPath');
}

/**
 * Brings one branch of the mirror up to date with the origin.
 * @returns its commit, null when the origin has no such branch
 */
export async function fetchBranch(
  mirror: Mirror,
  branch: string,
  options: { credentials?: Credentials | undefined; signal?: AbortSignal | undefined } = {},
): Promise<string | null> {
  const ref = branchRef(branch);
  const url = originUrl(mirror.source);
  const call = { gitDir: mirror.dir, network: true, timeoutMs: NETWORK_TIMEOUT_MS, ...options };
  return exclusively(`mirror ${mirror.dir}`, async () => {
    const listed = await git(['ls-remote', ...names(url, ref)], call);
    const theirs = [...listed.stdout.matchAll(REF_LINE)].find(([, , name]) => name === ref)?.[1];
    if (theirs === undefined) {
      await dropRefs(mirror, [ref]);
      return null;
    }
    if (await isAt(mirror, ref, theirs)) return theirs;
    // What was pushed from here, or came by another branch, is not fetched.
    if (await holdsCommit(mirror, theirs)) await setRef(mirror, ref, theirs);
    else await git([...FETCH, ...names(url), `+${ref}:${ref}`], call);
    return resolveCommit(mirror, ref);
  });
}

/** The names of all branches that the origin has now; the mirror stays as it is. */
export async function originBranches(
  mirror: Mirror,
  options: { credentials?: Credentials | undefined; signal?: AbortSignal | undefined } = {},
): Promise<string[]> {
  const call = { gitDir: mirror.dir, network: true, timeoutMs: NETWORK_TIMEOUT_MS, ...options };
  const listed = await git(['ls-remote', '--heads', ...names(originUrl(mirror.source))], call);
  return [...listed.stdout.matchAll(/\trefs\/heads\/(.+)$/gm)].map(([, name = '']) => name);
}

/**
 * The commit of a branch, tag, full ref or object id of the mirror.
 * @throws RevisionNotFoundError, InvalidNameError
 */
export async function resolveCommit(mirror: Mirror, rev: string): Promise<string> {
  const isId = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(rev);
  const candidates =
    isId || rev.startsWith('refs/') ? [rev] : [`refs/heads/${branchName(rev, 'rev')}`, `refs/tags/${rev}`];
  if (!isId) branchName(rev.replace(/^refs\//, ''), 'rev');
  for (const candidate of candidates) {
    const found = await findCommit(mirror, candidate);
    if (found !== null) return found;
  }
  throw new RevisionNotFoundError(rev);
}

/** The commit that a full ref or object id of a mirror leads to, null when there is none. */
export async function findCommit(mirror: Pick<Mirror, 'dir'>, rev: string): Promise<string | null> {
  return (await lookUp(mirror.dir, `${rev}^{commit}`))?.id ?? null;
}

const FETCH = [
  'fetch',
  '--quiet',
  '--no-tags',
  '--no-auto-gc',
  '--no-write-fetch-head',
  '--no-recurse-submodules',
  '--update-shallow',
];

async function originOf(source: RepositorySource): Promise<Origin> {
  if ('url' in source) {
    const url = remoteUrl(source.url);
    const label = withoutSecrets(url);
    // Without the credentials, so that a new token does not mean a new mirror.
    return { url, key: label.replace('//***@', '//'), label };
  }
  const path = absolutePath(source.localPath, 'localPath');
  const found = await stat(path).catch(() => null);
  if (!found?.isDirectory()) throw new RepositoryNotFoundError(path, 'no such directory');
  try {
    // Looks at this directory only: a repository further up is not what was asked for.
    await git(['rev-parse', '--git-dir'], {
      cwd: path,
      env: { GIT_CEILING_DIRECTORIES: dirname(await realpath(path)) },
    });
  } catch (error) {
    throw asNotFound(path, error);
  }
  return { url: path, key: `path:${await realpath(path)}`, label: path };
}

/** @returns the default branch */
async function create(dir: string, origin: Origin, options: OpenMirrorOptions): Promise<string> {
  await mkdir(options.mirrorsDir, { recursive: true });
  await sweepMirrors(options.mirrorsDir);
  const temporary = join(options.mirrorsDir, `.new-${process.pid}-${randomUUID()}`);
  try {
    await git(['init', '--bare', '--quiet', '--template=', ...names(temporary as Name)]);
    await appendFile(join(temporary, 'config'), CONFIG);
    await mkdir(join(temporary, 'info'), { recursive: true });
    await writeFile(join(temporary, 'info', 'attributes'), ATTRIBUTES);
    // What a clone of the mirror starts with, and the only directory a clone run as another user has to trust.
    await mkdir(join(temporary, 'taskmesh', 'template', 'info'), { recursive: true });
    await mkdir(join(temporary, 'taskmesh', 'worktrees'), { recursive: true });
    await writeFile(join(temporary, 'taskmesh', 'template', 'info', 'attributes'), ATTRIBUTES);
    await writeFile(
      join(temporary, 'taskmesh', 'clone.config'),
      `[safe]\n\tdirectory = ${JSON.stringify(dir)}\n`,
    );
    const defaultBranch = await update(temporary, origin, options);
    await rename(temporary, dir);
    return defaultBranch;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** @returns the default branch */
async function update(dir: string, origin: Origin, options: OpenMirrorOptions): Promise<string> {
  const { signal, credentials } = options;
  const call = {
    gitDir: dir,
    network: true,
    timeoutMs: options.timeoutMs ?? NETWORK_TIMEOUT_MS,
    signal,
    credentials,
  };
  try {
    const patterns = ['HEAD', 'refs/heads/*', 'refs/tags/*'];
    const head = (await git(['ls-remote', '--symref', ...names(origin.url), ...patterns], call)).stdout;
    const theirs = new Map([...head.matchAll(REF_LINE)].map(([, id = '', ref = '']) => [ref, id]));
    const branches = [...theirs].flatMap(([ref, id]) =>
      ref.startsWith('refs/heads/') ? [{ id, name: ref.slice('refs/heads/'.length) }] : [],
    );
    if (branches.length === 0)
      throw new RepositoryNotFoundError(origin.label, 'is empty: it has no commit yet');
    // To look costs one connection, to fetch another: most tasks start from what the one before them has fetched.
    if (!(await hasExactly(dir, theirs)))
      await git([...FETCH, '--prune', ...names(origin.url), ...REFSPECS], call);
    const named = /^ref: refs\/heads\/(.+)\tHEAD$/m.exec(head)?.[1];
    const detached = /^([0-9a-f]+)\tHEAD$/m.exec(head)?.[1];
    const known = (name: string | undefined) => branches.find((branch) => branch.name === name)?.name;
    const likely = branches.find((branch) => branch.id === detached)?.name ?? branches[0]?.name;
    const chosen = known(named) ?? known('main') ?? known('master') ?? likely ?? 'main';
    if (chosen !== (await headOf(dir)))
      await git(['symbolic-ref', 'HEAD', branchRef(chosen)], { gitDir: dir });
    return chosen;
  } catch (error) {
    throw asNotFound(origin.label, error);
  }
}

async function headOf(dir: string): Promise<string> {
  // Not --short, which says heads/main where there is a tag main.
  return (await git(['symbolic-ref', 'HEAD'], { gitDir: dir })).stdout.trim().replace('refs/heads/', '');
}

/** Whether the branches and tags of a mirror are these, with their ids, and lead to something. */
async function hasExactly(dir: string, refs: ReadonlyMap<string, string>): Promise<boolean> {
  // The type is read from the object itself: git fails where that is lost, and fetching brings it back.
  const format = '--format=%(objecttype) %(objectname)\t%(refname)';
  const listed = await git(['for-each-ref', format, 'refs/heads', 'refs/tags'], {
    gitDir: dir,
    okCodes: [0, 128],
  });
  if (listed.code !== 0) return false;
  const ours = [...listed.stdout.matchAll(/^\w+ ([0-9a-f]+)\t(.+)$/gm)];
  return ours.length === refs.size && ours.every(([, id, ref = '']) => refs.get(ref) === id);
}

function asNotFound(label: string, error: unknown): unknown {
  if (!(error instanceof GitError)) return error;
  const lines = error.stderr.split('\n').map((line) => line.replace(/^(?:fatal|error): /, '').trim());
  return new RepositoryNotFoundError(label, lines.filter(Boolean).slice(0, 3).join('; ') || 'cannot be read');
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
