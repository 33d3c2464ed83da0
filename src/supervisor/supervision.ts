import { topics } from '../platform/doorbell.ts';
import type { Reaction } from '../platform/reactor.ts';
import { readTogether } from '../platform/read-rows.ts';
import { budgetsDue, watchBudgets } from './budgets.ts';
import { completionActionsDue, doCompletionActions } from './completion-actions.ts';
import { redTeamsDue, spawnRedTeams } from './red-team.ts';
import { newsDue, tellSupervisors } from './tell-supervisors.ts';

/** What follows for supervisors and their owners from what happens to tasks. Every instance runs one. */
export const supervision: Reaction = {
  name: 'supervision',
  topic: topics.supervision,
  round: async (runtime) => {
    const due = await readTogether(runtime.db.statements, {
      redTeams: redTeamsDue,
      budgets: budgetsDue,
      actions: completionActionsDue,
      news: newsDue,
    });
    await spawnRedTeams(runtime, due.redTeams);
    await watchBudgets(runtime, due.budgets);
    await doCompletionActions(runtime, due.actions);
    await tellSupervisors(runtime, due.news);
    return null;
  },
};
