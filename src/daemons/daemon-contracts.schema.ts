import type { Contract } from '../contracts/contract.entity.ts';
import { builder } from '../graphql/builder.ts';
import { daemonContracts } from './daemon-contracts.ts';

// Not the contract itself: what is in it is none of a daemon's business.
const DaemonContractType = builder.objectRef<Contract>('DaemonContract').implement({
  description: 'What a daemon may know of a contract in which it had a task.',
  fields: (t) => ({
    contractId: t.exposeID('id', { description: 'The contract.' }),
    endedAt: t.expose('completedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was completed; null while it is open.',
    }),
  }),
});

builder.queryField('daemonContracts', (t) =>
  t.field({
    type: [DaemonContractType],
    description:
      'Of these contracts those in which the daemon had a task, so that it can clean up after those that are over. For daemons.',
    args: {
      contractIds: t.arg.idList({ required: true, description: 'The contracts, at most 1,000.' }),
    },
    resolve: (_, { contractIds }, context) => daemonContracts(context.operation(), contractIds),
  }),
);
