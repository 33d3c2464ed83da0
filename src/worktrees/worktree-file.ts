import { issueCommand } from '../daemons/command.service.ts';
import { authorize } from '../keys/permissions.ts';
import { DomainError, invalidInput } from '../platform/errors.ts';
import { type ReadFilePayload, type ReadFileResult, readFileResultSchema } from '../platform/protocol.ts';
import type { Operation } from '../platform/runtime.ts';
import { transact } from '../platform/transaction.ts';
import { findTask } from '../tasks/task.access.ts';
import type { Task } from '../tasks/task.entity.ts';
import { daemonAnswer, daemonTimeout } from './daemon-answer.ts';
import { madeCopy } from './made-copy.ts';

/** The most of a file that is read, in bytes. */
const MAX_BYTES = 1_048_576;
const MAX_PATH_LENGTH = 4_096;

/**
 * A file of a task's working copy as it is now, asked of its daemon.
 * @throws DomainError FORBIDDEN_PATH, INVALID_TRANSITION before there is a working copy, NO_DAEMON, DAEMON_TIMEOUT
 */
export async function worktreeFile(
  op: Operation,
  taskId: string,
  path: string,
): Promise<ReadFileResult & { path: string; task: Task }> {
  authorize(op.principal, 'read');
  checkPath(path);
  const task = await findTask(op.em, op.principal, taskId);
  const command = await transact(op.runtime, async (tx) => {
    const { worktree, daemon } = await madeCopy(tx.em, op.principal, task);
    const payload: ReadFilePayload = {
      taskId: task.id,
      worktreeId: worktree.id,
      path,
      maxBytes: MAX_BYTES,
      away: null,
    };
    return issueCommand(tx, {
      daemonId: daemon.id,
      taskId: task.id,
      attempt: task.attempt,
      type: 'READ_FILE',
      payload: { ...payload },
    });
  });
  const file = await daemonAnswer(op, command.id, readFileResultSchema);
  if (!file) throw daemonTimeout();
  return { ...file, path, task };
}

/** What can be told from the path alone; where links lead only the daemon can tell. */
function checkPath(path: string): void {
  if (path === '') throw invalidInput('path', 'path is empty. Name a file of the working copy.');
  if (path.length > MAX_PATH_LENGTH)
    throw invalidInput('path', `path has ${path.length} characters; at most ${MAX_PATH_LENGTH} are taken.`);
  const parts = path.split('/');
  const leaves = path.startsWith('/') || path.includes('\0') || parts.includes('..');
  if (leaves || parts.some((part) => part.toLowerCase() === '.git')) {
    throw new DomainError(
      'FORBIDDEN_PATH',
      `${JSON.stringify(path)} is not read: give a path inside the working copy, relative to its root, and not in .git.`,
    );
  }
  if (!path.isWellFormed()) throw invalidInput('path', 'path is not well-formed Unicode.');
}
