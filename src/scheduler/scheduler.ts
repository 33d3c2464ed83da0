import { setTimeout as delay } from 'node:timers/promises';
import { isOutdone } from '../platform/database-failures.ts';
import { topics } from '../platform/doorbell.ts';
import type { Id } from '../platform/ids.ts';
import { oneByOne } from '../platform/one-by-one.ts';
import type { Reaction } from '../platform/reactor.ts';
import type { Runtime } from '../platform/runtime.ts';
import { deliverAnswers } from '../questions/deliver-answers.ts';
import { expireQuestions, withdrawOrphans } from '../questions/question.service.ts';
import { type Claimed, candidates, claimTask } from './claim.ts';
import { giveUpLostDaemons, withdrawUnaccepted } from './lost-daemons.ts';
import { noticeStalledTasks } from './stalled-tasks.ts';

/** Between a look that started nothing and the next, at most. */
const MAX_PAUSE_MS = 20;

/** After which it is looked again, when somebody else had something that a start takes, or a start failed. */
const AGAIN_MS = 100;

/** Contracts whose tasks cannot be given to a daemon, until the next sweep: they keep nobody else waiting. */
const failing = new WeakMap<Runtime, Set<Id<'contract'>>>();

/**
 * Starts tasks as soon as something happens that makes a start possible, and sweeps for what no ring tells: leases that
 * ran out, spawns nobody accepted, questions whose time is up. Every instance runs one.
 */
export const scheduler: Reaction = {
  name: 'scheduler',
  topic: topics.schedule,
  round: async (runtime, { sweep, isClosed }) => {
    if (sweep) await oneByOne(runtime, 'a part of the sweep', UPKEEP, (part) => part(runtime));
    const began = performance.now();
    const results = await start(runtime, sweep, isClosed);
    // A queue behind full daemons grows by a ring for each task: looking through it for each, without pause, would slow
    // down those who add them. So a fifth of the time at most goes into looking in vain.
    if (!results.has('STARTED') && !sweep)
      await delay(Math.min(4 * (performance.now() - began), MAX_PAUSE_MS));
    // Behind those that fail there may be others, which had no place among the candidates.
    return results.has('BUSY') || results.has('FAILED') ? AGAIN_MS : null;
  },
};

async function start(
  runtime: Runtime,
  sweep: boolean,
  isClosed: () => boolean,
): Promise<ReadonlySet<Claimed | 'FAILED'>> {
  const failed = (sweep ? null : failing.get(runtime)) ?? new Set<Id<'contract'>>();
  failing.set(runtime, failed);
  const results = new Set<Claimed | 'FAILED'>();
  /** Whose daemons somebody holds for long: each further try would take as long. */
  const busy = new Set<Id<'owner'>>();
  const all = await candidates(runtime, failed);
  await oneByOne(runtime, 'the start of a task', all, async (candidate) => {
    const { contractId, ownerId } = candidate;
    if (isClosed() || failed.has(contractId) || busy.has(ownerId)) return;
    try {
      results.add(await claimTask(runtime, candidate));
    } catch (error) {
      if (isOutdone(error)) {
        busy.add(ownerId);
        results.add('BUSY');
      } else {
        failed.add(contractId);
        results.add('FAILED');
      }
      throw error;
    }
  });
  return results;
}

const UPKEEP = [
  withdrawUnaccepted,
  giveUpLostDaemons,
  (runtime: Runtime) => expireQuestions(runtime),
  withdrawOrphans,
  deliverAnswers,
  noticeStalledTasks,
];
