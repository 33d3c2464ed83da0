import type { Contract } from '../contracts/contract.entity.ts';
import { checkBranchName } from '../contracts/repository.input.ts';
import type { Command } from '../daemons/command.entity.ts';
import type { Daemon } from '../daemons/daemon.entity.ts';
import type { OutputType } from '../events/event-types.ts';
import type { EntityManager } from '../platform/database.ts';
import { invalidInput } from '../platform/errors.ts';
import type { Id } from '../platform/ids.ts';
import type { Principal } from '../platform/principal.ts';
import { requiredText } from '../platform/text.ts';
import type { Transaction } from '../platform/transaction.ts';
import { logOutput } from '../tasks/log-output.ts';
import { noSupervisor } from '../tasks/task.access.ts';
import { Task } from '../tasks/task.entity.ts';
import { madeCopy } from './made-copy.ts';
import type { Worktree } from './worktree.entity.ts';

export interface SupervisorCopy {
  readonly supervisor: Task;
  readonly worktree: Worktree;
  readonly daemon: Daemon;
}

/**
 * The supervisor of a contract with its working copy, made and on a connected daemon.
 * @param principal who calls; null for what happens by itself
 * @throws DomainError NO_SUPERVISOR, INVALID_TRANSITION before there is a working copy, NO_DAEMON
 */
export async function supervisorCopy(
  em: EntityManager,
  principal: Principal | null,
  contractId: Contract['id'],
): Promise<SupervisorCopy> {
  const supervisor = await em.findOne(Task, { contractId, role: 'SUPERVISOR' });
  if (!supervisor) throw noSupervisor(contractId);
  return { supervisor, ...(await madeCopy(em, principal, supervisor)) };
}

/**
 * A branch name from a caller, taken as it is.
 * @throws DomainError INVALID_INPUT naming the field
 */
export function branchNameOf(name: string, field: string): string {
  requiredText(name, field, 240);
  checkBranchName(name, field);
  if (name === 'HEAD' || name.startsWith('refs/'))
    throw invalidInput(field, `${field} is not the short name of a branch: ${JSON.stringify(name)}.`);
  return name;
}

/** Tells in the log of the supervisor what a command came to, for whoever does not wait for it any more. */
export async function logOutcome(
  tx: Transaction,
  command: Command,
  type: Extract<OutputType, 'SYSTEM' | 'ERROR'>,
  content: string,
): Promise<void> {
  const task = await tx.em.findOneOrFail(Task, { id: command.taskId as Id<'task'> });
  logOutput(tx, task, type, content, { attempt: command.attempt ?? task.attempt });
}
