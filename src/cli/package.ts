import { fileURLToPath } from 'node:url';
import { PACKAGE_ROOT } from '../platform/package.ts';

/** How this CLI is started again: for child processes, and for the `taskmesh` on an agent's PATH. */
export const SELF = {
  execPath: process.execPath,
  entry: fileURLToPath(new URL('bin/taskmesh.js', PACKAGE_ROOT)),
} as const;
