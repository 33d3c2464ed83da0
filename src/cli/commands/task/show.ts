import type { Command } from 'commander';
import { type TaskDetailsFragment, TaskShowDocument } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';
import { duration, harmless, money, type Paint, painter, paintStatus, shortCount } from '../../style.ts';
import { fields } from '../../table.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about: 'Shows a task: status, where it works, who runs it, how it ended.',
    examples: ['PATH task_01k…', 'PATH task_01k… --json | jq -r .status'],
    exits: { 4: 'there is no such task' },
  })
    .argument('<task>', 'id of the task')
    .action(async (id: string) => {
      const api = await cli.api();
      const { task } = await api.call(TaskShowDocument, { id });
      cli.result(task, () => text(task, painter(cli.terminal.stdout)));
    });
}

function text(task: TaskDetailsFragment, paint: Paint): string {
  const retries = task.retryCount > 0 ? `, ${task.retryCount} retries` : '';
  const failed = task.failedDaemons.map((daemon) => daemon.name).join(', ');
  const pairs: [string, string | null | undefined][] = [
    ['id', task.id],
    ['name', task.name],
    ['description', task.description],
    ['contract', `${task.contract.id} ${task.contract.name}`],
    ['parent', task.parent && `${task.parent.id} ${task.parent.name}`],
    ['role', task.role],
    ['waits', task.pendingReason],
    ['attempt', task.attempt > 0 ? `${task.attempt}${retries}` : null],
    ['agent', task.agent],
    ['daemon', task.daemon?.name],
    ['failed on', failed],
    ['branch', task.worktree?.branch],
    ['path', task.worktree?.path],
    ['target', [task.targetBranch, task.targetRepoPath].filter(Boolean).join(', ')],
    ['start', startOf(task)],
    ['when done', task.completionAction === 'NONE' ? null : task.completionAction],
    ['time limit', task.timeLimitMinutes ? `${task.timeLimitMinutes} minutes` : null],
    [
      'cost',
      task.costUsd > 0 || task.tokens > 0
        ? `${money(task.costUsd)}, ${shortCount(task.tokens)} tokens`
        : null,
    ],
    ['created', task.createdAt],
    ['started', task.startedAt],
    ['completed', task.completedAt],
    ['duration', task.durationSeconds === null ? null : duration(task.durationSeconds)],
    // A task that ended well may still carry the reasons of earlier attempts.
    [task.status === 'DONE' || task.status === 'MERGED' ? 'earlier' : 'error', task.errorMessage],
    ['summary', task.outputSummary],
  ];
  return fields([
    ...pairs.slice(0, 6).map(([name, value]) => [name, value && harmless(value)] as const),
    ['status', paintStatus(task.status, paint)],
    ...pairs.slice(6).map(([name, value]) => [name, value && harmless(value)] as const),
  ]);
}

function startOf({ branchedFromTask, continueFromTask, checkpointSha }: TaskDetailsFragment): string | null {
  if (continueFromTask) return `goes on from ${continueFromTask.name} (${continueFromTask.id})`;
  if (branchedFromTask) return `from ${branchedFromTask.name} (${branchedFromTask.id})`;
  return checkpointSha ?? null;
}
