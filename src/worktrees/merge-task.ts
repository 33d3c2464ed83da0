import { LockMode } from '@mikro-orm/core';
import { Contract } from '../contracts/contract.entity.ts';
import { checkBranchName } from '../contracts/repository.input.ts';
import { Command } from '../daemons/command.entity.ts';
import { type CommandHandler, issueCommand } from '../daemons/command.service.ts';
import { logEvent } from '../events/append.ts';
import { recordHistory } from '../events/history.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import type { EntityManager } from '../platform/database.ts';
import { DomainError, invalidInput } from '../platform/errors.ts';
import type { Id } from '../platform/ids.ts';
import {
  type MergeTaskPayload,
  type MergeTaskResult,
  mergeTaskPayloadSchema,
  mergeTaskResultSchema,
} from '../platform/protocol.ts';
import type { Operation } from '../platform/runtime.ts';
import { optionalText } from '../platform/text.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { lockTask } from '../tasks/task.access.ts';
import { Task } from '../tasks/task.entity.ts';
import { moveTask } from '../tasks/task.moves.ts';
import { connectedWorktree, daemonAnswer, parseAnswer } from './daemon-answer.ts';
import { Worktree } from './worktree.entity.ts';

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
      const payload = await mergePayload(tx, task, givenTarget, message, input);
      const holder = payload.targetWorktreeId ?? payload.sourceWorktreeId;
      const { daemon } = await connectedWorktree(tx.em, holder as Id<'worktree'>);
      const command = issueCommand(tx, {
        daemonId: daemon.id,
        taskId: task.id,
        attempt: task.attempt,
        type: 'MERGE_TASK',
        payload: { ...payload },
      });
      recordHistory(tx, op, {
        action: 'merge.requested',
        contractId: task.contractId,
        taskId: task.id,
        details: { targetBranch: payload.targetBranch, dryRun: payload.dryRun },
      });
      return command.id;
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

async function mergePayload(
  tx: Transaction,
  task: Task,
  givenTarget: string | null,
  message: string | null,
  input: MergeTaskInput,
): Promise<MergeTaskPayload> {
  const dryRun = input.dryRun ?? false;
  if (task.role !== 'WORK' || !task.useOwnWorktree || !task.worktreeId) {
    throw new DomainError(
      'NO_BRANCH',
      `Task ${task.id} has no branch of its own: it has no working copy of its own.`,
    );
  }
  if (!dryRun && task.status !== 'DONE' && task.status !== 'MERGED') {
    throw new DomainError(
      'INVALID_TRANSITION',
      `Task ${task.id} is ${task.status}; only a task that is DONE can be merged.`,
    );
  }
  const contract = await tx.em.findOneOrFail(Contract, { id: task.contractId });
  const source = await tx.em.findOneOrFail(Worktree, { id: task.worktreeId });
  const supervised = await supervisorWorktree(tx.em, task.contractId);
  const targetBranch = givenTarget ?? task.targetBranch ?? supervised?.branch;
  if (!targetBranch) {
    throw invalidInput(
      'targetBranch',
      'The contract has no supervisor with a working copy, so name the targetBranch.',
    );
  }
  const target =
    supervised?.branch === targetBranch && sameRepository(supervised, source) ? supervised : null;
  if (target && target.daemonId !== source.daemonId) {
    throw new DomainError(
      'NO_DAEMON',
      "The task's branch and the supervisor's working copy are on different daemons. Merge into a branch of the repository: pass targetBranch.",
    );
  }
  if (!target && contract.localOnly && source.repositoryUrl) {
    throw new DomainError(
      'LOCAL_ONLY',
      `The contract is local-only, and ${targetBranch} is a branch of ${source.repositoryUrl}: merging into it would push. Leave targetBranch out.`,
      { field: 'targetBranch' },
    );
  }
  return {
    taskId: task.id,
    attempt: task.attempt,
    sourceWorktreeId: source.id,
    sourceCheckpoint: null,
    targetWorktreeId: target?.id ?? null,
    targetBranch,
    squash: input.squash ?? false,
    dryRun,
    message: message ?? `Merge task "${task.name}"`,
    publish: source.repositoryPath !== null || !contract.localOnly,
    repository: { url: source.repositoryUrl ?? null, localPath: source.repositoryPath ?? null },
  };
}

async function supervisorWorktree(em: EntityManager, contractId: Id<'contract'>): Promise<Worktree | null> {
  const supervisor = await em.findOne(Task, { contractId, role: 'SUPERVISOR' });
  return supervisor?.worktreeId ? em.findOneOrFail(Worktree, { id: supervisor.worktreeId }) : null;
}

function sameRepository(a: Worktree, b: Worktree): boolean {
  return (
    (a.repositoryUrl ?? null) === (b.repositoryUrl ?? null) &&
    (a.repositoryPath ?? null) === (b.repositoryPath ?? null)
  );
}

/** What a merge that was done, or failed, changes here, whether or not anybody still waits for it. */
export const mergeHandler: CommandHandler = {
  result: mergeTaskResultSchema,
  completed: async (tx, command, result) => {
    const answer = parseAnswer(mergeTaskResultSchema, result);
    const payload = mergeTaskPayloadSchema.parse(command.payload);
    if (payload.dryRun) return;
    const task = await lockCommandTask(tx, command);
    if (answer.outcome === 'MERGED' && task.status === 'DONE') await moveTask(tx, task, 'MERGED', 'daemon');
    const { outcome, commitSha, message } = answer;
    logEvent(tx, task.contractId, {
      type: 'MERGE_FINISHED',
      taskId: task.id,
      data: { outcome, targetBranch: payload.targetBranch, commitSha, message },
    });
  },
  failed: async (tx, command) => {
    const task = await lockCommandTask(tx, command);
    logEvent(tx, task.contractId, {
      type: 'OUTPUT',
      taskId: task.id,
      data: {
        attempt: task.attempt,
        role: task.role,
        type: 'ERROR',
        content: `The merge failed: ${command.errorMessage} (${command.errorCode})`,
        isError: true,
        createdAt: tx.now.toISOString(),
      },
    });
  },
};

async function lockCommandTask(tx: Transaction, command: Command): Promise<Task> {
  return tx.em.findOneOrFail(
    Task,
    { id: command.taskId as Id<'task'> },
    { lockMode: LockMode.PESSIMISTIC_WRITE },
  );
}
