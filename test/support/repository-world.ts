import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Answer, Api, eventually } from './api.ts';
import { createTestDatabase } from './database.ts';
import { FakeGitHub } from './github.ts';
import { git, Program, repository, temporaryDirectory } from './processes.ts';

export interface Supervisor {
  readonly contractId: string;
  readonly id: string;
  readonly branch: string;
  /** Its working copy. */
  readonly path: string;
}

/** The commit that a branch of a repository is at. */
export const tip = (path: string, branch: string): string =>
  git(path, 'for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`);

/**
 * Real processes for a test of what supervisors do with repositories: a server, a daemon `machine`, and a GitHub
 * Enterprise server of the test's own.
 */
export class RepositoryWorld {
  readonly directory: string;
  readonly github: FakeGitHub;
  readonly api: Api;
  readonly daemons: Program[] = [];
  readonly #url: string;

  private constructor(directory: string, github: FakeGitHub, api: Api, url: string) {
    this.directory = directory;
    this.github = github;
    this.api = api;
    this.#url = url;
  }

  static async start(): Promise<RepositoryWorld> {
    const directory = temporaryDirectory();
    const github = await FakeGitHub.start(directory);
    const database = await createTestDatabase();
    const env = {
      TASKMESH_DATA_DIR: database.dataDir,
      ...(database.databaseUrl ? { DATABASE_URL: database.databaseUrl } : {}),
    };
    const server = new Program(['serve', '--port', '0'], env);
    const [, url = ''] = await server.printed(/GraphQL at (\S+)/);
    const api = new Api(url, readFileSync(join(database.dataDir, 'key'), 'utf8').trim());
    const world = new RepositoryWorld(directory, github, api, url);
    await world.startDaemon('machine', world.hub());
    return world;
  }

  /** What a daemon that may open pull requests has in its environment. */
  hub(): Record<string, string> {
    return { TASKMESH_GITHUB_TOKEN: this.github.token, TASKMESH_GITHUB_URL: `${this.github.url}/api/v3/` };
  }

  async startDaemon(
    name: string,
    env: Record<string, string>,
    given?: string,
  ): Promise<{ daemon: Program; key: string }> {
    const key = given ?? (await this.api.mutate('createKey', { kind: 'DAEMON', name }, 'key')).key;
    const where = ['--local-path', this.directory, '--data-dir', join(this.directory, name)];
    const flags = ['--server', this.#url, '--name', name, ...where, '--log-level', 'debug'];
    const daemon = new Program(['daemon', ...flags], { TASKMESH_DAEMON_KEY: key, ...env });
    this.daemons.push(daemon);
    await daemon.printed(/connected/);
    return { daemon, key };
  }

  async daemonId(name: string): Promise<string> {
    const { daemons } = await this.api.ask('{ daemons { id name } }');
    return daemons.find((daemon: Answer) => daemon.name === name).id;
  }

  /** Opens a contract whose supervisor does what the plan says, and then waits. */
  async supervise(repo: object, plan: string, more: object = {}): Promise<Supervisor> {
    const supervisorPlan = `set -eu\n${plan}\necho ready\nwhile [ ! -e stop ]; do sleep 0.2; done\n`;
    const input = { name: 'Branches', agent: 'shell', supervisorPlan, repositories: [repo], ...more };
    const selection = 'contract { id } supervisor { id }';
    const { contract, supervisor } = await this.api.mutate('createContract', input, selection);
    await this.said(supervisor.id, /^ready$/);
    // An agent may be heard before its daemon's report of where it works.
    const worktree = await eventually(async () => {
      const query = 'query($id: ID!) { task(id: $id) { worktree { branch path } } }';
      const { task } = await this.api.ask(query, { id: supervisor.id });
      return task.worktree.path && task.worktree;
    });
    return { contractId: contract.id, id: supervisor.id, ...worktree };
  }

  /** Waits for a line of a task's output. @returns it */
  async said(id: string, pattern: RegExp): Promise<string> {
    const query = 'subscription($id: ID!) { taskOutput(taskId: $id, afterSequence: 0) { content } }';
    const lines = await this.api
      .subscribe(query, { id })
      .until((received) => received.some(({ content }) => pattern.test(content)));
    return lines.find(({ content }) => pattern.test(content)).content;
  }

  /** A repository of a person, with some history. */
  origin(name: string): string {
    const parent = join(this.directory, name);
    mkdirSync(parent);
    return repository(parent);
  }
}
