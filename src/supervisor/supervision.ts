import { type RawBuilder, sql } from 'kysely';
import { topics } from '../platform/doorbell.ts';
import { type Id, toUuid } from '../platform/ids.ts';
import type { Reaction } from '../platform/reactor.ts';
import { readTogether } from '../platform/read-rows.ts';
import type { Runtime } from '../platform/runtime.ts';
import { budgetsDue, watchBudgets } from './budgets.ts';
import { completionActionsDue, doCompletionActions } from './completion-actions.ts';
import { redTeamsDue, spawnRedTeams } from './red-team.ts';
import { newsDue, tellSupervisors } from './tell-supervisors.ts';

/** What follows for supervisors and their owners from what happens to tasks. Every instance runs one. */
export const supervision: Reaction = {
  name: 'supervision',
  topic: topics.supervisions,
  round: async (runtime, { about, isClosed }) => {
    // With each task that ends somewhere all open contracts would be gone through. One by one: of a list PostgreSQL would
    // not know the length, and plan the statement anew each time.
    const each = about ? about.map((id) => sql`and c.id = ${toUuid(id as Id)}::uuid`) : [sql``];
    for (const among of each) if (!isClosed()) await react(runtime, among);
    return null;
  },
};

/** @param among what must hold of contract `c`: begins with `and` */
async function react(runtime: Runtime, among: RawBuilder<unknown>): Promise<void> {
  const due = await readTogether(runtime.db.statements, {
    redTeams: redTeamsDue(among),
    budgets: budgetsDue(among),
    actions: completionActionsDue(among),
    news: newsDue(among),
  });
  await spawnRedTeams(runtime, due.redTeams);
  await watchBudgets(runtime, due.budgets);
  await doCompletionActions(runtime, due.actions);
  await tellSupervisors(runtime, due.news);
}
