import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The directory of PostgreSQL's server programs: on the PATH, or where Debian puts them. null when there is none. */
export function findPostgres(): string | null {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const candidates = [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  return candidates.find((directory) => existsSync(join(directory, 'initdb'))) ?? null;
}
