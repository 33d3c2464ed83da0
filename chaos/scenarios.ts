import type { Scenario } from './harness/scenario.ts';
import { daemonKilled } from './scenarios/daemon-killed.ts';
import { replyCut } from './scenarios/reply-cut.ts';
import { serverKilled } from './scenarios/server-killed.ts';
import { subscriberCut } from './scenarios/subscriber-cut.ts';

/** All of them, in the order of the promises. */
export const SCENARIOS: readonly Scenario[] = [serverKilled, replyCut, daemonKilled, subscriberCut];
