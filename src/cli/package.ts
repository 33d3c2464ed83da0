import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// src/cli in a checkout, dist/src/cli when installed from npm.
const root = ['../../', '../../../']
  .map((up) => new URL(up, import.meta.url))
  .find((directory) => existsSync(new URL('package.json', directory)));

/** How this CLI is started again: for child processes, and for the `taskmesh` on an agent's PATH. */
export const SELF = {
  execPath: process.execPath,
  entry: fileURLToPath(new URL('bin/taskmesh.js', root)),
} as const;

/** The version of the package. */
export function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string };
  return manifest.version;
}
