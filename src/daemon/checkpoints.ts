import { randomUUID } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiError } from '../client/errors.ts';
import type { DaemonApi } from './api.ts';
import { checkpointDiff } from './checkpoint-diff.ts';
import { writeBundle } from './git/bundle.ts';
import { countChanges } from './git/diff.ts';
import { WorkingCopyBrokenError } from './git/errors.ts';
import { exclusively, sideBySide } from './git/locks.ts';
import { type Snapshot, snapshot } from './git/snapshot.ts';
import type { Upload, Worktree, Worktrees } from './worktrees.ts';

export interface CheckpointRequest {
  readonly worktreeId: string;
  /** In whose name it is recorded. */
  readonly taskId: string;
  readonly attempt: number;
  readonly message: string;
  /** Also makes it the tip of the copy's branch. */
  readonly moveBranch?: boolean;
  /** Records the state also when nothing has changed since the base: there will be something to go back to. */
  readonly evenUnchanged?: boolean;
}

export interface CheckpointResult {
  /** Null: nothing has changed since the base, there is nothing to save yet. */
  readonly checkpointId: string | null;
  /** Whether the server has a new one. */
  readonly created: boolean;
  readonly snapshot: Snapshot;
}

const PART_BYTES = 1024 * 1024;

/** Saves working copies at the server: snapshot, bundle, upload, record; one after the other per copy. */
export class Checkpoints {
  readonly #api: DaemonApi;
  readonly #worktrees: Worktrees;
  readonly #uploadsDir: string;
  readonly #signal: AbortSignal;

  constructor(options: { api: DaemonApi; worktrees: Worktrees; uploadsDir: string; signal: AbortSignal }) {
    this.#api = options.api;
    this.#worktrees = options.worktrees;
    this.#uploadsDir = options.uploadsDir;
    this.#signal = options.signal;
  }

  /**
   * @throws ApiError when the server refuses it (STALE_ATTEMPT), WorkingCopyGoneError, WorkingCopyBrokenError when the copy is gone or broken
   */
  async make(request: CheckpointRequest): Promise<CheckpointResult> {
    return exclusively(`checkpoint ${request.worktreeId}`, async () => {
      const worktree = await this.#worktrees.get(request.worktreeId);
      const taken = await this.#snapshot(worktree, request);
      const last = worktree.record.checkpoint;
      const isUnchanged =
        last === null && taken.commitSha === worktree.copy.baseSha && !request.evenUnchanged;
      // Not `created`: the daemon may have died between an earlier snapshot and its upload.
      if (isUnchanged || taken.commitSha === last?.commitSha) {
        return { checkpointId: last?.id ?? null, created: false, snapshot: taken };
      }
      const { id, created } = await this.#record(worktree, request, taken);
      await this.#worktrees.recorded(worktree, { id, commitSha: taken.commitSha });
      return { checkpointId: id, created, snapshot: taken };
    });
  }

  /** The copy's files as a commit of the mirror, which the server is not told of. @returns its id */
  async snapshotOnly(request: { worktreeId: string; message: string }): Promise<string> {
    return exclusively(`checkpoint ${request.worktreeId}`, async () => {
      const { mirror, copy } = await this.#worktrees.get(request.worktreeId);
      return (await snapshot({ mirror, copy, message: request.message, signal: this.#signal })).commitSha;
    });
  }

  async #snapshot({ mirror, copy }: Worktree, request: CheckpointRequest): Promise<Snapshot> {
    const options = { mirror, copy, message: request.message, signal: this.#signal };
    if (!request.moveBranch) return snapshot(options);
    try {
      return await snapshot({ ...options, moveBranch: true });
    } catch (error) {
      // A branch that cannot be moved must not keep the files from being saved.
      if (error instanceof WorkingCopyBrokenError) return snapshot(options);
      throw error;
    }
  }

  async #record(
    worktree: Worktree,
    request: CheckpointRequest,
    taken: Snapshot,
  ): Promise<{ id: string; created: boolean }> {
    const { mirror, copy, record } = worktree;
    const { worktreeId, upload: begun, checkpoint: last } = record;
    const { taskId, attempt, message } = request;
    const { commitSha, skipped: skippedPaths } = taken;
    const { baseSha, branch } = copy;
    const what = { taskId, attempt, worktreeId, commitSha, baseSha, branch, message, skippedPaths };
    const [counts, diff] = await sideBySide(
      // Not what the snapshot counted: there may have been others since, which the server was not told of.
      countChanges(mirror, last?.commitSha ?? baseSha, commitSha),
      checkpointDiff(mirror, baseSha, commitSha, this.#signal),
    );
    const facts = { ...what, ...counts, diff };
    const send = async ({ uploadId, parts, bytes }: Upload) =>
      this.#api.recordCheckpoint({ ...facts, uploadId, parts, bytes });
    if (begun?.commitSha === commitSha) {
      // The daemon died before it had the answer. The same upload again gives the same checkpoint.
      const known = await send(begun).catch(unlessLost);
      if (known) return known;
    }
    // The server may drop an upload that took long; then once more from its beginning.
    return (
      (await send(await this.#upload(worktree, request, commitSha)).catch(unlessLost)) ??
      send(await this.#upload(worktree, request, commitSha))
    );
  }

  /** Sends the commit's data in parts, under an id that is on disk before the first of them is sent. */
  async #upload(
    { mirror, copy, record }: Worktree,
    { taskId, attempt }: CheckpointRequest,
    commitSha: string,
  ): Promise<Upload> {
    const { worktreeId } = record;
    const uploadId = randomUUID();
    const file = join(this.#uploadsDir, `${uploadId}.bundle`);
    await mkdir(this.#uploadsDir, { recursive: true, mode: 0o700 });
    try {
      const bundle = { mirror, worktreeId, commit: commitSha, base: copy.baseSha, file };
      const { bytes } = await writeBundle({ ...bundle, signal: this.#signal });
      const upload = { uploadId, commitSha, parts: Math.ceil(bytes / PART_BYTES), bytes };
      await this.#worktrees.remember(worktreeId, { upload });
      if (bytes > 0) await this.#sendParts(file, { taskId, attempt, uploadId });
      return upload;
    } finally {
      await rm(file, { force: true });
    }
  }

  async #sendParts(
    file: string,
    upload: { taskId: string; attempt: number; uploadId: string },
  ): Promise<void> {
    const handle = await open(file, 'r');
    try {
      const buffer = Buffer.alloc(PART_BYTES);
      for (let index = 0; ; index += 1) {
        const { bytesRead } = await handle.read(buffer, 0, PART_BYTES, index * PART_BYTES);
        if (bytesRead === 0) return;
        await this.#api.uploadPart({ ...upload, index, data: buffer.toString('base64', 0, bytesRead) });
      }
    } finally {
      await handle.close();
    }
  }
}

/** @returns null when the server does not have the upload, or not all of it */
function unlessLost(error: unknown): null {
  if (error instanceof ApiError && (error.code === 'NOT_FOUND' || error.code === 'INVALID_INPUT'))
    return null;
  throw error;
}

/** Fetches a checkpoint's data from the server, part by part. */
export async function downloadCheckpoint(
  api: DaemonApi,
  checkpointId: string,
  parts: number,
  file: string,
): Promise<void> {
  const handle = await open(file, 'w', 0o600);
  try {
    for (let index = 0; index < parts; index += 1) {
      await handle.write(Buffer.from(await api.checkpointPart(checkpointId, index), 'base64'));
    }
  } finally {
    await handle.close();
  }
}
