import { mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Where everything of a daemon lies. */
export interface DataPaths {
  readonly journal: string;
  readonly lock: string;
  readonly mirrors: string;
  readonly worktrees: string;
  readonly runs: string;
  readonly spool: string;
  readonly plans: string;
  readonly scratch: string;
  readonly uploads: string;
}

export function dataPaths(dataDir: string): DataPaths {
  return {
    journal: `${dataDir}/journal.jsonl`,
    lock: `${dataDir}/daemon.lock`,
    mirrors: `${dataDir}/mirrors`,
    worktrees: `${dataDir}/worktrees`,
    runs: `${dataDir}/runs`,
    spool: `${dataDir}/spool`,
    plans: `${dataDir}/plans`,
    scratch: `${dataDir}/scratch`,
    uploads: `${dataDir}/uploads`,
  };
}

/** Written whole or not at all, and safe on disk when it resolves. Only its owner may read it. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(`${file}.new`, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(value, null, 2)}\n`);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}
