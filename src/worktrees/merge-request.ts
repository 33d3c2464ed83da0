import { Contract } from '../contracts/contract.entity.ts';
import type { Command } from '../daemons/command.entity.ts';
import { issueCommand } from '../daemons/command.service.ts';
import { Daemon } from '../daemons/daemon.entity.ts';
import type { EntityManager } from '../platform/database.ts';
import { DomainError, invalidInput } from '../platform/errors.ts';
import type { Id } from '../platform/ids.ts';
import type { MergeTaskPayload, Restore } from '../platform/protocol.ts';
import type { Transaction } from '../platform/transaction.ts';
import { Task } from '../tasks/task.entity.ts';
import { connectedWorktree } from './daemon-answer.ts';
import { asRestore, lastCheckpoint } from './last-checkpoint.ts';
import { Worktree } from './worktree.entity.ts';

interface MergeOptions {
  readonly targetBranch: string | null;
  readonly message: string | null;
  readonly squash?: boolean | null | undefined;
  readonly dryRun?: boolean | null | undefined;
}

/** Has a locked task's branch merged, by the daemon that holds the target. */
export async function requestMerge(
  tx: Transaction,
  task: Task,
  options: MergeOptions,
): Promise<{ commandId: Command['id']; payload: MergeTaskPayload }> {
  assertMergeable(task, options.dryRun ?? false);
  const { payload, daemon } = await mergePayload(tx, task, options);
  const commandId = issueCommand(tx, {
    daemonId: daemon.id,
    taskId: task.id,
    attempt: task.attempt,
    type: 'MERGE_TASK',
    payload: { ...payload },
  });
  return { commandId, payload };
}

function assertMergeable(task: Task, dryRun: boolean): void {
  if (task.role !== 'WORK' || !task.useOwnWorktree || !task.worktreeId) {
    throw new DomainError(
      'NO_BRANCH',
      `Task ${task.id} has no branch of its own to merge. Only work tasks with useOwnWorktree get one; what others do is in the supervisor's working copy already.`,
    );
  }
  if (!dryRun && task.status !== 'DONE' && task.status !== 'MERGED') {
    throw new DomainError(
      'INVALID_TRANSITION',
      `Task ${task.id} is ${task.status}; only a task that is DONE can be merged. Wait for it with waitForTask, or try with dryRun: true.`,
    );
  }
}

async function mergePayload(
  tx: Transaction,
  task: Task,
  options: MergeOptions,
): Promise<{ payload: MergeTaskPayload; daemon: Daemon }> {
  const contract = await tx.em.findOneOrFail(Contract, { id: task.contractId });
  const source = await tx.em.findOneOrFail(Worktree, { id: task.worktreeId as Id<'worktree'> });
  const supervised = await supervisorWorktree(tx.em, task.contractId);
  const targetBranch = options.targetBranch ?? task.targetBranch ?? supervised?.branch;
  if (!targetBranch) {
    throw invalidInput(
      'targetBranch',
      'The contract has no supervisor with a working copy, so name the targetBranch.',
    );
  }
  const target =
    supervised?.branch === targetBranch && sameRepository(supervised, source) ? supervised : null;
  if (!target && contract.localOnly && source.repositoryUrl) {
    throw new DomainError(
      'LOCAL_ONLY',
      `The contract is local-only, and ${targetBranch} is a branch of ${source.repositoryUrl}: merging into it would push. Leave targetBranch out.`,
      { field: 'targetBranch' },
    );
  }
  const place = await placeOfMerge(tx.em, source, target, supervised);
  const payload = {
    taskId: task.id,
    attempt: task.attempt,
    sourceWorktreeId: source.id,
    sourceCheckpoint: place.sourceCheckpoint,
    targetWorktreeId: target?.id ?? null,
    targetBranch,
    squash: options.squash ?? false,
    dryRun: options.dryRun ?? false,
    message: options.message ?? `Merge task "${task.name}"`,
    publish: source.repositoryPath != null || !contract.localOnly,
    repository: { url: source.repositoryUrl ?? null, localPath: source.repositoryPath ?? null },
  };
  return { payload, daemon: place.daemon };
}

/**
 * Where a merge runs: on the daemon that has the target's copy, else where the branch's copy is, else on the supervisor's.
 * A branch that is not there comes by its last checkpoint.
 */
async function placeOfMerge(
  em: EntityManager,
  source: Worktree,
  target: Worktree | null,
  supervised: Worktree | null,
): Promise<{ daemon: Daemon; sourceCheckpoint: Restore | null }> {
  if (target) {
    const { daemon } = await connectedWorktree(em, target.id);
    return { daemon, sourceCheckpoint: await broughtBy(em, source, daemon) };
  }
  const here = await em.findOneOrFail(Daemon, { id: source.daemonId });
  if (here.status !== 'DISCONNECTED') return { daemon: here, sourceCheckpoint: null };
  const elsewhere = supervised && sameRepository(supervised, source) ? supervised : source;
  const { daemon } = await connectedWorktree(em, elsewhere.id);
  return { daemon, sourceCheckpoint: await broughtBy(em, source, daemon) };
}

/** @throws DomainError NO_CHECKPOINT when nothing of the copy was ever saved */
export async function broughtBy(
  em: EntityManager,
  source: Worktree,
  daemon: Daemon,
): Promise<Restore | null> {
  if (source.daemonId === daemon.id) return null;
  const checkpoint = await lastCheckpoint(em, source);
  if (checkpoint) return asRestore(checkpoint);
  throw new DomainError(
    'NO_CHECKPOINT',
    `The branch ${source.branch} is on another daemon, and nothing of it was saved that could be brought over. Start the daemon that has it.`,
  );
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
