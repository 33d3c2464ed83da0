import type { Contract } from '../contracts/contract.entity.ts';
import { Daemon } from '../daemons/daemon.entity.ts';
import { newId } from '../platform/ids.ts';
import { readRow } from '../platform/read-rows.ts';
import type { Transaction } from '../platform/transaction.ts';
import { Task } from '../tasks/task.entity.ts';
import type { TaskStatus } from '../tasks/task.states.ts';
import { Worktree } from '../worktrees/worktree.entity.ts';
import type { Daemons } from './choose-daemon.ts';
import type { Surroundings } from './surroundings.ts';

/** The supervisor's working copy, for a task that works in it. */
export interface SharedCopy {
  readonly worktree: Worktree;
  /** Its daemon is gone and the supervisor is not about to be started elsewhere: who needs it takes it along. */
  readonly isGone: boolean;
}

/** The working copy a task is started in. */
export interface Copy {
  readonly worktree: Worktree;
  /** Whether the daemon has it from another task; else it is made, or restored, for this one. */
  readonly isShared: boolean;
}

/** With it are started, or about to be, those that bring the copy to another daemon themselves. */
const MOVES_ITSELF: readonly TaskStatus[] = ['PENDING', 'STARTING', 'RUNNING'];

/** Where the supervisor works, once its daemon has made the copy: before that there is nothing to share. */
export async function sharedCopy(
  tx: Transaction,
  { supervisor, supervisorCopy: worktree, daemons }: Surroundings & Daemons,
): Promise<SharedCopy | null> {
  if (!supervisor || !worktree?.path) return null;
  if (MOVES_ITSELF.includes(supervisor.status) || daemons.some(({ id }) => id === worktree.daemonId))
    return { worktree, isGone: false };
  const daemon = await tx.em.findOneOrFail(Daemon, { id: worktree.daemonId });
  return { worktree, isGone: daemon.status === 'DISCONNECTED' };
}

interface Place {
  readonly task: Task;
  readonly contract: Contract;
  readonly daemon: Daemon;
  readonly shared: SharedCopy | null;
  /** How one is stored that the task is the first to have. */
  readonly add: 'record' | 'insertNow';
}

/**
 * The copy of a task on the daemon that was chosen for it: the one it had when that is there, else a new one that
 * continues it. A shared one whose daemon is gone moves as well, and its sharers follow the supervisor.
 * @returns null while somebody else has the supervisor, who may be about to move it
 */
export async function makeCopy(tx: Transaction, place: Place): Promise<Copy | null> {
  const { task, daemon, shared } = place;
  if (shared && !shared.isGone) return { worktree: shared.worktree, isShared: true };
  if (shared) {
    const which = { contractId: task.contractId, role: 'SUPERVISOR', worktreeId: shared.worktree.id };
    const supervisor = await readRow(tx.em, Task, which, { lock: 'no key update skip locked' });
    if (!supervisor || MOVES_ITSELF.includes(supervisor.status)) return null;
    const worktree = await continued(tx, shared.worktree, daemon);
    tx.follow(Task, supervisor).worktreeId = worktree.id;
    return { worktree, isShared: false };
  }
  const before = task.worktreeId ? await tx.em.findOneOrFail(Worktree, { id: task.worktreeId }) : null;
  if (before?.daemonId === daemon.id && !before.leftAt) return { worktree: before, isShared: false };
  return {
    worktree: before ? await continued(tx, before, daemon) : await first(tx, place),
    isShared: false,
  };
}

function continued(tx: Transaction, before: Worktree, daemon: Daemon): Promise<Worktree> {
  const { originId, contractId, repositoryUrl, repositoryPath, branch, baseBranch } = before;
  return tx.insertNow(Worktree, {
    id: newId('worktree'),
    originId,
    contractId,
    daemonId: daemon.id,
    repositoryUrl: repositoryUrl ?? null,
    repositoryPath: repositoryPath ?? null,
    branch,
    baseBranch: baseBranch ?? null,
    createdAt: tx.now,
  });
}

async function first(tx: Transaction, { task, contract, daemon, add }: Place): Promise<Worktree> {
  const id = newId('worktree');
  return tx[add](Worktree, {
    id,
    originId: id,
    contractId: contract.id,
    daemonId: daemon.id,
    repositoryUrl: task.repositoryUrl ?? null,
    repositoryPath: task.repositoryPath ?? null,
    branch: branchName(contract, task),
    baseBranch: task.baseBranch ?? null,
    createdAt: tx.now,
  });
}

/** `taskmesh/CONTRACT/TASK`, each with the end of its id, which makes it unique and leads back to it. */
export function branchName(
  contract: Pick<Contract, 'id' | 'name'>,
  task: Pick<Task, 'id' | 'name' | 'role'>,
): string {
  const name = task.role === 'SUPERVISOR' ? 'main' : `${slug(task.name)}-${task.id.slice(-6)}`;
  return `taskmesh/${slug(contract.name)}-${contract.id.slice(-6)}/${name}`;
}

function slug(name: string): string {
  const words = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  return words.replace(/^-+/, '').slice(0, 40).replace(/-+$/, '') || 'unnamed';
}
