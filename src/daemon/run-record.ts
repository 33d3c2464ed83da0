import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { repositorySchema } from '../platform/protocol.ts';
import { type DataPaths, writeJson } from './files.ts';
import { exclusively } from './git/locks.ts';
import { worktreeKey } from './git/names.ts';

/*
 * What a daemon must know of a run after it was killed: which processes to look for, how the agent ended, and
 * what was to be reported. One file an attempt, from before the agent is started until the server has the
 * report.
 */

const runRecordSchema = z.object({
  taskId: z.string(),
  attempt: z.number().int(),
  contractId: z.string(),
  name: z.string(),
  role: z.enum(['SUPERVISOR', 'WORK', 'RED_TEAM']),
  repository: repositorySchema.nullable(),
  localOnly: z.boolean(),
  /** A repository of this machine that gets the finished branch, too. */
  targetRepoPath: z.string().nullable().default(null),
  worktreeId: z.string().nullable(),
  /** Whether what is in the working copy at the end is this task's to save. */
  savesCopy: z.boolean(),
  pid: z.number().int().nullable(),
  startTime: z.string().nullable(),
  /** Set once the agent has ended and all its output is in the spool. */
  exit: z
    .object({
      code: z.number().int().nullable(),
      signal: z.string().nullable(),
      failure: z.string().optional(),
    })
    .nullable(),
  /** What is reported instead of what the exit says; set before the agent is stopped. */
  ending: z.enum(['CANCELLED', 'DONE', 'INTERRUPTED']).nullable(),
  summary: z.string().nullable(),
  /** It rests: no process, all saved, and nothing to be reported when the daemon ends. */
  isParked: z.boolean().default(false),
});
export type RunRecord = z.infer<typeof runRecordSchema>;

/**
 * Names a run in file names and in the environment of its processes. @throws InvalidNameError for an id with
 * a path in it
 */
export function runKey(taskId: string, attempt: number): string {
  return `${worktreeKey(taskId, 'taskId')}.${attempt}`;
}

/** Where a task works that has no working copy; the same for all its attempts, as sessions are found by it. */
export function scratchDirectory(paths: DataPaths, taskId: string): string {
  return join(paths.scratch, worktreeKey(taskId, 'taskId'));
}

export class RunRecords {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async save(record: RunRecord): Promise<void> {
    const file = this.#file(record);
    await exclusively(`record ${file}`, () => writeJson(file, record));
  }

  async remove(record: Pick<RunRecord, 'taskId' | 'attempt'>): Promise<void> {
    const file = this.#file(record);
    await exclusively(`record ${file}`, () => rm(file, { force: true }));
  }

  /** Those that a daemon before this one left. */
  async all(): Promise<RunRecord[]> {
    const records: RunRecord[] = [];
    for (const name of await readdir(this.#dir).catch(() => [])) {
      if (!name.endsWith('.json')) continue;
      const parsed = runRecordSchema.safeParse(JSON.parse(await readFile(join(this.#dir, name), 'utf8')));
      if (parsed.success) records.push(parsed.data);
    }
    return records;
  }

  #file(record: Pick<RunRecord, 'taskId' | 'attempt'>): string {
    return join(this.#dir, `${runKey(record.taskId, record.attempt)}.json`);
  }
}
