import { Contract } from '../contracts/contract.entity.ts';
import { allowsPath } from '../daemons/allows-path.ts';
import { Daemon } from '../daemons/daemon.entity.ts';
import { ContractCounter } from '../events/contract-counter.entity.ts';
import { builder } from '../graphql/builder.ts';
import type { Loaders } from '../graphql/loaders.ts';
import { Task } from '../tasks/task.entity.ts';
import { TaskType } from '../tasks/task.schema.ts';
import { Worktree } from '../worktrees/worktree.entity.ts';

/** Why a task has not been started yet, in words that say what would help. */
export async function pendingReason(task: Task, loaders: Loaders): Promise<string | null> {
  if (task.status !== 'PENDING') return null;
  const contract = await loaders.get(Contract, task.contractId);
  if (contract.status !== 'ACTIVE') return `Its contract is ${contract.status.toLowerCase()}.`;
  const counter = await loaders.find(ContractCounter, task.contractId, 'contractId');
  if (typeof contract.budgetUsd === 'number' && counter && counter.costUsd >= contract.budgetUsd)
    return `The budget of its contract, $${contract.budgetUsd}, is used up. Raise it with updateContract.`;
  const all = await loaders.many(Daemon, 'ownerId', task.ownerId);
  const connected = all.filter((daemon) => daemon.status === 'CONNECTED');
  if (connected.length === 0) return 'No daemon is connected. Start one: taskmesh daemon --help.';
  const offering = connected.filter((daemon) => daemon.agents.includes(task.agent));
  if (offering.length === 0) {
    const offered = [...new Set(connected.flatMap((daemon) => daemon.agents))].join(', ') || 'none';
    return `No connected daemon offers the agent ${task.agent}; offered: ${offered}.`;
  }
  const path = task.repositoryPath ?? null;
  if (!offering.some((daemon) => allowsPath(daemon, path))) {
    return `No connected daemon may use ${path}. Start one with --local-path for it.`;
  }
  if (!task.useOwnWorktree && !(await sharesACopy(task, loaders))) {
    return "The supervisor's working copy, which it shares, is not there yet.";
  }
  return 'Every daemon that could run it is busy.';
}

async function sharesACopy(task: Task, loaders: Loaders): Promise<boolean> {
  const [supervisor] = await loaders.many(Task, 'contractId', task.contractId, { role: 'SUPERVISOR' });
  if (!supervisor?.worktreeId) return false;
  return (await loaders.get(Worktree, supervisor.worktreeId)).path !== null;
}

builder.objectField(TaskType, 'pendingReason', (t) =>
  t.string({
    nullable: true,
    description: 'Why it has not been started yet, and what would help; null when it is not PENDING.',
    extensions: {
      columns: ['status', 'contractId', 'ownerId', 'agent', 'repositoryPath', 'useOwnWorktree'],
    },
    resolve: (task, _, { loaders }) => pendingReason(task, loaders),
  }),
);
