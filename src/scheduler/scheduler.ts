import { setTimeout as delay } from 'node:timers/promises';
import { topics } from '../platform/doorbell.ts';
import type { Reaction } from '../platform/reactor.ts';
import type { Runtime } from '../platform/runtime.ts';
import { deliverAnswers } from '../questions/deliver-answers.ts';
import { expireQuestions, withdrawOrphans } from '../questions/question.service.ts';
import { candidates, claimTask } from './claim.ts';
import { giveUpLostDaemons, withdrawUnaccepted } from './lost-daemons.ts';
import { noticeStalledTasks } from './stalled-tasks.ts';

/** Between a look that started nothing and the next, at most. */
const MAX_PAUSE_MS = 20;

/**
 * Starts tasks as soon as something happens that makes a start possible, and sweeps for what no ring tells: leases that
 * ran out, spawns nobody accepted, questions whose time is up. Every instance runs one.
 */
export const scheduler: Reaction = {
  name: 'scheduler',
  topic: topics.schedule,
  round: async (runtime, sweep, isClosed) => {
    if (sweep) await upkeep(runtime);
    const began = performance.now();
    let started = 0;
    for (const candidate of await candidates(runtime)) {
      if (isClosed()) return;
      if (await claimTask(runtime, candidate)) started += 1;
    }
    // A queue behind full daemons grows by a ring for each task: looking through it for each, without pause, would slow
    // down those who add them. So half of the time at most goes into looking in vain.
    if (started === 0 && !sweep) await delay(Math.min(performance.now() - began, MAX_PAUSE_MS));
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
