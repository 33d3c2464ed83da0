import type { Scenario } from './harness/scenario.ts';
import { answerNotSent } from './scenarios/answer-not-sent.ts';
import { answers } from './scenarios/answers.ts';
import { comeAndGo } from './scenarios/come-and-go.ts';
import { commandNotPushed } from './scenarios/command-not-pushed.ts';
import { daemonKilled } from './scenarios/daemon-killed.ts';
import { daemonLost } from './scenarios/daemon-lost.ts';
import { daemonStopped } from './scenarios/daemon-stopped.ts';
import { deafSubscriber } from './scenarios/deaf-subscriber.ts';
import { firstStart } from './scenarios/first-start.ts';
import { halfOpen } from './scenarios/half-open.ts';
import { instanceStopped } from './scenarios/instance-stopped.ts';
import { largeOutput } from './scenarios/large-output.ts';
import { oneRequestId } from './scenarios/one-request-id.ts';
import { postgresCut } from './scenarios/postgres-cut.ts';
import { race } from './scenarios/race.ts';
import { reconnectAtOnce } from './scenarios/reconnect-at-once.ts';
import { replyCut } from './scenarios/reply-cut.ts';
import { rollingRestart } from './scenarios/rolling-restart.ts';
import { secondProcess } from './scenarios/second-process.ts';
import { serverAway } from './scenarios/server-away.ts';
import { serverKilled } from './scenarios/server-killed.ts';
import { sigterm } from './scenarios/sigterm.ts';
import { subscriberCut } from './scenarios/subscriber-cut.ts';

/** All of them, in the order of the promises. */
export const SCENARIOS: readonly Scenario[] = [
  serverKilled,
  replyCut,
  daemonKilled,
  serverAway,
  subscriberCut,
  race,
  daemonLost,
  daemonStopped,
  halfOpen,
  oneRequestId,
  commandNotPushed,
  answerNotSent,
  answers,
  sigterm,
  postgresCut,
  secondProcess,
  deafSubscriber,
  comeAndGo,
  reconnectAtOnce,
  largeOutput,
  firstStart,
  instanceStopped,
  rollingRestart,
];
