import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { Child } from './child.ts';
import { BenchDaemon } from './daemon.ts';
import { Caller } from './http.ts';

export interface Setting {
  /** A cluster of the benchmark's own. */
  readonly clusterUrl: string;
  readonly embedded: boolean;
  /** One second a row: to see that it works, not how fast it is. */
  readonly quick: boolean;
  /** Where to write a CPU profile of our server; null: none. */
  readonly profileDir: string | null;
}

/** What one row runs in: a server of ours on a database of its own, and whatever else the row starts. */
export class World {
  readonly setting: Setting;
  readonly server: Child;
  readonly owner: Caller;
  /** null: embedded. */
  readonly databaseUrl: string | null;
  readonly #ends: (() => unknown)[];

  private constructor(
    setting: Setting,
    server: Child,
    owner: Caller,
    databaseUrl: string | null,
    ends: (() => unknown)[],
  ) {
    this.setting = setting;
    this.server = server;
    this.owner = owner;
    this.databaseUrl = databaseUrl;
    this.#ends = ends;
  }

  static async open(setting: Setting): Promise<World> {
    const ends: (() => unknown)[] = [];
    const dataDir = mkdtempSync(join(tmpdir(), 'taskmesh-bench-'));
    ends.push(() => rmSync(dataDir, { recursive: true, force: true }));
    const databaseUrl = setting.embedded ? null : await newDatabase(setting.clusterUrl, ends);
    const server = await Child.start('servers/taskmesh.ts', { databaseUrl, dataDir }, profiling(setting));
    ends.push(() => server.stop());
    const { url, key } = await server.call<{ url: string; key: string }>('where');
    const owner = new Caller(url, key);
    ends.push(() => owner.close());
    return new World(setting, server, owner, databaseUrl, ends);
  }

  /** A count or a time: the first in a measurement, the second when it is only seen to work. */
  size(full: number, quick: number): number {
    return this.setting.quick ? quick : full;
  }

  atEnd(end: () => unknown): void {
    this.#ends.push(end);
  }

  async child(script: string, options: object = {}): Promise<Child> {
    const child = await Child.start(script, options);
    this.atEnd(() => child.stop());
    return child;
  }

  /** A connection of `pg` to a database: ours, or a fresh one for a peer. */
  async connect(databaseUrl: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    this.atEnd(() => client.end());
    return client;
  }

  /** A further, empty database in the cluster. */
  emptyDatabase(): Promise<string> {
    return newDatabase(this.setting.clusterUrl, this.#ends);
  }

  async daemon(name = 'bench', max?: number): Promise<BenchDaemon> {
    const daemon = await BenchDaemon.connect(this.owner, name, max);
    this.atEnd(() => daemon.close());
    return daemon;
  }

  /** A contract without a supervisor's agent running. */
  async contract(): Promise<string> {
    const input = {
      name: 'Bench',
      supervisorPlan: 'supervise',
      startSupervisor: false,
      repositories: [{ localPath: '/repositories/one', isPrimary: true }],
    };
    const { contract } = await this.owner.mutate('createContract', input, 'contract { id }');
    return contract.id;
  }

  async spawn(contractId: string, name = 'Task'): Promise<string> {
    const input = { contractId, name, plan: 'work', useOwnWorktree: true };
    const { task } = await this.owner.mutate('spawnTask', input, 'task { id }');
    return task.id;
  }

  /** A task of a contract that runs on the daemon. */
  async running(daemon: BenchDaemon, contractId: string): Promise<string> {
    const taskId = await this.spawn(contractId);
    await daemon.start(taskId);
    return taskId;
  }

  async close(): Promise<void> {
    for (const end of this.#ends.reverse()) await end();
  }
}

function profiling({ profileDir }: Setting): string[] {
  return profileDir === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`];
}

async function newDatabase(clusterUrl: string, ends: (() => unknown)[]): Promise<string> {
  const name = `bench_${randomBytes(6).toString('hex')}`;
  await admin(clusterUrl, `create database ${name}`);
  ends.push(() => admin(clusterUrl, `drop database if exists ${name} with (force)`));
  const url = new URL(clusterUrl);
  url.pathname = name;
  return url.href;
}

async function admin(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}
