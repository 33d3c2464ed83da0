import { findContract } from '../contracts/contract.access.ts';
import { builder } from '../graphql/builder.ts';
import { connectionOf, type Page, toConnection } from '../graphql/connection.ts';
import { Node, registerNode } from '../graphql/node.ts';
import { authorize } from '../keys/permissions.ts';
import { invalidInput, notFound } from '../platform/errors.ts';
import { parseId } from '../platform/ids.ts';
import type { Operation } from '../platform/runtime.ts';
import { boundedInt } from '../platform/text.ts';
import { Task } from '../tasks/task.entity.ts';
import { ConversationMessage, type TurnRole } from './conversation-message.entity.ts';

const ROLES: Record<TurnRole, string> = {
  USER: 'What the supervisor was told: its plan, messages, answers.',
  ASSISTANT: 'What the supervisor said or asked.',
  SYSTEM: 'Taskmesh to the supervisor.',
};
const ConversationRoleType = builder.enumType('ConversationRole', {
  description: 'Who speaks in a message of a conversation.',
  values: Object.fromEntries(
    Object.entries(ROLES).map(([role, description]) => [role, { description }]),
  ) as Record<TurnRole, { description: string }>,
});

const ConversationMessageType = builder.objectRef<ConversationMessage>('ConversationMessage');
ConversationMessageType.implement({
  description: 'A message of the conversation of a supervisor.',
  interfaces: [Node],
  fields: (t) => ({
    number: t.exposeInt('number', {
      description: 'Its place: it grows, with gaps where messages were rewound.',
    }),
    role: t.field({ type: ConversationRoleType, description: 'Who speaks.', resolve: ({ role }) => role }),
    content: t.exposeString('content', { description: 'The text.' }),
    attempt: t.exposeInt('attempt', { description: 'The attempt of the supervisor that it is from.' }),
    isPartial: t.exposeBoolean('isPartial', {
      description: 'Whether more of it is to come, or would have come had its agent not ended.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it began.' }),
    removedAt: t.expose('removedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was rewound; null while it counts.',
    }),
  }),
});
registerNode('turn', {
  entity: ConversationMessage,
  typeName: 'ConversationMessage',
  find: async (op, id) => {
    authorize(op.principal, 'read');
    const message = await op.em.findOne(ConversationMessage, { id: parseId('turn', id, 'id') });
    const task =
      message && (await op.em.findOne(Task, { id: message.taskId, ownerId: op.principal.ownerId }));
    if (!message || !task) throw notFound('message', id);
    await findContract(op.em, op.principal, task.contractId);
    return message;
  },
});
const ConversationConnection = connectionOf('ConversationMessage', ConversationMessageType);

interface ConversationArguments {
  readonly contractId: string;
  readonly includeRemoved?: boolean | null | undefined;
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

async function conversation(op: Operation, args: ConversationArguments): Promise<Page<ConversationMessage>> {
  authorize(op.principal, 'read');
  const contract = await findContract(op.em, op.principal, args.contractId);
  const limit = boundedInt(args.first ?? 200, 'first', 1, 1_000);
  const supervisor = await op.em.findOne(Task, { contractId: contract.id, role: 'SUPERVISOR' });
  if (!supervisor) return { items: [], limit };
  const own = { taskId: supervisor.id, ...(args.includeRemoved ? {} : { removedAt: null }) };
  const where = args.after ? { ...own, number: { $gt: await numberOf(op, supervisor, args.after) } } : own;
  const items = await op.em.find(ConversationMessage, where, {
    orderBy: { number: 'asc' },
    limit: limit + 1,
  });
  return { items, limit };
}

async function numberOf(op: Operation, supervisor: Task, after: string): Promise<number> {
  const id = parseId('turn', after, 'after');
  const message = await op.em.findOne(ConversationMessage, { id, taskId: supervisor.id });
  if (!message) throw invalidInput('after', 'after is not a cursor of this connection.');
  return message.number;
}

builder.queryField('conversation', (t) =>
  t.field({
    type: ConversationConnection,
    description:
      "What the supervisor was told and what it said, in order. For the owner and the contract's tasks.",
    args: {
      contractId: t.arg.id({ required: true, description: 'The contract.' }),
      includeRemoved: t.arg.boolean({
        defaultValue: false,
        description: 'Whether to show what was rewound.',
      }),
      first: t.arg.int({ defaultValue: 200, description: 'How many, 1 to 1,000.' }),
      after: t.arg.string({ description: 'Those behind this cursor.' }),
    },
    resolve: async (_, args, context) =>
      toConnection(await conversation(context.operation(), args), args.after),
  }),
);
