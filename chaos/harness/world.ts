import { type Id, toUuid } from '../../src/platform/ids.ts';
import { type Answer, Api, eventually } from '../../test/support/api.ts';
import { onEnd } from '../../test/support/cleanup.ts';
import { HandDaemon } from '../../test/support/daemon.ts';
import { freePort } from '../../test/support/free-port.ts';
import { repository, temporaryDirectory } from '../../test/support/processes.ts';
import { agentProcesses } from './agents.ts';
import { Daemon, type DaemonSettings } from './daemon.ts';
import type { Databases, WorldDatabase } from './databases.ts';
import { FaultyProxy } from './faulty-proxy.ts';
import type { DatabaseKind } from './scenario.ts';
import { Server, type ServerOptions } from './server.ts';
import type { Verdict } from './verdict.ts';

export interface Setting {
  readonly kind: DatabaseKind;
  /** For CI: to see that it holds at all, in seconds. */
  readonly isQuick: boolean;
  readonly random: () => number;
  readonly verdict: Verdict;
  readonly databases: Databases;
}

/** What one scenario runs in: a database, and the real processes that it starts. All of it goes away with it. */
export class World {
  readonly kind: DatabaseKind;
  readonly random: () => number;
  readonly verdict: Verdict;
  readonly database: WorldDatabase;
  /** Repositories, data of daemons, files by which agents and scenario speak. */
  readonly directory: string;
  /** A git repository that every daemon may use. */
  readonly repository: string;
  readonly servers: Server[] = [];
  readonly daemons: Daemon[] = [];
  readonly #isQuick: boolean;
  readonly #databases: Databases;

  private constructor(setting: Setting, database: WorldDatabase) {
    this.kind = setting.kind;
    this.random = setting.random;
    this.verdict = setting.verdict;
    this.#isQuick = setting.isQuick;
    this.#databases = setting.databases;
    this.database = database;
    this.directory = temporaryDirectory();
    this.repository = repository(this.directory);
    onEnd(() => this.#killAgents());
  }

  static async open(setting: Setting): Promise<World> {
    const database = await setting.databases.create(setting.kind);
    onEnd(() => database.drop());
    return new World(setting, database);
  }

  /** A database without even the schema: the first server that starts on it makes it. */
  async emptyDatabase(): Promise<WorldDatabase> {
    const database = await this.#databases.create(this.kind, true);
    onEnd(() => database.drop());
    return database;
  }

  /** A count or a time: the first in the long form, the second in the quick one. */
  size(long: number, quick: number): number {
    return this.#isQuick ? quick : long;
  }

  /** A number between the two. */
  between(from: number, to: number): number {
    return from + this.random() * (to - from);
  }

  /** A server instance that was not started yet. */
  async server(
    options: Partial<Pick<WorldDatabase, 'url' | 'dataDir'>> & ServerOptions = {},
  ): Promise<Server> {
    const dataDir = this.servers.length === 0 ? this.database.dataDir : temporaryDirectory();
    const database = { url: this.database.url, dataDir, ...options };
    const server = new Server(await freePort(), database, options);
    this.servers.push(server);
    return server;
  }

  async startServer(options: Parameters<World['server']>[0] = {}): Promise<Server> {
    const server = await this.server(options);
    await server.start();
    return server;
  }

  async proxy(target: string): Promise<FaultyProxy> {
    const proxy = await FaultyProxy.open(target);
    onEnd(() => proxy.close());
    return proxy;
  }

  /** The owner's client, at the first server unless said. */
  api(url = this.servers[0]?.url ?? ''): Api {
    const api = new Api(url, this.servers[0]?.key ?? null);
    onEnd(() => api.close());
    return api;
  }

  async daemonKey(name: string): Promise<string> {
    return (await this.api().mutate('createKey', { kind: 'DAEMON', name }, 'key')).key;
  }

  async daemon(name: string, settings: Partial<DaemonSettings> = {}): Promise<Daemon> {
    const key = settings.key ?? (await this.daemonKey(name));
    const serverUrl = this.servers[0]?.url ?? '';
    const daemon = new Daemon({ serverUrl, directory: this.directory, ...settings, name, key });
    this.daemons.push(daemon);
    return daemon;
  }

  async startDaemon(name: string, settings: Partial<DaemonSettings> = {}): Promise<Daemon> {
    const daemon = await this.daemon(name, settings);
    await daemon.start();
    return daemon;
  }

  /** A daemon that the scenario drives itself, call by call, with signs of life. */
  async handDaemon(api = this.api(), agents = ['shell']): Promise<HandDaemon> {
    return (await HandDaemon.connect(api, { max: 100, localPaths: [this.directory], agents })).alive();
  }

  /** A contract without a supervisor. */
  async contract(more: object = {}): Promise<string> {
    const input = {
      name: 'Chaos',
      agent: 'shell',
      startSupervisor: false,
      repositories: [{ localPath: this.repository, isPrimary: true }],
      ...more,
    };
    return (await this.api().mutate('createContract', input, 'contract { id }')).contract.id;
  }

  async spawn(contractId: string, plan: string, more: object = {}): Promise<string> {
    const input = { contractId, name: 'Task', plan, agent: 'shell', useOwnWorktree: true, ...more };
    return (await this.api().mutate('spawnTask', input, 'task { id }')).task.id;
  }

  async task(id: string, api = this.api()): Promise<Answer> {
    const fields = 'id status attempt retryCount errorMessage daemon { id name status }';
    return (await api.ask(`query($id: ID!) { task(id: $id) { ${fields} } }`, { id })).task;
  }

  /** Waits until a task has a status. @returns it */
  untilTask(id: string, status: string, withinMs = 60_000): Promise<Answer> {
    return eventually(async () => {
      const task = await this.task(id).catch(() => null);
      return task?.status === status && task;
    }, withinMs);
  }

  /** How far the log of a contract reaches. */
  async lastSequence(contractId: string): Promise<number> {
    const query = 'query($id: ID!) { contract(id: $id) { lastSequence } }';
    return (await this.api().ask(query, { id: contractId })).contract.lastSequence;
  }

  uuid(id: string): string {
    return toUuid(id as Id);
  }

  /** The entries of a task's output in the database, in the order of the log. Servers must be stopped when embedded. */
  async outputOf(
    taskId: string,
  ): Promise<{ sequence: number; attempt: number; type: string; content: string }[]> {
    return this.database.query(`
      select sequence, (data->>'attempt')::int as attempt, data->>'type' as type, data->>'content' as content
      from contract_event where type = 'OUTPUT' and task_id = '${this.uuid(taskId)}' order by sequence`);
  }

  /** Tells the verdict of sequences of any contract that are not 1, 2, 3 … up to what its counter says. */
  async checkSequences(): Promise<void> {
    const wrong = await this.database.query<{ contract_id: string }>(`
      select k.contract_id from contract_counter k left join contract_event e on e.contract_id = k.contract_id
      group by k.contract_id, k.last, k.pruned
      having count(e.sequence) <> k.last - k.pruned or coalesce(max(e.sequence), k.pruned) <> k.last`);
    this.verdict.check(wrong.length === 0, `the log of ${wrong.length} contracts is not dense`);
  }

  /** What the programs said last, for a failure. */
  logs(): string {
    const logs = [
      ...this.servers.map((server) => `--- server on ${server.port}\n${server.log.slice(-3_000)}`),
      ...this.daemons.map((daemon) => `--- daemon ${daemon.name}\n${daemon.log.slice(-3_000)}`),
    ];
    return logs.join('\n');
  }

  /** Daemons that are killed leave their agents: those of this world have its directory in their environment. */
  #killAgents(): void {
    for (const pid of agentProcesses(this.directory)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone meanwhile.
      }
    }
  }
}
