import { setTimeout as delay } from 'node:timers/promises';
import { Api } from '../../test/support/api.ts';
import { type HandDaemon, openContract, spawn } from '../../test/support/daemon.ts';
import { SseSubscription } from '../../test/support/sse.ts';

/** Tasks of one contract, one after the other; then it is completed and the next one opened. */
const TASKS = 20;
const BATCH = 10;
/** Lines of each task: with them come one spawn, one question, one wait and the visits of subscribers. */
const LINES = 50;
const EVENTS =
  'subscription($id: ID!, $after: Int) { contractEvents(contractId: $id, afterSequence: $after) { sequence eventType ... on OutputEntry { content } } }';

export interface Done {
  contracts: number;
  tasks: number;
  lines: number;
  questions: number;
  visits: number;
  failures: string[];
}

/**
 * What daemons, agents, people and user interfaces do, steadily: at each moment one contract at work, in which one task
 * after the other is spawned, writes, is waited for and ends, its supervisor asks and is answered, and subscribers come
 * and go in every way that there is.
 */
export class Load {
  readonly done: Done = { contracts: 0, tasks: 0, lines: 0, questions: 0, visits: 0, failures: [] };
  readonly #api: Api;
  readonly #daemon: HandDaemon;
  readonly #linesPerSecond: number;
  readonly #visits = new Set<Promise<void>>();

  /** @param linesPerSecond of all tasks together */
  constructor(api: Api, daemon: HandDaemon, linesPerSecond: number) {
    this.#api = api;
    this.#daemon = daemon;
    this.#linesPerSecond = linesPerSecond;
  }

  /** Works until the time is up, and ends what it has begun: nothing of it is left when this resolves. */
  async work(until: number): Promise<void> {
    while (Date.now() < until && this.done.failures.length === 0)
      await this.#contract(until).catch(this.#fail);
    await Promise.all(this.#visits);
  }

  readonly #fail = (error: unknown): void => {
    this.done.failures.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  };

  async #contract(until: number): Promise<void> {
    const { contractId, supervisorId } = await openContract(this.#api);
    const { agent } = await this.#daemon.start(supervisorId);
    for (let task = 0; task < TASKS && Date.now() < until; task += 1) await this.#task(contractId, agent);
    await this.#api.mutate('completeContract', { contractId }, 'contract { id }');
    await this.#daemon.finish(supervisorId, 1, 'CANCELLED');
    this.done.contracts += 1;
  }

  async #task(contractId: string, supervisor: Api): Promise<void> {
    const startedAt = Date.now();
    const taskId = await spawn(this.#api, contractId);
    await this.#daemon.start(taskId);
    const wait = supervisor.ask(
      'query($id: ID!) { waitForTask(taskId: $id, timeoutSeconds: 50) { completed } }',
      {
        id: taskId,
      },
    );
    const asked = this.#question(contractId, supervisor);
    // Awaited below; a failure before that is not one that nobody hears of.
    for (const each of [wait, asked]) each.catch(() => undefined);
    for (let index = 0; index < LINES; index += BATCH) {
      this.#visit(contractId, index / BATCH);
      const lines = Array.from({ length: BATCH }, (_, line) => `line ${index + line} of ${taskId}`);
      await this.#daemon.append(taskId, 1, index, lines);
      this.done.lines += BATCH;
      await delay((BATCH / this.#linesPerSecond) * 1_000);
    }
    await asked;
    await this.#daemon.finish(taskId, 1, 'DONE', LINES);
    if (!(await wait).waitForTask.completed) throw new Error(`${taskId} was not told to be completed`);
    this.done.tasks += 1;
    const early = startedAt + (LINES / this.#linesPerSecond) * 1_000 - Date.now();
    if (early > 0) await delay(early);
  }

  async #question(contractId: string, supervisor: Api): Promise<void> {
    const asking = supervisor.mutate(
      'askQuestion',
      { question: 'Which way?', timeoutSeconds: 30 },
      'outcome',
    );
    asking.catch(() => undefined);
    const pending = `query($id: ID!) { pendingQuestions(contractId: $id) { id } }`;
    for (;;) {
      const { pendingQuestions } = await this.#api.ask(pending, { id: contractId });
      const [question] = pendingQuestions;
      if (question) {
        await this.#api.mutate(
          'answerQuestion',
          { questionId: question.id, text: 'left' },
          'question { id }',
        );
        break;
      }
      await delay(50);
    }
    if ((await asking).outcome !== 'ANSWERED') throw new Error('an answer was not told');
    this.done.questions += 1;
  }

  /** A subscriber that reads all there is, stays for a moment, and leaves. */
  #visit(contractId: string, way: number): void {
    const visit = this.#visited(contractId, way % 4).catch(this.#fail);
    this.#visits.add(visit);
    void visit.finally(() => this.#visits.delete(visit));
  }

  async #visited(contractId: string, way: number): Promise<void> {
    const variables = { id: contractId, after: 0 };
    const stay = 500 + Math.random() * 2_500;
    if (way === 3) {
      const stream = new SseSubscription(this.#api, EVENTS, variables);
      await stream.count(1);
      await delay(stay);
      stream.stop();
    } else {
      const client = new Api(this.#api.url, this.#api.key);
      const subscription = client.subscribe(EVENTS, variables);
      await subscription.count(1);
      await delay(stay);
      // Without a word, with a word for the subscription, or only for the socket.
      if (way === 0) subscription.cut();
      else if (way === 1) subscription.stop();
      await client.close();
    }
    this.done.visits += 1;
  }
}
