import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Mirror, openMirror } from '../../../src/daemon/git/mirror.ts';
import type { GitUser } from '../../../src/daemon/git/user.ts';
import { createWorkingCopy, type WorkingCopy } from '../../../src/daemon/git/working-copy.ts';
import { onEnd } from '../../support/cleanup.ts';
import { copy, keeper } from './kept.ts';

const PERSON = {
  PATH: process.env.PATH ?? '/usr/bin:/bin',
  HOME: '/nonexistent',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  // Where tests run as root, a copy may be another user's.
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'safe.directory',
  GIT_CONFIG_VALUE_0: '*',
  GIT_AUTHOR_NAME: 'A Person',
  GIT_AUTHOR_EMAIL: 'person@example.org',
  GIT_COMMITTER_NAME: 'A Person',
  GIT_COMMITTER_EMAIL: 'person@example.org',
};

/** Git as a person or an agent would run it in a directory. */
export function run(cwd: string, ...args: string[]): string {
  return execFileSync('git', args, {
    cwd,
    env: PERSON,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trimEnd();
}

/** As `run`, where a failure is expected or does not matter. */
export function tryRun(cwd: string, ...args: string[]): number | null {
  return spawnSync('git', args, { cwd, env: PERSON, stdio: 'ignore' }).status;
}

export function write(root: string, files: Record<string, string | Uint8Array>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

export function commit(root: string, files: Record<string, string | Uint8Array>, message = 'change'): string {
  write(root, files);
  run(root, 'add', '-A');
  run(root, 'commit', '-q', '-m', message);
  return run(root, 'rev-parse', 'HEAD');
}

/** Repositories of one commit that were made already, by what is in them; copying one is cheaper than making it. */
const made = new Map<string, string>();

/** A repository with one commit on `main`. */
export function repository(
  dir: string,
  files: Record<string, string> = { 'README.md': 'one\ntwo\nthree\n', 'src/a.txt': 'a\n' },
) {
  const key = JSON.stringify(files);
  const first = made.get(key);
  if (first !== undefined) {
    mkdirSync(dirname(dir), { recursive: true });
    copy(first, dir);
    return dir;
  }
  mkdirSync(dir, { recursive: true });
  run(dir, 'init', '-q', '-b', 'main', '--template=');
  commit(dir, files, 'first');
  const parent = mkdtempSync(join(tmpdir(), 'taskmesh-git-'));
  onEnd(() => {
    rmSync(parent, { recursive: true, force: true });
    made.delete(key);
  });
  copy(dir, join(parent, 'first'));
  made.set(key, join(parent, 'first'));
  return dir;
}

export interface World {
  root: string;
  origin: string;
  mirror: Mirror;
  copy: (
    id: string,
    start?: { branch?: string; worktreeId?: string; commit?: string },
  ) => Promise<WorkingCopy>;
}

interface WorldOptions {
  /** Makes the origin a remote. */
  readonly bare?: boolean;
  readonly files?: Record<string, string>;
  /** Whose the working copies are. */
  readonly user?: GitUser | undefined;
}

const keepers = new Map<string, () => Promise<World>>();

/** An origin with one commit, its mirror, and a way to make working copies. */
export function world(options: WorldOptions = {}): Promise<World> {
  const key = JSON.stringify(options);
  const keep = keepers.get(key) ?? keeper((root) => build(root, options));
  keepers.set(key, keep);
  return keep();
}

/** As `world`, in a directory, every time anew. */
export async function build(root: string, options: WorldOptions = {}): Promise<World> {
  if (options.user) chmodSync(root, 0o711);
  let origin = repository(join(root, 'origin'), options.files);
  if (options.bare) {
    run(root, 'clone', '-q', '--bare', '--template=', 'origin', 'remote.git');
    origin = join(root, 'remote.git');
  }
  const source = options.bare ? { url: `file://${origin}` } : { localPath: origin };
  const mirror = await openMirror({ mirrorsDir: join(root, 'mirrors'), source });
  return {
    root,
    origin,
    mirror,
    copy: (id, start = {}) =>
      createWorkingCopy({
        mirror,
        worktreeId: id,
        path: join(root, 'copies', id),
        branch: `taskmesh/${id}`,
        start,
        user: options.user,
      }),
  };
}

/** Everything about a directory that an operation could have changed: names, kinds, modes, links, contents. */
export function listing(root: string, prefix = ''): string[] {
  const lines: string[] = [];
  for (const name of readdirSync(join(root, prefix)).sort()) {
    const path = prefix === '' ? name : `${prefix}/${name}`;
    const stats = lstatSync(join(root, path));
    const mode = stats.mode.toString(8);
    if (stats.isDirectory()) lines.push(`${path}/ ${mode}`, ...listing(root, path));
    else if (stats.isSymbolicLink()) lines.push(`${path} -> ${readlinkSync(join(root, path))}`);
    else if (!stats.isFile()) lines.push(`${path} ${mode} special`);
    else
      lines.push(
        `${path} ${mode} ${createHash('sha1')
          .update(readFileSync(join(root, path)))
          .digest('hex')}`,
      );
  }
  return lines;
}

/** All refs of a repository, except those named. */
export function refs(gitDir: string): string {
  return run(gitDir, 'for-each-ref', '--format=%(refname) %(objectname)');
}
