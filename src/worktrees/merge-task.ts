import { LockMode } from '@mikro-orm/core';
import { checkBranchName } from '../contracts/repository.input.ts';
import { Command } from '../daemons/command.entity.ts';
import type { CommandHandler } from '../daemons/command.service.ts';
import { logEvent } from '../events/append.ts';
import { recordHistory } from '../events/history.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import type { Id } from '../platform/ids.ts';
import { type MergeTaskResult, mergeTaskPayloadSchema, mergeTaskResultSchema } from '../platform/protocol.ts';
import type { Operation } from '../platform/runtime.ts';
import { optionalText } from '../platform/text.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { logOutput } from '../tasks/log-output.ts';
import { storeMessage } from '../tasks/message.service.ts';
import { lockTask } from '../tasks/task.access.ts';
import { Task } from '../tasks/task.entity.ts';
import { moveTask } from '../tasks/task.moves.ts';
import { daemonAnswer, parseAnswer } from './daemon-answer.ts';
import { requestMerge } from './merge-request.ts';

export interface MergeTaskInput {
  readonly taskId: string;
  readonly targetBranch?: string | null | undefined;
  readonly squash?: boolean | null | undefined;
  readonly dryRun?: boolean | null | undefined;
  readonly message?: string | null | undefined;
  readonly requestId?: string | null | undefined;
}

export interface MergeOutcome extends Omit<MergeTaskResult, 'outcome'> {
  readonly outcome: MergeTaskResult['outcome'] | 'PENDING';
  readonly task: Task;
  readonly targetBranch: string;
}

/**
 * Merges a task's branch into the target: the branch given, else the task's own target, else the supervisor's branch.
 * The daemon that holds the target does it. A conflict is a result and leaves everything as it was.
 * @throws DomainError NO_BRANCH, INVALID_TRANSITION for a task that is not DONE, NO_DAEMON, TARGET_DIRTY …
 */
export async function mergeTask(op: Operation, input: MergeTaskInput): Promise<MergeOutcome> {
  authorize(op.principal, 'supervise');
  const givenTarget = optionalText(input.targetBranch, 'targetBranch', 250);
  if (givenTarget !== null) checkBranchName(givenTarget, 'targetBranch');
  const message = optionalText(input.message, 'message', 10_000);
  const commandId = await transact(op.runtime, async (tx) => {
    const task = await lockTask(tx, op.principal, input.taskId);
    const request = { ownerId: task.ownerId, requestId: input.requestId, operation: 'mergeTask', input };
    const { result } = await once(tx, request, async () => {
      const { commandId, payload } = await requestMerge(tx, task, {
        ...input,
        targetBranch: givenTarget,
        message,
      });
      recordHistory(tx, op, {
        action: 'merge.requested',
        contractId: task.contractId,
        taskId: task.id,
        details: { targetBranch: payload.targetBranch, dryRun: payload.dryRun },
      });
      return commandId;
    });
    return result as Id<'command'>;
  });
  return outcomeOf(op, commandId);
}

async function outcomeOf(op: Operation, commandId: Command['id']): Promise<MergeOutcome> {
  const answer = await daemonAnswer(op, commandId, mergeTaskResultSchema);
  const em = op.runtime.db.fork();
  const command = await em.findOneOrFail(Command, { id: commandId });
  const payload = mergeTaskPayloadSchema.parse(command.payload);
  const task = await em.findOneOrFail(Task, { id: payload.taskId as Id<'task'> });
  const { targetBranch } = payload;
  if (answer) return { ...answer, task, targetBranch };
  const message =
    'The daemon is still merging. The result comes in the log; the same requestId waits for it again.';
  return { outcome: 'PENDING', commitSha: null, message, conflicts: [], task, targetBranch };
}

/** What a merge that was done, or failed, changes here, whether or not anybody still waits for it. */
export const mergeHandler: CommandHandler = {
  result: mergeTaskResultSchema,
  completed: async (tx, command, result) => {
    const answer = parseAnswer(mergeTaskResultSchema, result);
    const payload = mergeTaskPayloadSchema.parse(command.payload);
    if (payload.dryRun) return;
    const supervisor = answer.outcome === 'CONFLICT' ? await lockSupervisorOf(tx, command) : null;
    const task = await lockCommandTask(tx, command);
    if (answer.outcome === 'MERGED' && task.status === 'DONE') moveTask(tx, task, 'MERGED', 'daemon');
    const { outcome, commitSha, message } = answer;
    logEvent(tx, task.contractId, {
      type: 'MERGE_FINISHED',
      taskId: task.id,
      data: { outcome, targetBranch: payload.targetBranch, commitSha, message },
    });
    // A merge that was done by itself: nobody waits for what came of it.
    if (supervisor && task.completionAction === 'MERGE')
      await tellConflict(tx, supervisor, task, payload.targetBranch, answer.conflicts);
  },
  failed: async (tx, command) => {
    const task = await lockCommandTask(tx, command);
    logOutput(tx, task, 'ERROR', `The merge failed: ${command.errorMessage} (${command.errorCode})`);
  },
};

async function lockCommandTask(tx: Transaction, command: Command): Promise<Task> {
  return tx.em.findOneOrFail(
    Task,
    { id: command.taskId as Id<'task'> },
    { lockMode: LockMode.PESSIMISTIC_WRITE },
  );
}

/** The supervisor before its task, as everybody who locks both does. */
async function lockSupervisorOf(tx: Transaction, command: Command): Promise<Task | null> {
  const { contractId } = await tx.em.findOneOrFail(Task, { id: command.taskId as Id<'task'> });
  const where = { contractId, role: 'SUPERVISOR' as const };
  return tx.em.findOne(Task, where, { lockMode: LockMode.PESSIMISTIC_WRITE });
}

async function tellConflict(
  tx: Transaction,
  supervisor: Task,
  task: Task,
  targetBranch: string,
  conflicts: MergeTaskResult['conflicts'],
): Promise<void> {
  const paths = conflicts.map(({ path }) => path).join(', ');
  const text = `Task "${task.name}" (${task.id}) is DONE and could not be merged into ${targetBranch}: conflicts in ${paths}. Resolve them, then merge it.`;
  await storeMessage(tx, supervisor, { sender: 'SYSTEM', by: 'merge' }, text);
}
