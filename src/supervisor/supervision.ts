import { topics } from '../platform/doorbell.ts';
import type { Reaction } from '../platform/reactor.ts';
import { watchBudgets } from './budgets.ts';
import { doCompletionActions } from './completion-actions.ts';
import { spawnRedTeams } from './red-team.ts';
import { tellSupervisors } from './tell-supervisors.ts';

/** What follows for supervisors and their owners from what happens to tasks. Every instance runs one. */
export const supervision: Reaction = {
  name: 'supervision',
  topic: topics.supervision,
  round: async (runtime) => {
    await spawnRedTeams(runtime);
    await watchBudgets(runtime);
    await doCompletionActions(runtime);
    await tellSupervisors(runtime);
  },
};
