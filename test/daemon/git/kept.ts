import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { forgetLookups } from '../../../src/daemon/git/lookup.ts';
import { onEnd } from '../../support/cleanup.ts';
import { scratch } from '../support.ts';

interface Kept<T> {
  readonly root: string;
  readonly value: T;
  isTaken: boolean;
}

/**
 * What takes many calls of git to build: built once for the test file, and for each further test put back as it was, in
 * the same place, since mirrors and copies know each other by their paths. A second one within a test is built anew.
 * @param build in a directory; what it returns may be used by several tests, one after the other
 */
export function keeper<T>(build: (root: string) => Promise<T>): () => Promise<T> {
  let kept: Kept<T> | undefined;
  return async () => {
    if (kept?.isTaken) return build(scratch());
    if (kept) copy(original(kept.root), kept.root);
    else kept = await first(build, () => (kept = undefined));
    const taken = kept;
    taken.isTaken = true;
    onTestFinished(() => {
      // Who reads in one of its mirrors would go on reading what is deleted.
      forgetLookups(taken.root);
      rmSync(taken.root, { recursive: true, force: true });
      taken.isTaken = false;
    });
    return taken.value;
  };
}

async function first<T>(build: (root: string) => Promise<T>, forget: () => void): Promise<Kept<T>> {
  const parent = mkdtempSync(join(tmpdir(), 'taskmesh-git-'));
  onEnd(() => {
    rmSync(parent, { recursive: true, force: true });
    forget();
  });
  // Agents of another user have to get through.
  chmodSync(parent, 0o711);
  const root = join(parent, 'root');
  mkdirSync(root);
  const value = await build(root);
  copy(root, original(root));
  return { root, value, isTaken: false };
}

const original = (root: string) => `${root}.original`;

/** Copies a directory to where none is, with its times, which git's indexes know, and the modes of its directories. */
export function copy(from: string, to: string): void {
  // Not `cpSync`, which gives directories the mode that is usual.
  execFileSync('cp', ['-a', from, to]);
}
