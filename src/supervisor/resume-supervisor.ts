import { repeatCheckpoint } from '../checkpoints/repeat-checkpoint.ts';
import type { ContractPhase } from '../contracts/contract.entity.ts';
import { goBackTo, keptMessages } from '../conversations/conversation.service.ts';
import { Daemon } from '../daemons/daemon.entity.ts';
import { recordHistory } from '../events/history.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import { topics } from '../platform/doorbell.ts';
import { DomainError, invalidInput } from '../platform/errors.ts';
import { actorName } from '../platform/principal.ts';
import type { Operation } from '../platform/runtime.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { claimLocked } from '../scheduler/claim.ts';
import { LEASE_MS } from '../scheduler/lost-daemons.ts';
import { assertNotRewound } from '../tasks/pause-task.ts';
import type { Task } from '../tasks/task.entity.ts';
import { moveTask } from '../tasks/task.moves.ts';
import { stopAgent } from '../tasks/task.service.ts';
import type { TaskStatus } from '../tasks/task.states.ts';
import { TaskAttempt } from '../tasks/task-attempt.entity.ts';
import { assertCopyFree, copyOf, findSupervisorCheckpoint, lockSupervisor } from './supervisor.access.ts';

/*
 * CONTINUE         goes on in its session where that still is, else is told its conversation
 * RESTART_PHASE    a new session without the conversation; phase and code stay
 * FROM_CHECKPOINT  a new session, code and conversation as they were at a checkpoint
 */
export const RESUME_MODES = ['CONTINUE', 'RESTART_PHASE', 'FROM_CHECKPOINT'] as const;
export type ResumeMode = (typeof RESUME_MODES)[number];

export interface ResumeSupervisorInput {
  readonly contractId: string;
  readonly mode: ResumeMode;
  readonly checkpointId?: string | null | undefined;
  readonly requestId?: string | null | undefined;
}

export interface ResumedFrom {
  readonly phase: ContractPhase;
  /** When its agent last said something; null when it never did. ISO 8601. */
  readonly lastActivity: string | null;
  /** Messages of the conversation that it goes on with. */
  readonly messageCount: number;
}

/**
 * Starts the supervisor again: PENDING, and claimed at once where possible. All of it is one transaction: when it cannot
 * be brought to a daemon, conversation and code are as before.
 * @throws DomainError ALREADY_RUNNING, NO_SUPERVISOR, NO_DAEMON, CONTRACT_CLOSED, COPY_IN_USE, INVALID_INPUT
 */
export async function resumeSupervisor(
  op: Operation,
  input: ResumeSupervisorInput,
): Promise<{ task: Task; resumedFrom: ResumedFrom }> {
  authorize(op.principal, 'own');
  if ((input.mode === 'FROM_CHECKPOINT') !== Boolean(input.checkpointId)) {
    throw invalidInput('checkpointId', 'checkpointId goes with the mode FROM_CHECKPOINT, and with no other.');
  }
  return transact(op.runtime, async (tx) => {
    const { contract, supervisor } = await lockSupervisor(tx, op.principal, input.contractId);
    const { ownerId } = contract;
    const request = { ownerId, requestId: input.requestId, operation: 'resumeSupervisor', input };
    const { result } = await once(tx, request, async () => {
      await assertResumable(tx, supervisor);
      const lastActivity = await lastActivityOf(tx, supervisor);
      const by = actorName(op.principal);
      await prepare(tx, supervisor, input);
      await toPending(tx, supervisor, by);
      recordHistory(tx, op, {
        action: 'supervisor.resumed',
        contractId: contract.id,
        taskId: supervisor.id,
        details: { mode: input.mode },
      });
      const messageCount = (await keptMessages(tx.em, supervisor.id)).length;
      await tx.em.flush();
      if ((await claimLocked(tx, supervisor)) !== 'STARTED') tx.ring(topics.schedule);
      return JSON.stringify({ phase: contract.phase, lastActivity, messageCount } satisfies ResumedFrom);
    });
    return { task: supervisor, resumedFrom: JSON.parse(result) as ResumedFrom };
  });
}

const STARTED: readonly TaskStatus[] = ['STARTING', 'RUNNING'];

async function assertResumable(tx: Transaction, supervisor: Task): Promise<void> {
  if (STARTED.includes(supervisor.status) && (await isConnected(tx, supervisor))) {
    throw new DomainError(
      'ALREADY_RUNNING',
      `The supervisor ${supervisor.id} is ${supervisor.status} on a connected daemon. Send it a message, or pause it first.`,
    );
  }
  if (supervisor.status === 'CANCELLING') {
    throw new DomainError(
      'INVALID_TRANSITION',
      `The supervisor ${supervisor.id} is being cancelled. Try again when it is CANCELLED.`,
    );
  }
  await assertNotRewound(tx, supervisor);
  if ((await tx.em.count(Daemon, { ownerId: supervisor.ownerId, status: 'CONNECTED' })) === 0) {
    throw new DomainError(
      'NO_DAEMON',
      'No daemon is connected that could run the supervisor. Start one: taskmesh daemon --help.',
    );
  }
}

/** A daemon that was silent for longer than its lease is not, also when the sweep has not come by yet. */
async function isConnected(tx: Transaction, supervisor: Task): Promise<boolean> {
  const daemon = supervisor.daemonId ? await tx.em.findOne(Daemon, { id: supervisor.daemonId }) : null;
  if (!daemon || daemon.status === 'DISCONNECTED') return false;
  return (daemon.lastHeartbeatAt?.getTime() ?? 0) > tx.now.getTime() - LEASE_MS;
}

async function lastActivityOf(tx: Transaction, supervisor: Task): Promise<string | null> {
  const [last] = await tx.em.find(
    TaskAttempt,
    { taskId: supervisor.id, lastOutputAt: { $ne: null } },
    { orderBy: { attempt: 'desc' }, limit: 1 },
  );
  return last?.lastOutputAt?.toISOString() ?? null;
}

/** Takes conversation and code to where it is to go on from. */
async function prepare(
  tx: Transaction,
  supervisor: Task,
  { mode, checkpointId }: ResumeSupervisorInput,
): Promise<void> {
  if (mode === 'CONTINUE') return;
  supervisor.sessionId = null;
  if (mode === 'RESTART_PHASE') {
    await goBackTo(tx, supervisor.id, null);
    return;
  }
  await assertCopyFree(tx, supervisor);
  const copy = await copyOf(tx, supervisor);
  const checkpoint = await findSupervisorCheckpoint(tx, copy, String(checkpointId));
  await goBackTo(tx, supervisor.id, checkpoint.afterMessageId ?? null);
  await repeatCheckpoint(tx, checkpoint);
  // A new copy is made from it. The present one stays where it is, with all that is in no checkpoint.
  if (copy) copy.leftAt = tx.now;
}

async function toPending(tx: Transaction, supervisor: Task, by: string): Promise<void> {
  // Its agent is held, or may still run on a machine that does not answer: it must not go on beside the new one.
  if (supervisor.daemonId && !isOver(supervisor.status)) stopAgent(tx, supervisor, 'CANCELLED', 0);
  Object.assign(supervisor, { cancelReason: null, finishSummary: null, finishSuccess: null });
  const anew = { retryCount: 0, failedDaemons: [], errorMessage: null, daemonId: null };
  if (supervisor.status !== 'PENDING') moveTask(tx, supervisor, 'PENDING', by, anew);
}

/** No agent of it can be left anywhere. */
function isOver(status: TaskStatus): boolean {
  return status !== 'RUNNING' && status !== 'STARTING' && status !== 'PAUSED' && status !== 'WAITING';
}
