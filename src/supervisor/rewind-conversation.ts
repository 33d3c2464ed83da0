import { Checkpoint } from '../checkpoints/checkpoint.entity.ts';
import { goBackTo, keptMessages } from '../conversations/conversation.service.ts';
import { ConversationMessage } from '../conversations/conversation-message.entity.ts';
import { awaitCommand, issueCommand } from '../daemons/command.service.ts';
import { logEvent } from '../events/append.ts';
import { recordHistory } from '../events/history.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import { DomainError, invalidInput, notFound } from '../platform/errors.ts';
import { type Id, parseId } from '../platform/ids.ts';
import { actorName } from '../platform/principal.ts';
import { type RewindWorktreePayload, rewindWorktreeResultSchema } from '../platform/protocol.ts';
import type { Operation } from '../platform/runtime.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { assertNotRewound, pauseLocked } from '../tasks/pause-task.ts';
import type { Task } from '../tasks/task.entity.ts';
import type { TaskStatus } from '../tasks/task.states.ts';
import {
  commandFailure,
  connectedWorktree,
  DAEMON_ANSWER_MS,
  parseAnswer,
} from '../worktrees/daemon-answer.ts';
import { asRestore } from '../worktrees/last-checkpoint.ts';
import { assertCopyFree, copyOf, lockSupervisor } from './supervisor.access.ts';

export interface RewindConversationInput {
  readonly contractId: string;
  readonly byMessageCount?: number | null | undefined;
  readonly toMessageId?: string | null | undefined;
  readonly rewindCode?: boolean | null | undefined;
  readonly dryRun?: boolean | null | undefined;
  readonly requestId?: string | null | undefined;
}

export interface Rewound {
  readonly messagesRemoved: number;
  readonly newMessageCount: number;
  readonly codeRewound: boolean;
  /** Where the code goes back to; null when only the conversation is rewound. */
  readonly checkpointId: Id<'checkpoint'> | null;
  /** The state before, to which it can be undone; null in a dry run and when only the conversation is rewound. */
  readonly undoCheckpointId: Id<'checkpoint'> | null;
  /** The daemon is still at it. */
  readonly pending: boolean;
}

/** What would be done. */
interface Plan {
  readonly messageId: Id<'turn'> | null;
  readonly removed: number;
  readonly kept: number;
  readonly checkpoint: Checkpoint | null;
}

/** What is kept under a `requestId`. */
interface Begun {
  readonly removed: number;
  readonly kept: number;
  readonly checkpointId: Id<'checkpoint'> | null;
  readonly commandId: Id<'command'> | null;
}

/**
 * Takes the supervisor's conversation back, and with `rewindCode` its working copy with it: both, or neither. A running
 * supervisor is paused first; its next start is a new session that is told what was kept.
 * @throws DomainError INVALID_INPUT, NOT_FOUND for an unknown message, NO_CHECKPOINT, COPY_IN_USE, NO_DAEMON, NO_SUPERVISOR …
 */
export async function rewindConversation(op: Operation, input: RewindConversationInput): Promise<Rewound> {
  authorize(op.principal, 'own');
  checkInput(input);
  if (input.dryRun) {
    const plan = await transact(op.runtime, async (tx) => {
      const { supervisor } = await lockSupervisor(tx, op.principal, input.contractId);
      return planOf(tx, supervisor, input);
    });
    return rewound({ ...plan, checkpointId: plan.checkpoint?.id ?? null }, null, false);
  }
  const begun = await transact(op.runtime, async (tx) => {
    const { contract, supervisor } = await lockSupervisor(tx, op.principal, input.contractId);
    const { ownerId } = contract;
    const request = { ownerId, requestId: input.requestId, operation: 'rewindConversation', input };
    const { result } = await once(tx, request, async () => {
      const plan = await planOf(tx, supervisor, input);
      const begun = await begin(tx, supervisor, plan, actorName(op.principal));
      recordHistory(tx, op, {
        action: 'conversation.rewound',
        contractId: contract.id,
        taskId: supervisor.id,
        details: { removed: plan.removed, checkpointId: begun.checkpointId },
      });
      return JSON.stringify(begun);
    });
    return JSON.parse(result) as Begun;
  });
  if (!begun.commandId) return rewound(begun, null, false);
  const command = await awaitCommand(op, begun.commandId, DAEMON_ANSWER_MS);
  if (!command) return rewound(begun, null, true);
  if (command.status !== 'COMPLETED') throw commandFailure(command);
  const { checkpointId } = parseAnswer(rewindWorktreeResultSchema, command.result);
  return rewound(begun, checkpointId as Id<'checkpoint'>, false);
}

function rewound(
  of: Pick<Begun, 'removed' | 'kept' | 'checkpointId'>,
  undoCheckpointId: Id<'checkpoint'> | null,
  pending: boolean,
): Rewound {
  const { removed, kept, checkpointId } = of;
  const codeRewound = checkpointId !== null && !pending;
  return {
    messagesRemoved: removed,
    newMessageCount: kept,
    codeRewound,
    checkpointId,
    undoCheckpointId,
    pending,
  };
}

function checkInput({ byMessageCount, toMessageId }: RewindConversationInput): void {
  if (byMessageCount != null && toMessageId != null)
    throw invalidInput('toMessageId', 'Give byMessageCount or toMessageId, not both.');
  if (byMessageCount != null && byMessageCount < 0)
    throw invalidInput('byMessageCount', `byMessageCount is ${byMessageCount}; it cannot be negative.`);
}

async function planOf(tx: Transaction, supervisor: Task, input: RewindConversationInput): Promise<Plan> {
  const messages = await keptMessages(tx.em, supervisor.id);
  const kept = keptCount(messages, input);
  const last = kept === 0 ? null : (messages[kept - 1] ?? null);
  assertAtRest(supervisor);
  await assertNotRewound(tx, supervisor);
  const plan = { messageId: last?.id ?? null, removed: messages.length - kept, kept };
  if (!input.rewindCode) return { ...plan, checkpoint: null };
  await assertCopyFree(tx, supervisor);
  return { ...plan, checkpoint: await checkpointAt(tx, supervisor, last) };
}

function keptCount(messages: readonly ConversationMessage[], input: RewindConversationInput): number {
  if (input.toMessageId == null) return Math.max(0, messages.length - (input.byMessageCount ?? 1));
  const id = parseId('turn', input.toMessageId, 'toMessageId');
  const index = messages.findIndex((message) => message.id === id);
  if (index < 0) throw notFound('message of this conversation', id);
  return index + 1;
}

const IN_BETWEEN: readonly TaskStatus[] = ['PENDING', 'STARTING', 'INTERRUPTED', 'CANCELLING'];

/** What is about to start, or to end, is at a place that nobody knows. */
function assertAtRest(supervisor: Task): void {
  if (!IN_BETWEEN.includes(supervisor.status)) return;
  throw new DomainError(
    'INVALID_TRANSITION',
    `The supervisor ${supervisor.id} is ${supervisor.status}. Rewind it when it runs, is paused, waits or has ended; one that waits for a daemon is taken back with resumeSupervisor FROM_CHECKPOINT.`,
  );
}

/** The last checkpoint of the supervisor's copy at or before a message; what belongs to rewound messages does not count. */
async function checkpointAt(
  tx: Transaction,
  supervisor: Task,
  message: ConversationMessage | null,
): Promise<Checkpoint> {
  const copy = await copyOf(tx, supervisor);
  const all = copy
    ? await tx.em.find(Checkpoint, { originId: copy.originId }, { orderBy: { number: 'desc' } })
    : [];
  const ids = all.map(({ afterMessageId }) => afterMessageId).filter((id) => id != null);
  const messages = await tx.em.find(ConversationMessage, { id: { $in: ids }, removedAt: null });
  const numbers = new Map(messages.map(({ id, number }) => [id, number]));
  const found = all.find(({ afterMessageId }) => {
    if (afterMessageId == null) return true;
    const number = numbers.get(afterMessageId);
    return number !== undefined && number <= (message?.number ?? 0);
  });
  if (found) return found;
  throw new DomainError(
    'NO_CHECKPOINT',
    'There is no checkpoint at or before that message, so code and conversation stay as they are. Rewind to a later message, or without rewindCode.',
  );
}

async function begin(tx: Transaction, supervisor: Task, plan: Plan, by: string): Promise<Begun> {
  const { removed, kept, checkpoint } = plan;
  const wasRunning = supervisor.status === 'RUNNING';
  if (!checkpoint) {
    if (wasRunning) await pauseLocked(tx, supervisor, by);
    await rewindMessages(tx, supervisor, plan.messageId, null);
    return { removed, kept, checkpointId: null, commandId: null };
  }
  const copy = await copyOf(tx, supervisor);
  const { daemon, worktree } = await connectedWorktree(tx.em, copy?.id as Id<'worktree'>);
  if (wasRunning) await pauseLocked(tx, supervisor, by);
  const payload: RewindWorktreePayload = {
    taskId: supervisor.id,
    attempt: supervisor.attempt,
    worktreeId: worktree.id,
    checkpoint: asRestore(checkpoint),
    toMessageId: plan.messageId,
  };
  const commandId = issueCommand(tx, {
    daemonId: daemon.id,
    taskId: supervisor.id,
    attempt: supervisor.attempt,
    type: 'REWIND_WORKTREE',
    payload: { ...payload },
  });
  return { removed, kept, checkpointId: checkpoint.id, commandId };
}

/** Rewinds the conversation of a locked supervisor; its session ends with that. */
export async function rewindMessages(
  tx: Transaction,
  supervisor: Task,
  messageId: Id<'turn'> | null,
  undoCheckpointId: Id<'checkpoint'> | null,
): Promise<void> {
  const { removed, kept } = await goBackTo(tx, supervisor.id, messageId);
  supervisor.sessionId = null;
  supervisor.startsAnew = true;
  supervisor.updatedAt = tx.now;
  logEvent(tx, supervisor.contractId, {
    type: 'CONVERSATION_REWOUND',
    taskId: supervisor.id,
    data: { messagesRemoved: removed, newMessageCount: kept, undoCheckpointId },
  });
}
