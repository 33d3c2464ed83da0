import type { Scenario } from './harness/scenario.ts';
import { answerNotSent } from './scenarios/answer-not-sent.ts';
import { answers } from './scenarios/answers.ts';
import { commandNotPushed } from './scenarios/command-not-pushed.ts';
import { daemonKilled } from './scenarios/daemon-killed.ts';
import { daemonLost } from './scenarios/daemon-lost.ts';
import { daemonStopped } from './scenarios/daemon-stopped.ts';
import { firstStart } from './scenarios/first-start.ts';
import { instanceStopped } from './scenarios/instance-stopped.ts';
import { postgresCut } from './scenarios/postgres-cut.ts';
import { replyCut } from './scenarios/reply-cut.ts';
import { serverKilled } from './scenarios/server-killed.ts';
import { sigterm } from './scenarios/sigterm.ts';
import { subscriberCut } from './scenarios/subscriber-cut.ts';

/** All of them, in the order of the promises. */
export const SCENARIOS: readonly Scenario[] = [
  serverKilled,
  replyCut,
  daemonKilled,
  subscriberCut,
  daemonLost,
  daemonStopped,
  commandNotPushed,
  answerNotSent,
  answers,
  sigterm,
  postgresCut,
  firstStart,
  instanceStopped,
];
