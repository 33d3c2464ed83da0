import { join } from 'node:path';
import { TaskmeshClient } from '../../client/client.ts';
import { ContractTreeDocument } from '../../client/generated/graphql.ts';
import { inheritedEnvironment } from '../../platform/config.ts';
import { Api } from '../api.ts';
import type { Cli } from '../cli.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandFailure } from '../failures.ts';
import { SELF } from '../package.ts';
import { aborted, stopRequest } from '../processes.ts';
import { duration, painter } from '../style.ts';
import { renderTree } from '../tree.ts';
import { ContractShow, openContract } from './contract.ts';
import { findRepository, historyGraph, makeSampleRepository } from './repository.ts';
import { freePort, Stage } from './stage.ts';

export interface DemoOptions {
  repo?: string;
  port: number;
  answer?: string;
}

/** Plays the whole demo, and stops and removes all that it started, however it ends. */
export async function playDemo(cli: Cli, options: DemoOptions): Promise<void> {
  // What a child needs to find its tools. Nothing of a Taskmesh that this person may have already: no key, no database.
  const baseEnv = inheritedEnvironment(cli.terminal.env);
  // Before anything is made or started.
  const own = options.repo === undefined ? undefined : await findRepository(options.repo, baseEnv);
  const stop = stopRequest();
  const stage = await Stage.open(baseEnv);
  const story = new Story(cli, stage, baseEnv, stop.signal);
  let failed = false;
  try {
    await story.play(options, own);
  } catch (error) {
    if (stop.signal.aborted) throw new CommandFailure('STOPPED', EXIT.failed, 'The demo was stopped.');
    failed = true;
    await story.tellFailure();
    throw error;
  } finally {
    await story.close();
    await stage.stop();
    if (failed) cli.note(`Everything is stopped. What there was is kept in ${stage.root}`);
    else await stage.remove();
    if (!failed) cli.note(`Everything is stopped, and ${stage.root} is removed.`);
    stop.dispose();
  }
}

class Story {
  readonly #cli: Cli;
  readonly #stage: Stage;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #signal: AbortSignal;
  readonly #startedAt = performance.now();
  #client: TaskmeshClient | undefined;
  #step = 0;

  constructor(cli: Cli, stage: Stage, environment: Readonly<Record<string, string>>, signal: AbortSignal) {
    this.#cli = cli;
    this.#stage = stage;
    this.#environment = environment;
    this.#signal = signal;
  }

  async play(options: DemoOptions, own: string | undefined): Promise<void> {
    const repository = own === undefined ? await this.#sample() : this.#own(own);
    const server = await this.#server(options.port, repository);
    this.#client = new TaskmeshClient(server);
    const api = new Api(this.#cli, this.#client, null, null);

    const contract = await openContract(api, repository);
    this.#head('A contract', `${contract.name}: a supervisor, and the tasks that it spawns`);
    const show = new ContractShow(this.#cli, api, options.answer, this.#signal);
    await Promise.race([show.play(contract.id), this.#stage.broken()]);
    this.#signal.throwIfAborted();

    await this.#result(api, contract.id, repository);
    await this.#next(server.url, contract.id);
  }

  async tellFailure(): Promise<void> {
    for (const name of ['server', 'daemon'] as const) {
      const lines = await this.#stage.lastLines(name, 10);
      if (lines) this.#cli.note(`\nThe last lines of ${this.#stage.logOf(name)}:\n${lines}`);
    }
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }

  #own(repository: string): string {
    this.#head('A repository', `yours, ${repository}; only a new branch taskmesh/… will be added to it`);
    return repository;
  }

  async #sample(): Promise<string> {
    const made = join(this.#stage.root, 'word-count');
    await makeSampleRepository(made, this.#environment);
    this.#head('A repository', `${made}, made for this demo`);
    this.#cli.print(await historyGraph(made, this.#environment, 10));
    return made;
  }

  async #server(wanted: number, repository: string): Promise<{ url: string; key: string }> {
    const port = await freePort(wanted);
    const server = await this.#stage.startServer(port, this.#signal);
    const moved = port === wanted ? '' : ` (${wanted} is taken)`;
    this.#head('A server', `GraphQL at ${server.url}${moved}, on an embedded database`);
    this.#cli.print(`Its log: ${this.#stage.logOf('server')}`);
    const name = await this.#stage.startDaemon(server, repository, this.#signal);
    this.#head(
      'A daemon',
      `${name}, a process of its own, connected over the network; it takes one task at a time`,
    );
    return server;
  }

  async #result(api: Api, contractId: string, repository: string): Promise<void> {
    const paint = painter(this.#cli.terminal.stdout);
    const { contractTree } = await api.call(ContractTreeDocument, { contractId });
    this.#head('What came of it', contractTree.contract.summary ?? '');
    this.#cli.print(
      renderTree(
        contractTree.nodes.map((node) => node.task),
        paint,
      ),
    );
    this.#cli.print(
      `\n$ git log --graph --oneline --all\n${await historyGraph(repository, this.#environment, 20)}`,
    );
    const took = (performance.now() - this.#startedAt) / 1_000;
    this.#cli.print(`\n${paint('bold', `That took ${duration(took)}.`)}`);
  }

  async #next(url: string, contractId: string): Promise<void> {
    const stays = this.#cli.terminal.stdin.isTTY === true && this.#cli.terminal.stdout.isTTY === true;
    // To be copied into a shell: a checkout may lie in a folder with a space in its name.
    const start = `node ${/^[\w./-]+$/.test(SELF.entry) ? SELF.entry : `'${SELF.entry}'`}`;
    this.#head('What to try next', '');
    if (stays) {
      this.#cli.print(
        `The server goes on until Ctrl-C. Open ${url} in a browser (GraphiQL), with the header\n` +
          `  {"Authorization": "Bearer KEY"}, the KEY in ${this.#stage.dataDir}/key\n` +
          'Look at the contract from another terminal:\n' +
          `  ${start} contract tree ${contractId} --url ${url} --data-dir ${this.#stage.dataDir}`,
      );
    }
    this.#cli.print(
      'A first contract of your own, in a git repository:\n' +
        `  ${start} up\n` +
        `  ${start} contract create --name First --repo . --agent shell --plan 'taskmesh supervisor complete --summary "It works"'`,
    );
    if (stays) await Promise.race([aborted(this.#signal), this.#stage.broken()]);
  }

  #head(title: string, rest: string): void {
    const paint = painter(this.#cli.terminal.stdout);
    this.#step += 1;
    this.#cli.print(`\n${paint(['bold', 'cyan'], `${this.#step}. ${title}`)}  ${rest}`.trimEnd());
  }
}
