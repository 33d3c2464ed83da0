import { existsSync, readFileSync } from 'node:fs';

/** The directory of the package: from src/platform in a checkout, from dist/src/platform when installed from npm. */
export const PACKAGE_ROOT = ['../../', '../../../']
  .map((up) => new URL(up, import.meta.url))
  .find((directory) => existsSync(new URL('package.json', directory)));

interface Manifest {
  readonly version: string;
  readonly engines: { readonly node: string };
}

/** What the package says of itself. */
export function readManifest(): Manifest {
  return JSON.parse(readFileSync(new URL('package.json', PACKAGE_ROOT), 'utf8')) as Manifest;
}

/** The version of the package. */
export function readVersion(): string {
  return readManifest().version;
}
