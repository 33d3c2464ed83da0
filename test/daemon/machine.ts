import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ApiError } from '../../src/client/errors.ts';
import type { RecordCheckpointInput, UploadCheckpointPartInput } from '../../src/client/generated/graphql.ts';
import type { DaemonApi } from '../../src/daemon/api.ts';
import { Checkpoints } from '../../src/daemon/checkpoints.ts';
import { Repositories } from '../../src/daemon/repositories.ts';
import type { RunContext } from '../../src/daemon/run-context.ts';
import { Worktrees } from '../../src/daemon/worktrees.ts';
import {
  type Restore,
  type SpawnTaskPayload,
  spawnTaskPayloadSchema,
  type TaskDiffResult,
  taskDiffResultSchema,
} from '../../src/platform/protocol.ts';
import { repository } from './git/support.ts';
import { scratch, silent } from './support.ts';

/** A checkpoint as the server stores it. */
export interface Stored extends RecordCheckpointInput {
  readonly id: string;
  readonly number: number;
  readonly diff: TaskDiffResult;
}

/** What of the server a daemon's working copies need: it stores what it is sent, and may refuse. */
export class Store {
  readonly checkpoints: Stored[] = [];
  readonly parts = new Map<string, Buffer[]>();
  /** Called before a checkpoint is recorded; throws where the server is to fail. */
  beforeRecord: (input: RecordCheckpointInput) => void = () => undefined;

  /** Called when one was recorded; throws where its answer is to be lost. */
  afterRecord: () => void = () => undefined;

  async uploadPart({ uploadId, data }: UploadCheckpointPartInput): Promise<void> {
    this.parts.set(uploadId, [...(this.parts.get(uploadId) ?? []), Buffer.from(data, 'base64')]);
  }

  async recordCheckpoint(input: RecordCheckpointInput): Promise<{ id: string; created: boolean }> {
    this.beforeRecord(input);
    const diff = taskDiffResultSchema.parse(input.diff);
    const same = this.checkpoints.find(({ uploadId }) => uploadId === input.uploadId);
    if (same) return { id: same.id, created: false };
    const number = this.checkpoints.length + 1;
    const id = `checkpoint_${String(number).padStart(3, '0')}`;
    if ((this.parts.get(input.uploadId)?.length ?? 0) !== input.parts)
      throw new ApiError('parts are missing', { code: 'INVALID_INPUT' });
    this.checkpoints.push({ ...input, id, number, diff });
    this.afterRecord();
    return { id, created: true };
  }

  /** Another server that has stored the same. */
  copy(): Store {
    const copy = new Store();
    copy.checkpoints.push(...this.checkpoints);
    for (const [id, parts] of this.parts) copy.parts.set(id, [...parts]);
    return copy;
  }

  get last(): Stored {
    return this.checkpoints.at(-1) as Stored;
  }

  restore({ id, number, commitSha, baseSha, parts }: Stored): Restore {
    return { checkpointId: id, number, commitSha, baseSha, parts };
  }

  bytes(id: string): Buffer {
    const { uploadId } = this.checkpoints.find((checkpoint) => checkpoint.id === id) as Stored;
    return Buffer.concat(this.parts.get(uploadId) ?? []);
  }
}

/** The part of a daemon that has to do with working copies, in a directory of its own. */
export class Machine {
  readonly root: string;
  readonly store: Store;
  readonly context: RunContext;
  readonly notes: string[] = [];

  constructor(options: { root?: string; store?: Store; localPaths?: string[] } = {}) {
    this.root = options.root ?? scratch();
    this.store = options.store ?? new Store();
    const { signal } = new AbortController();
    const repositories = new Repositories({
      mirrorsDir: join(this.root, 'mirrors'),
      bundlesDir: join(this.root, 'uploads'),
      localPaths: options.localPaths ?? [this.root],
      download: async (id, parts, file) => {
        expect(parts).toBeGreaterThan(0);
        await writeFile(file, this.store.bytes(id));
      },
    });
    const worktrees = new Worktrees({ dir: join(this.root, 'worktrees'), repositories });
    const api = this.store as unknown as DaemonApi;
    const checkpoints = new Checkpoints({ api, worktrees, uploadsDir: join(this.root, 'uploads'), signal });
    this.context = { repositories, worktrees, checkpoints, signal, logger: silent } as unknown as RunContext;
  }

  /** The same machine after its daemon was killed: nothing but the disk is left. */
  restarted(): Machine {
    return new Machine({ root: this.root, store: this.store });
  }

  /** A repository with one commit on `main`. */
  repository(name: string, files?: Record<string, string>): string {
    return repository(join(this.root, name), files);
  }

  make(repo: string | { url: string }, id: string, worktree: object = {}) {
    const note = async (text: string) => void this.notes.push(text);
    return this.context.worktrees.create(spawnPayload(repo, id, worktree), this.context.signal, note);
  }

  checkpoint(worktreeId: string, message = 'saved') {
    return this.context.checkpoints.make({ worktreeId, taskId: 'task_1', attempt: 1, message });
  }
}

export function spawnPayload(repo: string | { url: string }, id: string, worktree: object): SpawnTaskPayload {
  return spawnTaskPayloadSchema.parse({
    taskId: 'task_1',
    attempt: 1,
    contractId: 'contract_1',
    contractName: 'A contract',
    name: 'A task',
    role: 'WORK',
    plan: '',
    agent: 'shell',
    repository: typeof repo === 'string' ? { url: null, localPath: repo } : { ...repo, localPath: null },
    worktree: {
      id,
      mode: 'OWN',
      branch: `taskmesh/${id}`,
      baseBranch: null,
      baseWorktreeId: null,
      restore: null,
      ...worktree,
    },
    localOnly: true,
    timeLimitMinutes: null,
    recovery: null,
  });
}
