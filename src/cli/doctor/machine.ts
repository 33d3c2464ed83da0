import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { readManifest } from '../../platform/package.ts';
import { type Check, fail, isAtLeast, ok, warn } from './check.ts';

const GIT_VERSION = '2.39';
const GIB = 1024 ** 3;
/** Working copies, checkpoints and the log grow; below the one it is time to look, below the other it may stop. */
const LOW_BYTES = 5 * GIB;
const TOO_LOW_BYTES = GIB / 2;

export function checkNode(version = process.versions.node): Check {
  const needed = readManifest().engines.node.replace('>=', '');
  if (isAtLeast(version, needed)) return ok('node', version);
  return fail('node', `${version}, and ${needed} is needed`, 'install Node.js 24: https://nodejs.org');
}

/** @param path where programs are looked for */
export async function checkGit(path: string | undefined): Promise<Check> {
  try {
    const { stdout } = await promisify(execFile)('git', ['--version'], {
      env: { PATH: path ?? '' },
      timeout: 10_000,
    });
    const version = /\d[\d.]*/.exec(stdout)?.[0] ?? stdout.trim();
    if (isAtLeast(version, GIT_VERSION)) return ok('git', version);
    return fail(
      'git',
      `${version}, and ${GIT_VERSION} is needed`,
      'install a newer git: https://git-scm.com',
    );
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'not found' : (error as Error).message;
    return fail('git', why, 'install git: https://git-scm.com');
  }
}

/** @param directory where data is to be; it, or the first directory above that is there, is asked */
export async function checkDisk(directory: string, read = freeBytes): Promise<Check> {
  const free = await read(directory);
  const found = `${(free / GIB).toFixed(1)} GiB free at ${directory}`;
  const next = 'make room there, or choose another directory with --data-dir';
  if (free < TOO_LOW_BYTES) return fail('disk', found, next);
  return free < LOW_BYTES ? warn('disk', found, next) : ok('disk', found);
}

async function freeBytes(directory: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(directory) === directory) throw error;
    return freeBytes(dirname(directory));
  }
}
