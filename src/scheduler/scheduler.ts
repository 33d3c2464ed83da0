import { setTimeout as delay } from 'node:timers/promises';
import { topics } from '../platform/doorbell.ts';
import type { Id } from '../platform/ids.ts';
import { oneByOne } from '../platform/one-by-one.ts';
import type { Reaction } from '../platform/reactor.ts';
import type { Runtime } from '../platform/runtime.ts';
import { deliverAnswers } from '../questions/deliver-answers.ts';
import { expireQuestions, withdrawOrphans } from '../questions/question.service.ts';
import { candidates, claimTask } from './claim.ts';
import { giveUpLostDaemons, withdrawUnaccepted } from './lost-daemons.ts';
import { noticeStalledTasks } from './stalled-tasks.ts';

/** Between a look that started nothing and the next, at most. */
const MAX_PAUSE_MS = 20;

/** Contracts whose tasks could not be given to a daemon, until the next sweep: they keep nobody else waiting. */
const failing = new WeakMap<Runtime, Set<Id<'contract'>>>();

/**
 * Starts tasks as soon as something happens that makes a start possible, and sweeps for what no ring tells: leases that
 * ran out, spawns nobody accepted, questions whose time is up. Every instance runs one.
 */
export const scheduler: Reaction = {
  name: 'scheduler',
  topic: topics.schedule,
  round: async (runtime, sweep, isClosed) => {
    if (sweep) await oneByOne(runtime, 'a part of the sweep', UPKEEP, (part) => part(runtime));
    const known = failing.get(runtime);
    const failed = sweep || !known ? new Set<Id<'contract'>>() : known;
    failing.set(runtime, failed);
    const began = performance.now();
    let started = 0;
    await oneByOne(runtime, 'the start of a task', await candidates(runtime), async (candidate) => {
      if (isClosed() || failed.has(candidate.contractId)) return;
      failed.add(candidate.contractId);
      if (await claimTask(runtime, candidate)) started += 1;
      failed.delete(candidate.contractId);
    });
    // A queue behind full daemons grows by a ring for each task: looking through it for each, without pause, would slow
    // down those who add them. So a fifth of the time at most goes into looking in vain.
    if (started === 0 && !sweep) await delay(Math.min(4 * (performance.now() - began), MAX_PAUSE_MS));
  },
};

const UPKEEP = [
  withdrawUnaccepted,
  giveUpLostDaemons,
  (runtime: Runtime) => expireQuestions(runtime),
  withdrawOrphans,
  deliverAnswers,
  noticeStalledTasks,
];
