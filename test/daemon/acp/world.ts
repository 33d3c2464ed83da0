import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { AcpProfile, AgentProfiles } from '../../../src/daemon/agents/profiles.ts';
import { type Answer, Api } from '../../support/api.ts';
import { onEnd } from '../../support/cleanup.ts';
import { createTestDatabase } from '../../support/database.ts';
import { repository } from '../git/support.ts';

const AGENT = fileURLToPath(new URL('agent.ts', import.meta.url));

/** Starts one of the programs of daemon tests, which ends with the test file. @returns it, and its first line */
async function program(name: string, args: string[]): Promise<{ child: ChildProcess; line: string }> {
  const file = fileURLToPath(new URL(`../${name}`, import.meta.url));
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  onEnd(() => kill(child));
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${name} ended with ${code}`);
  });
  ended.catch(() => undefined);
  const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended])) as [
    string,
  ];
  return { child, line };
}

const ENTRY = 'attempt type content messageId isPartial isError toolName toolInput costUsd durationMs';

const COMPLETED = new Set(['DONE', 'FAILED', 'CANCELLED', 'MERGED']);

/** Something that a test agent heard. */
export interface Heard {
  readonly what: string;
  readonly value: Answer;
}

/** A real server, with real daemons whose agents are the one in agent.ts. */
export class AcpWorld {
  readonly root: string;
  readonly api: Api;
  readonly #daemons: string[] = [];

  private constructor(root: string, api: Api) {
    this.root = root;
    this.api = api;
  }

  static async start(): Promise<AcpWorld> {
    const { dataDir: root, databaseUrl, drop } = await createTestDatabase();
    onEnd(drop);
    repository(join(root, 'repo'));
    const { line } = await program('run-server.ts', databaseUrl ? [root, databaseUrl] : [root]);
    const { url, key } = JSON.parse(line);
    return new AcpWorld(root, new Api(url, key));
  }

  /** A profile of the test agent, with its flags. */
  profile(flags: string, more: Partial<AcpProfile> = {}): AcpProfile {
    const { NODE_COMPILE_CACHE = '' } = process.env;
    const env = {
      SESSIONS: join(this.root, 'sessions'),
      TRACE: join(this.root, 'trace'),
      NODE_COMPILE_CACHE,
    };
    const args = [AGENT, ...flags.split(' ').filter(Boolean)];
    return { kind: 'acp', command: process.execPath, args, permissions: 'ask', env, ...more };
  }

  /** A daemon that offers these agents; started again with the same name it is the same daemon. */
  async daemon(
    name: string,
    profiles: AgentProfiles,
    key?: string,
  ): Promise<{ child: ChildProcess; key: string }> {
    const given = key ?? (await this.api.mutate('createKey', { kind: 'DAEMON', name }, 'key')).key;
    const directory = join(this.root, name);
    mkdirSync(directory, { recursive: true });
    this.#daemons.push(name);
    const file = join(directory, 'profiles.json');
    writeFileSync(file, JSON.stringify(profiles));
    const { child } = await program('run-daemon.ts', [this.api.url, given, directory, file, this.root]);
    return { child, key: given };
  }

  /** A contract without a supervisor, and a work task in it. @returns the task */
  async work(agent: string, plan: string, more: object = {}): Promise<string> {
    const contractId = await this.contract(agent);
    const input = { contractId, name: 'work', plan, agent, useOwnWorktree: true, ...more };
    return (await this.api.mutate('spawnTask', input, 'task { id }')).task.id;
  }

  async contract(agent: string, more: object = {}): Promise<string> {
    const repositories = [{ localPath: join(this.root, 'repo') }];
    const input = { name: 'c', agent, startSupervisor: false, repositories, ...more };
    return (await this.api.mutate('createContract', input, 'contract { id }')).contract.id;
  }

  /** A contract with its supervisor. */
  async supervise(
    agent: string,
    plan: string,
    more: object = {},
  ): Promise<{ contractId: string; id: string }> {
    const repositories = [{ localPath: join(this.root, 'repo') }];
    const input = { name: 'c', agent, supervisorPlan: plan, repositories, ...more };
    const made = await this.api.mutate('createContract', input, 'contract { id } supervisor { id }');
    return { contractId: made.contract.id, id: made.supervisor.id };
  }

  async task(id: string): Promise<Answer> {
    const query = `query($id: ID!) { task(id: $id) {
      status attempt retryCount outputSummary errorMessage costUsd tokens checkpoints { message } } }`;
    return (await this.api.ask(query, { id })).task;
  }

  /** Waits until a task is in a state. @returns it */
  async until(id: string, status: string): Promise<Answer> {
    const giveUpAt = Date.now() + 60_000;
    for (;;) {
      // Returns when it is completed; its other states are looked for in between.
      const timeoutSeconds = COMPLETED.has(status) ? 5 : 0;
      const query =
        'query($id: ID!, $seconds: Int!) { waitForTask(taskId: $id, timeoutSeconds: $seconds) { status } }';
      if (timeoutSeconds > 0) await this.api.ask(query, { id, seconds: timeoutSeconds });
      const task = await this.task(id);
      if (task.status === status) return task;
      if (COMPLETED.has(task.status) || Date.now() > giveUpAt) {
        const log = (await this.output(id)).map(({ type, content }) => `${type} ${content}`).join('\n');
        throw new Error(`${status} was expected, it is ${JSON.stringify(task)}\n${log}\n${this.#logs()}`);
      }
      await delay(200);
    }
  }

  /** The end of what the daemons wrote to their logs. */
  #logs(): string {
    return this.#daemons
      .map((name) => readFileSync(join(this.root, name, 'log'), 'utf8').slice(-5_000))
      .join('\n');
  }

  /** What a task has said so far. */
  async output(id: string): Promise<Answer[]> {
    const query = `query($id: ID!) { taskOutput(taskId: $id, first: 2000) { nodes { ${ENTRY} } } }`;
    return (await this.api.ask(query, { id })).taskOutput.nodes;
  }

  /** The contents of a task's entries of a type. */
  async said(id: string, type: string): Promise<string[]> {
    return (await this.output(id)).filter((entry) => entry.type === type).map(({ content }) => content);
  }

  /** Waits for an entry. @returns it */
  async entry(id: string, type: string, pattern: RegExp): Promise<Answer> {
    const fits = (entry: Answer) => entry.type === type && pattern.test(entry.content);
    const query = `subscription($id: ID!) { taskOutput(taskId: $id, afterSequence: 0) { ${ENTRY} } }`;
    const log = this.api.subscribe(query, { id });
    const received = await log.until((entries) => entries.some(fits), 60_000);
    log.stop();
    return received.find(fits);
  }

  /** What agents heard, of one task when named: by the tool key that they were given. */
  heard(what: string): Answer[] {
    const file = join(this.root, 'trace');
    if (!existsSync(file)) return [];
    const all = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Heard);
    return all.filter((each) => each.what === what).map(({ value }) => value);
  }

  /** Waits for the question of a task. */
  question(taskId: string): Promise<Answer> {
    const query = '{ pendingQuestions { id question choices context multiSelect questionType task { id } } }';
    return soon(async () =>
      (await this.api.ask(query)).pendingQuestions.find((each: Answer) => each.task.id === taskId),
    );
  }

  /** Waits until a question has been withdrawn. */
  async withdrawn(id: string): Promise<void> {
    const query = 'query($id: ID!) { node(id: $id) { ... on Question { status } } }';
    await soon(async () => (await this.api.ask(query, { id })).node.status === 'WITHDRAWN');
  }

  async answer(questionId: string, answer: { choices?: string[]; text?: string }): Promise<void> {
    await this.api.mutate('answerQuestion', { questionId, ...answer }, 'question { id }');
  }
}

/** Ends a process at once. */
export async function kill(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

/** Waits for a condition, looking less often than `eventually`: many wait here at once, for what takes its time. */
export async function soon<T>(
  check: () => Promise<T | false | null | undefined> | T | false | null | undefined,
): Promise<T> {
  const giveUpAt = Date.now() + 60_000;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > giveUpAt) throw new Error(`the condition did not come true: ${check}`);
    await delay(200);
  }
}
