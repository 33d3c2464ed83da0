import { topics } from '../platform/doorbell.ts';
import type { Reaction } from '../platform/reactor.ts';
import type { Runtime } from '../platform/runtime.ts';
import { deliverAnswers } from '../questions/deliver-answers.ts';
import { expireQuestions, withdrawOrphans } from '../questions/question.service.ts';
import { candidates, claimTask } from './claim.ts';
import { giveUpLostDaemons, withdrawUnaccepted } from './lost-daemons.ts';
import { noticeStalledTasks } from './stalled-tasks.ts';

/**
 * Starts tasks as soon as something happens that makes a start possible, and sweeps for what no ring tells: leases that
 * ran out, spawns nobody accepted, questions whose time is up. Every instance runs one.
 */
export const scheduler: Reaction = {
  name: 'scheduler',
  topic: topics.schedule,
  round: async (runtime, sweep, isClosed) => {
    if (sweep) await upkeep(runtime);
    for (const id of await candidates(runtime)) {
      if (isClosed()) return;
      await claimTask(runtime, id);
    }
  },
};

async function upkeep(runtime: Runtime): Promise<void> {
  await withdrawUnaccepted(runtime);
  await giveUpLostDaemons(runtime);
  await expireQuestions(runtime);
  await withdrawOrphans(runtime);
  await deliverAnswers(runtime);
  await noticeStalledTasks(runtime);
}
