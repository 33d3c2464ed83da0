import { Contract } from '../contracts/contract.entity.ts';
import { ContractType } from '../contracts/contract.schema.ts';
import type { PageArguments } from '../contracts/contract.service.ts';
import { History } from '../events/history.entity.ts';
import { builder } from '../graphql/builder.ts';
import { connectionOf, type Page, toConnection } from '../graphql/connection.ts';
import { PrincipalKindType } from '../keys/key.schema.ts';
import { authorize } from '../keys/permissions.ts';
import { parseId } from '../platform/ids.ts';
import type { Principal } from '../platform/principal.ts';
import type { Operation } from '../platform/runtime.ts';
import { boundedInt } from '../platform/text.ts';
import { Task } from './task.entity.ts';
import { TaskType } from './task.schema.ts';

interface HistoryArguments extends PageArguments {
  readonly contractId?: string | null | undefined;
}

/** The owner's audit trail, newest first; also of contracts that were deleted. */
async function listHistory(
  op: Operation,
  { first, after, contractId }: HistoryArguments,
): Promise<Page<History>> {
  authorize(op.principal, 'own');
  const limit = boundedInt(first ?? 50, 'first', 1, 500);
  const where = {
    ownerId: op.principal.ownerId,
    ...(contractId ? { contractId: parseId('contract', contractId, 'contractId') } : {}),
    ...(after ? { id: { $lt: parseId('history', after, 'after') } } : {}),
  };
  return { items: await op.em.find(History, where, { orderBy: { id: 'desc' }, limit: limit + 1 }), limit };
}

const HistoryEntryType = builder.objectRef<History>('HistoryEntry').implement({
  description: 'Who did what, when and from where.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Its id.' }),
    action: t.exposeString('action', { description: 'What was done, such as `spawned`.' }),
    actor: t.exposeString('actor', { description: 'Who did it: the name of a key, or the id of a task.' }),
    actorKind: t.field({
      type: PrincipalKindType,
      description: 'With what kind of key.',
      resolve: (entry) => entry.actorKind as Principal['kind'],
    }),
    contract: t.field({
      type: ContractType,
      nullable: true,
      description: 'The contract it was about; null when about none, or when it was deleted.',
      resolve: (entry, _, { loaders }) =>
        entry.contractId ? loaders.find(Contract, entry.contractId) : null,
    }),
    task: t.field({
      type: TaskType,
      nullable: true,
      description: 'The task it was about; null when about none, or when it was deleted.',
      resolve: (entry, _, { loaders }) => (entry.taskId ? loaders.find(Task, entry.taskId) : null),
    }),
    details: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Particulars, by action; null when there are none.',
      resolve: (entry) => entry.details ?? null,
    }),
    address: t.exposeString('address', {
      nullable: true,
      description: 'The network address it came from; null when not known.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When.' }),
  }),
});
const HistoryConnection = connectionOf('HistoryEntry', HistoryEntryType);

builder.queryField('history', (t) =>
  t.field({
    type: HistoryConnection,
    description: "The owner's audit trail, newest first. For the owner.",
    args: {
      contractId: t.arg.id({ description: 'Only of this contract, which may have been deleted.' }),
      first: t.arg.int({ defaultValue: 50, description: 'How many, 1 to 500.' }),
      after: t.arg.string({ description: 'Those behind this cursor.' }),
    },
    resolve: async (_, args, context) =>
      toConnection(await listHistory(context.operation(), args), args.after),
  }),
);
