import { sql } from 'kysely';
import { Checkpoint } from '../checkpoints/checkpoint.entity.ts';
import type { Contract } from '../contracts/contract.entity.ts';
import type { Repository } from '../contracts/repository.entity.ts';
import { conversationSoFar } from '../conversations/conversation.service.ts';
import type { Daemon } from '../daemons/daemon.entity.ts';
import { kysely } from '../platform/database.ts';
import { type Id, toUuid } from '../platform/ids.ts';
import type { Restore, SpawnTaskPayload } from '../platform/protocol.ts';
import type { Transaction } from '../platform/transaction.ts';
import { Task } from '../tasks/task.entity.ts';
import { asRestore, lastCheckpoint } from '../worktrees/last-checkpoint.ts';
import { Worktree } from '../worktrees/worktree.entity.ts';
import { briefingOf } from './briefing.ts';
import type { Copy } from './copies.ts';

/** What begins: which attempt, where, and what its agent is told of. */
export interface Start {
  readonly task: Task;
  readonly attempt: number;
  readonly contract: Contract;
  readonly repositories: readonly Repository[];
  /** Their names. */
  readonly documents: readonly string[];
  readonly daemon: Daemon;
  /** null for the red team, which has none. */
  readonly copy: Copy | null;
  readonly supervisor: Task | null;
}

/** What a daemon is told to start an attempt. */
export async function spawnPayload(tx: Transaction, start: Start): Promise<SpawnTaskPayload> {
  const { task, attempt, contract, copy } = start;
  const worktree = copy?.worktree ?? null;
  return {
    taskId: task.id,
    attempt,
    contractId: contract.id,
    contractName: contract.name,
    name: task.name,
    role: task.role,
    plan: task.plan,
    agent: task.agent,
    repository: worktree && {
      url: worktree.repositoryUrl ?? null,
      localPath: worktree.repositoryPath ?? null,
    },
    worktree: copy && (await copySpec(tx, start, copy)),
    // The red team reads; nothing of it may leave the machine.
    localOnly: contract.localOnly || task.role === 'RED_TEAM',
    timeLimitMinutes: task.timeLimitMinutes ?? null,
    recovery: attempt > 1 ? await recoveryOf(tx, task, worktree) : null,
    briefing: briefingOf(start),
    ...(await sessionOf(tx, start)),
    autonomousLoop: task.autonomousLoop,
    targetRepoPath: task.targetRepoPath ?? null,
    watch: task.role === 'RED_TEAM' ? { afterSequence: await watchedUpTo(tx, task) } : null,
  };
}

async function copySpec(
  tx: Transaction,
  { task, supervisor }: Start,
  { worktree, isShared }: Copy,
): Promise<NonNullable<SpawnTaskPayload['worktree']>> {
  const start = isShared ? null : await startOf(tx, task);
  const startCommit = isShared || start ? null : (task.checkpointSha ?? null);
  // A task starts from what the supervisor has merged so far, unless it was told where to start.
  const fromSupervisor = task.role === 'WORK' && !task.baseBranch && !start && !startCommit;
  const supervised = supervisor?.worktreeId ?? null;
  return {
    id: worktree.id,
    mode: isShared ? 'SHARED' : 'OWN',
    branch: worktree.branch,
    baseBranch: worktree.baseBranch ?? null,
    restore: isShared ? null : await restoreOf(tx, worktree),
    start,
    startCommit,
    baseWorktreeId: fromSupervisor ? supervised : null,
    copyFiles:
      isShared || task.copyFiles.length === 0 ? null : { paths: task.copyFiles, worktreeId: supervised },
  };
}

/** The last checkpoint, for a copy that continues another one. */
async function restoreOf(tx: Transaction, worktree: Worktree): Promise<Restore | null> {
  if (worktree.originId === worktree.id) return null;
  const checkpoint = await lastCheckpoint(tx.em, worktree);
  return checkpoint && asRestore(checkpoint);
}

/** The checkpoint that a task was told to start from; null when it was told another place, or none. */
async function startOf(tx: Transaction, task: Task): Promise<Restore | null> {
  const source = task.branchedFromTaskId ?? task.continueFromTaskId;
  if (task.checkpointSha) {
    const [known] = await tx.em.find(
      Checkpoint,
      { commitSha: task.checkpointSha, worktreeId: { $in: await copiesOf(tx, task.contractId) } },
      { orderBy: { number: 'desc' }, limit: 1 },
    );
    return known ? asRestore(known) : null;
  }
  if (!source) return null;
  const { worktreeId } = await tx.em.findOneOrFail(Task, { id: source });
  const worktree = worktreeId ? await tx.em.findOneOrFail(Worktree, { id: worktreeId }) : null;
  const checkpoint = worktree && (await lastCheckpoint(tx.em, worktree));
  return checkpoint && asRestore(checkpoint);
}

async function copiesOf(tx: Transaction, contractId: Id<'contract'>): Promise<Id<'worktree'>[]> {
  const copies = await tx.em.find(Worktree, { contractId });
  return copies.map(({ id }) => id);
}

/**
 * The session in which the agent goes on, its own or that of the task it continues, when the daemon has it; and for
 * an agent that cannot take it up what was said in it.
 */
async function sessionOf(
  tx: Transaction,
  { task, daemon }: Start,
): Promise<Pick<SpawnTaskPayload, 'session' | 'conversation'>> {
  const isContinued = task.attempt === 0 && task.continueFromTaskId;
  const of = isContinued ? await tx.em.findOneOrFail(Task, { id: isContinued }) : task;
  const isHere = of.sessionId && of.sessionDaemonId === daemon.id;
  return {
    session: isHere ? { id: String(of.sessionId) } : null,
    // Before its first attempt nothing was said.
    conversation: of.attempt > 0 ? await conversationSoFar(tx.em, of.id) : [],
  };
}

/** Up to where in the log a red team was told the output of the others, as its own output says. */
async function watchedUpTo(tx: Transaction, task: Task): Promise<number> {
  const { rows } = await sql<{ sequence: number | null }>`
    select max((data->'toolInput'->>'upToSequence')::int) as sequence from contract_event
    where task_id = ${toUuid(task.id)} and type = 'OUTPUT' and data->>'type' = 'USER'`.execute(
    kysely(tx.statements),
  );
  return rows[0]?.sequence ?? 0;
}

/** What an agent that is started again is told, so that it does not begin from nothing. */
async function recoveryOf(tx: Transaction, task: Task, worktree: Worktree | null): Promise<string> {
  if (!worktree) return 'You were interrupted and are started again.';
  if (task.startsAnew)
    return 'A person took you back: what you are told of the conversation is all that counts, and your working copy is as it is meant to be now.';
  if (worktree.path) return 'You are started again. Your working copy is as you left it.';
  const checkpoint = await lastCheckpoint(tx.em, worktree);
  return checkpoint
    ? `You were interrupted. Your working copy is at checkpoint ${checkpoint.number}: what came later is not in it.`
    : 'You were interrupted before your work was saved. Your working copy is new.';
}
