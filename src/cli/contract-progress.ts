import type { ContractTreeQuery, TaskStatus } from '../client/generated/graphql.ts';
import { duration, harmless, money, type Paint, paintStatus, shortCount } from './style.ts';
import { padded } from './table.ts';

export type Tree = ContractTreeQuery['contractTree'];
type TreeTask = Tree['nodes'][number]['task'];

const ENDED: ReadonlySet<TaskStatus> = new Set(['DONE', 'FAILED', 'MERGED', 'CANCELLED']);
const MOVING: ReadonlySet<TaskStatus> = new Set(['STARTING', 'RUNNING', 'CANCELLING']);
const BAR_WIDTH = 20;
/** More would push away what is printed above. */
const MAX_TASKS = 6;

/** What a person who watches sees below the log: how far it is, what runs, what it cost, what waits for them. */
export function progressLines(
  tree: Tree,
  options: { secondsSince: number; questions: readonly string[]; paint: Paint },
): string[] {
  const { paint, questions, secondsSince } = options;
  const tasks = tree.nodes.map(({ task }) => task);
  const active = tasks.filter((task) => !ENDED.has(task.status));
  const shown = active.slice(0, MAX_TASKS);
  const width = Math.max(...shown.map(({ name }) => nameOf(name).length), 0);
  const lines = [summary(tree, tasks, paint)];
  for (const task of shown) lines.push(taskLine(task, { width, secondsSince, paint }));
  if (active.length > shown.length) lines.push(paint('gray', `  and ${active.length - shown.length} more`));
  for (const id of questions)
    lines.push(paint('yellow', `  waits for you: taskmesh question answer ${harmless(id)}`));
  return [paint('gray', '─'.repeat(40)), ...lines];
}

function summary({ contract }: Tree, tasks: readonly TreeTask[], paint: Paint): string {
  const work = tasks.filter(({ role }) => role === 'WORK');
  const ended = work.filter(({ status }) => ENDED.has(status)).length;
  const failed = work.filter(({ status }) => status === 'FAILED').length;
  const parts = [
    `${paint('bold', harmless(contract.name))} ${contract.phase.toLowerCase()}`,
    work.length > 0
      ? `${bar(ended / work.length)} ${ended} of ${work.length} task${work.length === 1 ? '' : 's'} ended`
      : null,
    failed > 0 ? paint('red', `${failed} failed`) : null,
    contract.costUsd > 0 || contract.budgetUsd !== null
      ? money(contract.costUsd, contract.budgetUsd ?? null)
      : null,
    contract.tokens > 0 ? `${shortCount(contract.tokens)} tokens` : null,
  ];
  return parts.filter(Boolean).join('  ');
}

function bar(share: number): string {
  const full = Math.round(share * BAR_WIDTH);
  return `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}`;
}

function taskLine(
  task: TreeTask,
  { width, secondsSince, paint }: { width: number; secondsSince: number; paint: Paint },
): string {
  const { durationSeconds, costUsd, pendingReason } = task;
  const passed = MOVING.has(task.status) ? secondsSince : 0;
  const parts = [
    `  ${padded(nameOf(task.name), width)}`,
    padded(paintStatus(task.status, paint), 'CANCELLING'.length),
    durationSeconds === null || durationSeconds === undefined ? null : duration(durationSeconds + passed),
    costUsd > 0 ? money(costUsd) : null,
    pendingReason ? paint('yellow', harmless(pendingReason)) : null,
  ];
  return parts.filter(Boolean).join('  ');
}

function nameOf(name: string): string {
  return harmless(name).replaceAll('\n', ' ').slice(0, 24);
}
