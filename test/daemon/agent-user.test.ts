import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type AgentUser, findAgentUser } from '../../src/daemon/agent-user.ts';
import { prepareDataDirectory } from '../../src/daemon/data-directory.ts';
import { dataPaths } from '../../src/daemon/files.ts';
import { write } from './git/support.ts';
import { processesWith, scratch } from './support.ts';
import { appears, type Server, startServer, world } from './world.ts';

const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
const why = isRoot ? '' : ' (left out: the tests do not run as root on Linux)';
const CLI = fileURLToPath(new URL('../../bin/taskmesh.js', import.meta.url));
/** A user of every Linux. */
const NAME = 'nobody';

describe.skipIf(!isRoot)(`agents with a user of their own${why}`, { timeout: 60_000 }, () => {
  let server: Server;
  beforeAll(async () => {
    const started = await startServer();
    server = started;
    return started.end;
  }, 60_000);

  /** A machine with a daemon that was started by root as a service manager would. */
  async function machine(options: { before?: string[] } = {}) {
    const made = await world(server);
    const { root, repo } = made;
    chmodSync(root, 0o711);
    const keyFile = join(root, 'daemon-key');
    const dataDir = join(root, 'data');
    writeFileSync(keyFile, `${made.daemonKey}\n`, { mode: 0o600 });
    write(repo, { '.env': 'SECRET=of the repository\n' });
    chmodSync(join(repo, '.env'), 0o600);
    const start = async (...more: string[]): Promise<ChildProcess> => {
      const { url } = server;
      const daemon = [CLI, 'daemon', '--server', url, '--key-file', keyFile, '--data-dir', dataDir];
      const [command = '', ...args] = [
        ...(options.before ?? []),
        process.execPath,
        ...daemon,
        ...['--local-path', root, '--log-level', 'error', ...more],
      ];
      const env = { ...process.env, TASKMESH_GITHUB_TOKEN: 'ghp_of_the_daemon', NODE_ENV: 'test' };
      const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'pipe'], env });
      onTestFinished(() => void child.kill('SIGKILL'));
      for await (const line of createInterface({ input: child.stderr }))
        if (line.includes('is connected')) break;
      return child;
    };
    return { ...made, start, keyFile, dataDir };
  }

  it('cannot see, signal or write what is the daemon’s, and can work in their copies', async () => {
    const { start, spawnTask, wait, task, call, keyFile, dataDir, repo } = await machine();
    const daemon = await start('--agent-user', NAME);
    const forbidden = [
      `cat ${keyFile}`,
      `ls ${dataDir}`,
      ...['journal.jsonl', 'daemon.lock', 'agent-user.json'].map((name) => `cat ${dataDir}/${name}`),
      ...['runs', 'spool', 'uploads', 'mirrors', 'worktrees', 'plans'].map((name) => `ls ${dataDir}/${name}`),
      `touch ${dataDir}/x`,
      'touch ../x',
      'mv . ../y',
      'touch "$(cat .git/objects/info/alternates)/x"',
      `cat /proc/${daemon.pid}/environ`,
      `kill -0 ${daemon.pid}`,
      'env -u TASKMESH_PLAN | grep -q ghp_of_the_daemon',
      `env -u TASKMESH_PLAN | grep -qE "$(basename ${keyFile})|tmk_daemon_"`,
    ];
    const plan = [
      'echo "as $(id -u):$(id -G) in $HOME"',
      ...forbidden.map((command) => `if ${command} >/dev/null 2>&1; then echo 'could: ${command}'; fi`),
      'test -r "$TASKMESH_PLAN_FILE" && taskmesh --version && cat .env',
      'git log --format=%s && echo mine > mine.txt && git add . && git commit -qm mine',
      'echo more > more.txt',
    ];
    const id = await spawnTask(plan.join('\n'), { copyFiles: ['.env'] });
    await wait(id);
    const { task: shown, taskOutput } = await call(
      `query ($id: ID!) {
         task(id: $id) { worktree { path } }
         taskOutput(taskId: $id, first: 50) { nodes { type content } } }`,
      { id },
    );
    const version = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
    expect(taskOutput.nodes).toEqual(
      ['as 65534:65534 in /nonexistent', version, 'SECRET=of the repository', 'first'].map((content) => ({
        type: 'STDOUT',
        content,
      })),
    );
    expect(await task(id)).toMatchObject({ status: 'DONE', errorMessage: null });
    expect(lstatSync(join(shown.worktree.path, '.env'))).toMatchObject({ uid: 65534, gid: 65534 });

    const { taskDiff, worktreeFile, outside } = await call(
      `query ($id: ID!) {
         taskDiff(taskId: $id) { files { path } }
         worktreeFile(taskId: $id, path: "more.txt") { content }
         outside: worktreeFile(taskId: $id, path: "none") { exists } }`,
      { id },
    );
    expect(taskDiff.files.map(({ path }: { path: string }) => path).sort()).toEqual(['mine.txt', 'more.txt']);
    expect([worktreeFile.content, outside.exists]).toEqual(['more\n', false]);
    const merge =
      'mutation ($id: ID!) { mergeTask(input: { taskId: $id, targetBranch: "main" }) { outcome message } }';
    expect((await call(merge, { id })).mergeTask).toMatchObject({ outcome: 'MERGED' });
    expect(readFileSync(join(repo, 'more.txt'), 'utf8')).toBe('more\n');
  });

  // Most containers: without the capability root cannot look into the environment of others' processes.
  const withoutPtrace = ['setpriv', '--inh-caps=-sys_ptrace', '--bounding-set=-sys_ptrace'];
  it('are ended with all that they started, also by a root that may not look into their processes', async () => {
    const { start, spawnTask, wait, status, task, call, dataDir } = await machine({ before: withoutPtrace });
    await start('--agent-user', NAME);
    const id = await spawnTask(
      `stubborn() { trap '' TERM; touch "$1"; while :; do sleep 1; done; }
       case "$1" in left) stubborn left;; esac
       stubborn group & setsid sh "$0" left &
       until test -e group && test -e left; do sleep 0.1; done
       touch both; wait`,
    );
    await status(id, 'RUNNING');
    const copy = await copyOf(call, id);
    await appears(join(copy, 'both'));
    expect(processesWith(id).length).toBeGreaterThan(2);
    await call('mutation ($id: ID!) { cancelTask(input: { taskId: $id }) { task { status } } }', { id });
    await wait(id);
    expect(processesWith(id)).toEqual([]);
    expect(await task(id)).toMatchObject({ status: 'CANCELLED' });
    expect((await task(id)).checkpoints).toHaveLength(1);
    expect(existsSync(join(dataDir, 'plans', `${id}.1.md`))).toBe(false);
  });

  it('get the copies of a daemon that had none, and keep them from one that has another', async () => {
    const { start, spawnTask, wait, call, task, dataDir } = await machine();
    const first = await start();
    const id = await spawnTask('id -u; echo old > old.txt');
    await wait(id);
    const copy = await copyOf(call, id);
    expect(lstatSync(copy).uid).toBe(0);
    first.kill('SIGTERM');
    await once(first, 'exit');
    const second = await start('--agent-user', NAME);
    expect([copy, join(copy, 'old.txt'), join(copy, '.git/HEAD')].map((path) => lstatSync(path).uid)).toEqual(
      [65534, 65534, 65534],
    );
    await call(
      'mutation ($id: ID!) { createCheckpoint(input: { taskId: $id, message: "m" }) { checkpoint { number } } }',
      { id },
    );
    expect(await task(id)).toMatchObject({ status: 'DONE', outputSummary: '0' });
    second.kill('SIGTERM');
    await once(second, 'exit');
    expect(await refusalOf(dataDir, null)).toMatch(/belong to nobody/);
  });

  it('are refused by a daemon that is not root, with what to do', async () => {
    const { root, keyFile } = await machine();
    chownSync(keyFile, 65534, 65534);
    const args = [CLI, 'daemon', '--server', server.url, '--key-file', keyFile, '--data-dir', `${root}/x`];
    const env = { PATH: process.env.PATH, TASKMESH_AGENT_USER: NAME };
    chmodSync(root, 0o777);
    const child = spawn(process.execPath, args, { env, uid: 65534, gid: 65534 });
    let said = '';
    child.stderr.on('data', (chunk) => (said += chunk));
    expect((await once(child, 'exit'))[0]).not.toBe(0);
    expect(said).toMatch(/Only a daemon started as root can run agents as nobody/);
  });

  it.each([
    ['does not exist', 'no-such-user', /no user no-such-user/],
    ['has a name that none can have', '-G', /no user -G/],
    ['is given by number', '65534', /no user 65534/],
    ['is root', 'root', /root/],
  ])('are refused a user who %s', async (_, name, message) => {
    await expect(findAgentUser(name)).rejects.toThrow(message);
  });

  const spoil = (change: (root: string) => void) => (root: string) => {
    change(root);
    return {};
  };
  const places: [string, (root: string) => Partial<Place>, RegExp][] = [
    ['they cannot reach', spoil((root) => chmodSync(root, 0o700)), /cannot reach .* is closed/],
    ['they could put another in the place of', spoil((root) => chmodSync(root, 0o777)), /in the place of/],
    ['lies in what is theirs', spoil((root) => chownSync(root, 65534, 65534)), /in the place of/],
    ['is theirs', spoil((root) => chownSync(join(root, 'data'), 65534, 65534)), /does not belong to root/],
    [
      'is beside a key that they can read',
      (root) => {
        writeFileSync(join(root, 'key'), 'k', { mode: 0o644 });
        return { keyFile: join(root, 'key') };
      },
      /can read the daemon's key/,
    ],
    [
      'has a command for them that they could change',
      (root) => {
        writeFileSync(join(root, 'cli'), '');
        chownSync(join(root, 'cli'), 65534, 0);
        return { cliPath: { execPath: process.execPath, entry: join(root, 'cli') } };
      },
      /could change/,
    ],
    [
      'has a command for them that they cannot read',
      () => ({ cliPath: { execPath: process.execPath, entry: '/nonexistent' } }),
      /cannot read/,
    ],
  ];
  it.each(places)('are refused a data directory that %s', async (_, make, message) => {
    const root = scratch();
    chmodSync(root, 0o711);
    const dataDir = join(root, 'data');
    mkdirSync(dataDir, { mode: 0o700 });
    const place = make(root);
    expect(await refusalOf(dataDir, await findAgentUser(NAME), place)).toMatch(message);
    expect(lstatSync(dataDir).mode & 0o777).toBe(0o700);
  });
});

type Place = Pick<Parameters<typeof prepareDataDirectory>[0], 'cliPath' | 'keyFile'>;

async function refusalOf(dataDir: string, user: AgentUser | null, place: Partial<Place> = {}) {
  const cliPath = { execPath: process.execPath, entry: CLI };
  const asked = prepareDataDirectory({ dataDir, paths: dataPaths(dataDir), cliPath, ...place }, user);
  return asked.then(
    () => 'not refused',
    (error: Error) => error.message,
  );
}

type Call = Awaited<ReturnType<typeof world>>['call'];

/** Where the working copy of a task is that has been started. */
async function copyOf(call: Call, id: string): Promise<string> {
  const { task } = await call('query ($id: ID!) { task(id: $id) { worktree { path } } }', { id });
  return task.worktree.path;
}
