import { findContract } from '../contracts/contract.access.ts';
import type { Contract } from '../contracts/contract.entity.ts';
import { ContractType } from '../contracts/contract.schema.ts';
import { builder } from '../graphql/builder.ts';
import { loadAhead } from '../graphql/load-ahead.ts';
import { selectedColumns } from '../graphql/selected-columns.ts';
import { authorize } from '../keys/permissions.ts';
import { readRows } from '../platform/read-rows.ts';
import type { Operation } from '../platform/runtime.ts';
import { Task } from './task.entity.ts';
import { TaskStatusType, TaskType } from './task.schema.ts';
import { TASK_STATUSES, type TaskStatus } from './task.states.ts';

interface TreeNode {
  readonly task: Task;
  readonly depth: number;
  readonly children: TreeNode[];
}

interface Tree {
  readonly contract: Contract;
  readonly roots: readonly TreeNode[];
  /** The same nodes, each before its children. */
  readonly nodes: readonly TreeNode[];
  readonly counts: readonly { status: TaskStatus; count: number }[];
}

/** What a tree is made by. */
const PLACE = ['id', 'parentId', 'depth', 'role', 'status'] as const;

/**
 * All tasks of a contract as a tree: two statements, however many tasks there are.
 * @param only what to read of each task; null: all
 */
async function contractTree(
  op: Operation,
  contractId: string,
  only: ReadonlySet<string> | null,
): Promise<Tree & { tasks: readonly Task[] }> {
  authorize(op.principal, 'read');
  const contract = await findContract(op.em, op.principal, contractId);
  const tasks = await readRows(op.em, Task, { contractId: contract.id }, 'id', { only });
  return { contract, tasks, ...arrange(tasks) };
}

/** @param tasks in the order in which siblings are to stand */
export function arrange(tasks: readonly Task[]): Omit<Tree, 'contract'> {
  const byId = new Map(tasks.map((task) => [task.id, { task, depth: task.depth, children: [] } as TreeNode]));
  const roots: TreeNode[] = [];
  for (const node of byId.values()) {
    const parent = node.task.parentId ? byId.get(node.task.parentId) : undefined;
    (parent?.children ?? roots).push(node);
  }
  const nodes: TreeNode[] = [];
  const visit = (node: TreeNode) => {
    nodes.push(node);
    node.children.forEach(visit);
  };
  // The supervisor comes first even when tasks were spawned before it.
  roots.sort((a, b) => Number(b.task.role === 'SUPERVISOR') - Number(a.task.role === 'SUPERVISOR'));
  roots.forEach(visit);
  const counts = TASK_STATUSES.map((status) => ({
    status,
    count: tasks.filter((task) => task.status === status).length,
  }));
  return { roots, nodes, counts: counts.filter(({ count }) => count > 0) };
}

const TaskTreeNodeType = builder.objectRef<TreeNode>('TaskTreeNode');
TaskTreeNodeType.implement({
  description: "A task's place in the tree.",
  fields: (t) => ({
    task: t.field({ type: TaskType, description: 'The task.', resolve: ({ task }) => task }),
    depth: t.exposeInt('depth', { description: 'How many parents are above it.' }),
    children: t.field({
      type: [TaskTreeNodeType],
      description: 'The tasks under it, oldest first.',
      // What it costs to ask for: the levels of a tree share its tasks, where lists in lists would multiply.
      extensions: { listSize: 2 },
      resolve: ({ children }) => children,
    }),
  }),
});
const TaskStatusCountType = builder
  .objectRef<{ status: TaskStatus; count: number }>('TaskStatusCount')
  .implement({
    description: 'How many tasks are in a status.',
    fields: (t) => ({
      status: t.expose('status', { type: TaskStatusType, description: 'The status.' }),
      count: t.exposeInt('count', { description: 'How many.' }),
    }),
  });
const ContractTreeType = builder.objectRef<Tree>('ContractTree').implement({
  description: "A contract's tasks as a tree.",
  fields: (t) => ({
    contract: t.field({
      type: ContractType,
      description: 'The contract.',
      resolve: ({ contract }) => contract,
    }),
    roots: t.field({
      type: [TaskTreeNodeType],
      description: 'The supervisor, and tasks that were spawned before there was one.',
      resolve: ({ roots }) => [...roots],
    }),
    nodes: t.field({
      type: [TaskTreeNodeType],
      description:
        'The whole tree in one list, each task before the tasks under it: no nesting in the query is needed.',
      resolve: ({ nodes }) => [...nodes],
    }),
    counts: t.field({
      type: [TaskStatusCountType],
      description: 'By status, without those that none is in.',
      resolve: ({ counts }) => [...counts],
    }),
    total: t.int({ description: 'How many tasks there are.', resolve: ({ nodes }) => nodes.length }),
  }),
});

builder.queryField('contractTree', (t) =>
  t.field({
    type: ContractTreeType,
    description:
      "A contract's tasks as a tree from the supervisor, with counts. For the owner and the contract's tasks.",
    args: { contractId: t.arg.id({ required: true, description: 'The contract.' }) },
    resolve: async (_, { contractId }, context, info) => {
      const only = selectedColumns(info, 'Task', PLACE);
      const { tasks, ...tree } = await contractTree(context.operation(), contractId, only);
      await loadAhead(tasks, 'Task', context.loaders, info);
      return tree;
    },
  }),
);
