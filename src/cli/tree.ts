import type { TaskLineFragment } from '../client/generated/graphql.ts';
import { duration, harmless, money, type Paint, paintStatus } from './style.ts';
import { table } from './table.ts';

export type TreeTask = Pick<
  TaskLineFragment,
  'id' | 'name' | 'role' | 'status' | 'durationSeconds' | 'parent'
> &
  Partial<Pick<TaskLineFragment, 'pendingReason' | 'costUsd'>>;

/**
 * The tasks of a contract as a tree: name, role, status, duration, cost where any is known. A task whose parent is not
 * there is a root.
 */
export function renderTree(tasks: readonly TreeTask[], paint: Paint): string {
  const known = new Set(tasks.map((task) => task.id));
  const children = Map.groupBy(tasks, (task) =>
    task.parent && known.has(task.parent.id) ? task.parent.id : null,
  );
  const rows: string[][] = [];
  const costsAreKnown = tasks.some((task) => (task.costUsd ?? 0) > 0);

  const add = (task: TreeTask, lead: string, branch: string, below: string): void => {
    const role = task.role.toLowerCase().replace('_', ' ');
    const name = `${paint('gray', lead + branch)}${harmless(task.name)}`;
    rows.push([
      name,
      role,
      paintStatus(task.status, paint),
      duration(task.durationSeconds),
      ...(costsAreKnown ? [money(task.costUsd ?? 0)] : []),
      paint('gray', task.id),
      ...(task.pendingReason ? [paint('yellow', harmless(task.pendingReason))] : []),
    ]);
    const own = children.get(task.id) ?? [];
    own.forEach((child, index) => {
      const last = index === own.length - 1;
      add(child, lead + below, last ? '└─ ' : '├─ ', last ? '   ' : '│  ');
    });
  };
  for (const root of children.get(null) ?? []) add(root, '', '', '');
  return table(rows);
}
