import type { Checkpoint } from '../checkpoints/checkpoint.entity.ts';
import { allowsPath } from '../daemons/allows-path.ts';
import { issueCommand } from '../daemons/command.service.ts';
import { Daemon } from '../daemons/daemon.entity.ts';
import { authorize } from '../keys/permissions.ts';
import type { EntityManager } from '../platform/database.ts';
import {
  type AwayCopy,
  type ReadFilePayload,
  type ReadFileResult,
  readFileResultSchema,
} from '../platform/protocol.ts';
import type { Operation } from '../platform/runtime.ts';
import { transact } from '../platform/transaction.ts';
import { checkCopyPath } from '../tasks/copy-path.ts';
import { findTask } from '../tasks/task.access.ts';
import type { Task } from '../tasks/task.entity.ts';
import { CopyGoneError, daemonAnswer, daemonOf, daemonTimeout, unlessGone } from './daemon-answer.ts';
import { asRestore, lastCheckpoint } from './last-checkpoint.ts';
import { madeCopy } from './made-copy.ts';
import { Worktree } from './worktree.entity.ts';

/** The most of a file that is read, in bytes. */
const MAX_BYTES = 1_048_576;

export interface WorktreeFile extends ReadFileResult {
  readonly path: string;
  readonly task: Task;
  /** The checkpoint it is of, since the daemon is gone; null: it is of the working copy as it is now. */
  readonly checkpointId: Checkpoint['id'] | null;
}

interface Place {
  readonly worktree: Worktree;
  readonly daemon: Daemon;
  readonly away: AwayCopy | null;
}

/**
 * A file of a task's working copy as it is now, asked of its daemon; or, when that or the copy is gone, as of the last
 * checkpoint, asked of any daemon that can reach the repository.
 * @throws DomainError FORBIDDEN_PATH, INVALID_TRANSITION before there is a working copy, NO_DAEMON, DAEMON_TIMEOUT
 */
export async function worktreeFile(op: Operation, taskId: string, path: string): Promise<WorktreeFile> {
  authorize(op.principal, 'inspect');
  checkCopyPath(path, 'path');
  const task = await findTask(op.em, op.principal, taskId);
  const place = await placeToRead(op, task);
  const file = await read(op, task, path, place).catch(unlessGone);
  if (!(file instanceof CopyGoneError)) return file;
  const elsewhere = await readElsewhere(op.em, task, place.worktree);
  if (!elsewhere) throw file;
  return read(op, task, path, elsewhere);
}

async function read(
  op: Operation,
  task: Task,
  path: string,
  { worktree, daemon, away }: Place,
): Promise<WorktreeFile> {
  const payload: ReadFilePayload = {
    taskId: task.id,
    worktreeId: worktree.id,
    path,
    maxBytes: MAX_BYTES,
    away,
  };
  const commandId = await transact(op.runtime, async (tx) =>
    issueCommand(tx, {
      daemonId: daemon.id,
      taskId: task.id,
      attempt: task.attempt,
      type: 'READ_FILE',
      payload: { ...payload },
    }),
  );
  const file = await daemonAnswer(op, commandId, readFileResultSchema);
  if (!file) throw daemonTimeout();
  return { ...file, path, task, checkpointId: (away?.checkpoint.checkpointId as Checkpoint['id']) ?? null };
}

async function placeToRead({ em, principal }: Operation, task: Task): Promise<Place> {
  const known = task.worktreeId ? await em.findOneOrFail(Worktree, { id: task.worktreeId }) : null;
  if (known && !(await daemonOf(em, known))) {
    const elsewhere = await readElsewhere(em, task, known);
    if (elsewhere) return elsewhere;
  }
  return { ...(await madeCopy(em, principal, task)), away: null };
}

async function readElsewhere(em: EntityManager, task: Task, worktree: Worktree): Promise<Place | null> {
  const checkpoint = await lastCheckpoint(em, worktree);
  if (!checkpoint) return null;
  const connected = await em.find(
    Daemon,
    { ownerId: task.ownerId, status: { $ne: 'DISCONNECTED' } },
    { orderBy: { id: 'asc' } },
  );
  const daemon = connected.find((each) => allowsPath(each, worktree.repositoryPath ?? null));
  if (!daemon) return null;
  const repository = { url: worktree.repositoryUrl ?? null, localPath: worktree.repositoryPath ?? null };
  return { worktree, daemon, away: { repository, checkpoint: asRestore(checkpoint) } };
}
