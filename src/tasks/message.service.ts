import { recordTurns } from '../conversations/conversation.service.ts';
import { logEvent } from '../events/append.ts';
import { recordHistory } from '../events/history.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import { topics } from '../platform/doorbell.ts';
import { DomainError } from '../platform/errors.ts';
import { type Id, newId } from '../platform/ids.ts';
import { actorName, isTask } from '../platform/principal.ts';
import type { Operation } from '../platform/runtime.ts';
import { boundedInt, requiredText } from '../platform/text.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { waitUntil } from '../platform/waiting.ts';
import { messageArrived } from './pause-task.ts';
import { lockTask } from './task.access.ts';
import type { Task } from './task.entity.ts';
import { ownTaskId } from './task.service.ts';
import { isCompleted } from './task.states.ts';
import { type MessageSender, TaskMessage } from './task-message.entity.ts';

/**
 * Sends a message to a task's agent. It is stored until the agent has read it.
 * @throws DomainError INVALID_TRANSITION when the task is completed: nobody would read it
 */
export async function sendMessage(
  op: Operation,
  input: { taskId: string; content: string; requestId?: string | null | undefined },
): Promise<TaskMessage> {
  authorize(op.principal, 'supervise');
  const content = requiredText(input.content, 'content', 100_000);
  return transact(op.runtime, async (tx) => {
    const task = await lockTask(tx, op.principal, input.taskId);
    const request = { ownerId: task.ownerId, requestId: input.requestId, operation: 'sendMessage', input };
    const { result } = await once(tx, request, async () => {
      if (isCompleted(task.status)) {
        throw new DomainError(
          'INVALID_TRANSITION',
          `Task ${task.id} is ${task.status}: no agent is there to read it. Spawn another task, or start it again: retryTask when it FAILED or was CANCELLED, resumeSupervisor for a supervisor.`,
        );
      }
      const sender = isTask(op.principal) ? 'SUPERVISOR' : 'PERSON';
      const message = await storeMessage(tx, task, { sender, by: actorName(op.principal) }, content, true);
      recordHistory(tx, op, {
        action: 'message.sent',
        contractId: task.contractId,
        taskId: task.id,
        details: { messageId: message.id },
      });
      return message.id;
    });
    return tx.em.findOneOrFail(TaskMessage, { id: result as Id<'message'> });
  });
}

/**
 * Puts a message into a locked task's inbox, and wakes its agent where it can be woken.
 * @param from who sends it, and who caused it, as the log names them
 * @param wakesPaused whether also an agent goes on that was paused, as whoever paused it may want
 */
export async function storeMessage(
  tx: Transaction,
  task: Task,
  { sender, by }: { sender: MessageSender; by: string },
  content: string,
  wakesPaused = false,
): Promise<TaskMessage> {
  const [last] = await tx.em.find(
    TaskMessage,
    { taskId: task.id },
    { orderBy: { number: 'desc' }, limit: 1 },
  );
  const message = tx.em.create(TaskMessage, {
    id: newId('message'),
    taskId: task.id,
    number: (last?.number ?? 0) + 1,
    sender,
    content,
    createdAt: tx.now,
  });
  await tx.em.flush();
  logEvent(tx, task.contractId, { type: 'MESSAGE_SENT', taskId: task.id, data: { messageId: message.id } });
  tx.ring(topics.inbox(task.id));
  await messageArrived(tx, task, by, wakesPaused);
  return message;
}

/**
 * The messages to a task that it has not acknowledged, in order, waiting for one when there is none. Reading changes
 * nothing: a message whose delivery was cut off is there again.
 * @param timeoutSeconds 0 to 3,600; 0 does not wait
 */
export async function readInbox(op: Operation, timeoutSeconds: number): Promise<TaskMessage[]> {
  authorize(op.principal, 'attend');
  const taskId = ownTaskId(op);
  const timeoutMs = boundedInt(timeoutSeconds, 'timeoutSeconds', 0, 3_600) * 1_000;
  const unread = async () => {
    const where = { taskId, deliveredAt: null };
    const messages = await op.runtime.db.fork().find(TaskMessage, where, { orderBy: { number: 'asc' } });
    return messages.length > 0 ? messages : null;
  };
  return (await waitUntil(op.runtime, [topics.inbox(taskId)], timeoutMs, op.signal, unread)) ?? [];
}

/** A task has the messages up to this number: they are not given again. */
export async function acknowledgeMessages(
  op: Operation,
  input: { upTo: number; asPrompt?: boolean | null | undefined },
): Promise<number> {
  authorize(op.principal, 'attend');
  const taskId = ownTaskId(op);
  const upTo = boundedInt(input.upTo, 'upTo', 0, 2_000_000_000);
  return transact(op.runtime, async (tx) => {
    const task = await lockTask(tx, op.principal, taskId);
    const messages = await tx.em.find(
      TaskMessage,
      { taskId, deliveredAt: null, number: { $lte: upTo } },
      { orderBy: { number: 'asc' } },
    );
    for (const message of messages) message.deliveredAt = tx.now;
    // What an agent that has conversations is told by a prompt, its output records.
    const isRecorded = typeof task.sessionId === 'string' && (input.asPrompt ?? true);
    if (!isRecorded) await recordTurns(tx, task.contractId, taskId, messages.map(turnOf(task)));
    return messages.length;
  });
}

const turnOf = (task: Task) => (message: TaskMessage) => ({
  role: 'USER' as const,
  content: message.content,
  attempt: task.attempt,
  source: `message ${message.number}`,
  isPartial: false,
});
