import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Answer, Api, eventually } from '../support/api.ts';
import { createTestDatabase } from '../support/database.ts';
import { FakeGitHub } from '../support/github.ts';
import { git, Program, repository, temporaryDirectory } from '../support/processes.ts';

/*
 * Files, branches and pull requests with real processes: a server, a daemon, git, supervisors that are shell scripts,
 * and a GitHub Enterprise server of the test's own.
 */
const directory = temporaryDirectory();
const github = await FakeGitHub.start(directory);
let api: Api;
let url: string;
const daemons: Program[] = [];

async function startDaemon(
  name: string,
  env: Record<string, string>,
  given?: string,
): Promise<{ daemon: Program; key: string }> {
  const key = given ?? (await api.mutate('createKey', { kind: 'DAEMON', name }, 'key')).key;
  const flags = [
    '--server',
    url,
    '--name',
    name,
    '--local-path',
    directory,
    '--data-dir',
    join(directory, name),
  ];
  const daemon = new Program(['daemon', ...flags, '--log-level', 'debug'], {
    TASKMESH_DAEMON_KEY: key,
    ...env,
  });
  daemons.push(daemon);
  await daemon.printed(/connected/);
  return { daemon, key };
}

const hub = () => ({ TASKMESH_GITHUB_TOKEN: github.token, TASKMESH_GITHUB_URL: `${github.url}/api/v3/` });

beforeAll(async () => {
  const database = await createTestDatabase();
  const env = {
    TASKMESH_DATA_DIR: database.dataDir,
    ...(database.databaseUrl ? { DATABASE_URL: database.databaseUrl } : {}),
  };
  const server = new Program(['serve', '--port', '0'], env);
  [, url = ''] = await server.printed(/GraphQL at (\S+)/);
  api = new Api(url, readFileSync(join(database.dataDir, 'key'), 'utf8').trim());
  await startDaemon('machine', hub());
});

interface Supervisor {
  contractId: string;
  id: string;
  branch: string;
  /** Its working copy. */
  path: string;
}

/** Opens a contract whose supervisor does what the plan says, and then waits. */
async function supervise(repo: object, plan: string, more: object = {}): Promise<Supervisor> {
  const supervisorPlan = `set -eu\n${plan}\necho ready\nwhile [ ! -e stop ]; do sleep 0.2; done\n`;
  const input = { name: 'Branches', agent: 'shell', supervisorPlan, repositories: [repo], ...more };
  const { contract, supervisor } = await api.mutate(
    'createContract',
    input,
    'contract { id } supervisor { id }',
  );
  await said(supervisor.id, /^ready$/);
  // An agent may be heard before its daemon's report of where it works.
  const worktree = await eventually(async () => {
    const query = 'query($id: ID!) { task(id: $id) { worktree { branch path } } }';
    const { task } = await api.ask(query, { id: supervisor.id });
    return task.worktree.path && task.worktree;
  });
  return { contractId: contract.id, id: supervisor.id, ...worktree };
}

/** Waits for a line of a task's output. @returns it */
async function said(id: string, pattern: RegExp): Promise<string> {
  const lines = await api
    .subscribe('subscription($id: ID!) { taskOutput(taskId: $id, afterSequence: 0) { content } }', { id })
    .until((received) => received.some(({ content }) => pattern.test(content)));
  return lines.find(({ content }) => pattern.test(content)).content;
}

function origin(name: string): string {
  const parent = join(directory, name);
  mkdirSync(parent);
  return repository(parent);
}

const tip = (path: string, branch: string): string =>
  git(path, 'for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`);

describe('worktreeFile', () => {
  const FILE = `query($taskId: ID!, $path: String!) { worktreeFile(taskId: $taskId, path: $path) {
    path exists content encoding size truncated } }`;
  const PLAN = `printf 'not saved' > draft.txt
printf '\\000\\001\\377' > bytes; : > empty; printf 'a\\377' > latin
printf 'sp ace' > 'a name.txt'; mkdir dir; printf deep > dir/deep.txt; ln -s dir/deep.txt inside
head -c 1048575 /dev/zero | tr '\\0' x > big; printf 'éé' >> big
head -c 2000000 /dev/zero > zeros
ln -s /etc/passwd passwd; ln -s /etc etc; ln -s ../.. up; ln -s .git gitlink; ln -s nowhere dangling; ln -s loop loop
mkfifo pipe; chmod 000 empty; chmod 600 empty
taskmesh supervisor file "$TASKMESH_TASK_ID" draft.txt > ../from-cli
taskmesh task file "$TASKMESH_TASK_ID" bytes | od -An -tx1
taskmesh task file "$TASKMESH_TASK_ID" passwd || echo "passwd: $?"
taskmesh task file "$TASKMESH_TASK_ID" missing || echo "missing: $?"`;
  let supervisor: Supervisor;
  const read = async (path: string) => (await api.ask(FILE, { taskId: supervisor.id, path })).worktreeFile;

  beforeAll(async () => {
    supervisor = await supervise({ localPath: origin('files') }, PLAN);
  });

  test.each([
    ['draft.txt', { content: 'not saved', encoding: 'UTF8', size: 9 }],
    ['./dir//deep.txt', { content: 'deep', encoding: 'UTF8', size: 4 }],
    ['inside', { content: 'deep', encoding: 'UTF8', size: 4 }],
    ['a name.txt', { content: 'sp ace', encoding: 'UTF8', size: 6 }],
    ['empty', { content: '', encoding: 'UTF8', size: 0 }],
    ['bytes', { content: 'AAH/', encoding: 'BASE64', size: 3 }],
    ['latin', { content: 'Yf8=', encoding: 'BASE64', size: 2 }],
  ])('%s is told as it is now', async (path, file) => {
    expect(await read(path)).toEqual({ path, exists: true, truncated: false, ...file });
  });

  test('at most a MiB is read, and no character is cut in two', async () => {
    const { content, ...big } = await read('big');
    expect(big).toEqual({ path: 'big', exists: true, encoding: 'UTF8', size: 1_048_579, truncated: true });
    expect(content === 'x'.repeat(1_048_575)).toBe(true);
    const zeros = await read('zeros');
    expect(zeros).toMatchObject({ encoding: 'BASE64', size: 2_000_000, truncated: true });
    expect(Buffer.from(zeros.content, 'base64')).toHaveLength(1_048_576);
  });

  test.each(['missing', 'dir/missing', 'draft.txt/x'])('%s is not there', async (path) => {
    expect(await read(path)).toEqual({
      path,
      exists: false,
      content: null,
      encoding: 'UTF8',
      size: 0,
      truncated: false,
    });
  });

  test.each([
    'passwd',
    'etc/passwd',
    'up/x',
    'gitlink/config',
    'dangling',
    'loop',
    'pipe',
    'dir',
    '.',
    '.git/config',
    'dir/../../x',
    '/etc/passwd',
    'a\0b',
  ])('%j is FORBIDDEN_PATH', async (path) => {
    expect((await api.refused(FILE, { taskId: supervisor.id, path })).code).toBe('FORBIDDEN_PATH');
  });

  test('the command line writes the bytes, and says by its code what was wrong', async () => {
    expect(readFileSync(join(supervisor.path, '../from-cli'), 'utf8')).toBe('not saved');
    expect(await said(supervisor.id, /^ 00 01/)).toBe(' 00 01 ff');
    expect(await said(supervisor.id, /^passwd: /)).toBe('passwd: 3');
    expect(await said(supervisor.id, /^missing: /)).toBe('missing: 4');
  });
});

describe('createBranch', () => {
  const FIELDS = 'branchName commitSha pending';
  const create = (contractId: string, branchName: string, fromRef?: string) =>
    api.mutate('createBranch', { contractId, branchName, fromRef }, FIELDS);
  const PLAN = 'echo 1 > one.txt; git add .; git commit -qm One; echo draft > draft.txt';
  const repo = origin('local');
  let supervisor: Supervisor;

  beforeAll(async () => {
    git(repo, 'branch', 'develop', 'main~1');
    supervisor = await supervise({ localPath: repo }, `${PLAN}\ntaskmesh supervisor branch by-the-agent`);
  });

  test('is made at what is committed, in the copy and in the repository, beside all checkouts', async () => {
    const committed = tip(supervisor.path, supervisor.branch);
    expect(await create(supervisor.contractId, 'release/1')).toEqual({
      branchName: 'release/1',
      commitSha: committed,
      pending: false,
    });
    for (const path of [supervisor.path, repo]) {
      expect(tip(path, 'release/1')).toBe(committed);
      expect(tip(path, 'by-the-agent')).toBe(committed);
    }
    expect(git(supervisor.path, 'status', '--porcelain')).toBe('?? draft.txt');
    expect(git(supervisor.path, 'symbolic-ref', 'HEAD')).toBe(`refs/heads/${supervisor.branch}`);
    expect(git(repo, 'symbolic-ref', 'HEAD')).toBe('refs/heads/main');
    expect(git(repo, 'status', '--porcelain')).toBe('');
    expect(await said(supervisor.id, /^by-the-agent is at /)).toBe(`by-the-agent is at ${committed}`);
  });

  test('the same again is the same; at another commit it is refused, naming both', async () => {
    const made = await create(supervisor.contractId, 'again', 'main');
    expect(await create(supervisor.contractId, 'again', 'main')).toEqual(made);
    const other = git(repo, 'rev-parse', 'develop');
    const refusal = await api.mutationRefused('createBranch', {
      contractId: supervisor.contractId,
      branchName: 'again',
      fromRef: 'develop',
    });
    expect(refusal).toMatchObject({ code: 'INVALID_INPUT', field: 'branchName' });
    expect(refusal.message).toContain(made.commitSha);
    expect(refusal.message).toContain(other);
    expect([tip(repo, 'again'), tip(supervisor.path, 'again')]).toEqual([made.commitSha, made.commitSha]);
  });

  test('one that only the copy or only the repository has counts, too', async () => {
    const [main, develop] = [tip(repo, 'main'), tip(repo, 'develop')];
    git(supervisor.path, 'branch', 'in-copy', main);
    git(repo, 'branch', 'in-repository', main);
    for (const [name, place] of [
      ['in-copy', repo],
      ['in-repository', supervisor.path],
    ] as const) {
      const input = { contractId: supervisor.contractId, branchName: name, fromRef: develop };
      expect((await api.mutationRefused('createBranch', input)).field).toBe('branchName');
      expect(tip(place, name)).toBe('');
      expect((await create(supervisor.contractId, name, main)).commitSha).toBe(main);
      expect(tip(place, name)).toBe(main);
    }
  });

  test('starts at a branch or a full commit id, and at nothing else', async () => {
    const main = tip(repo, 'main');
    const { contractId, path } = supervisor;
    writeFileSync(join(path, 'loose.txt'), 'loose');
    git(path, 'checkout', '-q', '--detach');
    git(path, 'add', 'loose.txt');
    git(path, 'commit', '-qm', 'Loose');
    const loose = git(path, 'rev-parse', 'HEAD');
    git(path, 'checkout', '-q', supervisor.branch);
    expect((await create(contractId, 'from-branch', 'main')).commitSha).toBe(main);
    expect((await create(contractId, 'from-id', main)).commitSha).toBe(main);
    // Of the copy alone, so far.
    expect((await create(contractId, 'from-loose', loose)).commitSha).toBe(loose);
    expect(git(repo, 'log', '-1', '--format=%s', 'from-loose')).toBe('Loose');
    for (const fromRef of [
      'nowhere',
      'f'.repeat(40),
      main.slice(0, 10),
      '--upload-pack=x',
      'main~1',
      'HEAD',
    ]) {
      const refusal = await api.mutationRefused('createBranch', { contractId, branchName: 'never', fromRef });
      expect(refusal, fromRef).toMatchObject({ code: 'INVALID_INPUT', field: 'fromRef' });
    }
    expect([tip(repo, 'never'), tip(path, 'never')]).toEqual(['', '']);
  });

  test.each(['--upload-pack=x', '-x', 'a..b', 'main/below', 'HEAD'])(
    '%s is not taken for a name',
    async (branchName) => {
      const before = [git(repo, 'for-each-ref'), git(supervisor.path, 'for-each-ref')];
      const refusal = await api.mutationRefused('createBranch', {
        contractId: supervisor.contractId,
        branchName,
      });
      expect(refusal).toMatchObject({ code: 'INVALID_INPUT', field: 'branchName' });
      expect([git(repo, 'for-each-ref'), git(supervisor.path, 'for-each-ref')]).toEqual(before);
    },
  );

  test('is pushed to a URL, and in a local-only contract stays in the copy', async () => {
    const bare = join(directory, 'remote.git');
    git(directory, 'clone', '-q', '--bare', origin('for-remote'), 'remote.git');
    const remote = { url: `file://${encodeURI(bare)}` };
    const open = await supervise(remote, PLAN);
    const made = await create(open.contractId, 'shared');
    expect([tip(bare, 'shared'), tip(open.path, 'shared')]).toEqual([made.commitSha, made.commitSha]);
    const closed = await supervise(remote, PLAN, { localOnly: true });
    const kept = await create(closed.contractId, 'kept');
    expect([tip(bare, 'kept'), tip(closed.path, 'kept')]).toEqual(['', kept.commitSha]);
    // What the repository refuses is not left in the copy either.
    writeFileSync(join(bare, 'hooks/pre-receive'), '#!/bin/sh\necho not today >&2; exit 1\n', {
      mode: 0o755,
    });
    const refusal = await api.mutationRefused('createBranch', {
      contractId: open.contractId,
      branchName: 'hooked',
    });
    expect(refusal.code).toBe('COMMAND_FAILED');
    expect([tip(bare, 'hooked'), tip(open.path, 'hooked')]).toEqual(['', '']);
  });
});

describe('createPullRequest', () => {
  const FIELDS = 'url number created pending';
  const COMMIT = 'echo 1 > one.txt; git add .; git commit -qm One; echo draft > draft.txt';
  const create = (contractId: string, branch: string, more: object = {}) =>
    api.mutate('createPullRequest', { contractId, branch, title: `About ${branch}`, ...more }, FIELDS);
  const refuse = (contractId: string, branch: string, more: object = {}) =>
    api.mutationRefused('createPullRequest', { contractId, branch, title: 'x', ...more });
  let supervisor: Supervisor;
  let remote: string;

  beforeAll(async () => {
    const from = origin('acme-source');
    mkdirSync(join(directory, 'acme'));
    const url = github.create('acme/one', from);
    remote = github.path('acme/one');
    git(remote, 'branch', 'develop');
    supervisor = await supervise({ url }, `${COMMIT}\nenv | sort\ncat "$TASKMESH_PLAN_FILE"`);
  });

  test('pushes the branch and opens it, against the default branch of the remote; again it is the same', async () => {
    const { contractId, branch, path } = supervisor;
    const opened = await create(contractId, branch, { body: 'Because' });
    expect(opened).toEqual({
      url: `${github.url}/acme/one/pull/1`,
      number: 1,
      created: true,
      pending: false,
    });
    expect(github.pulls).toEqual([
      { number: 1, title: `About ${branch}`, body: 'Because', head: branch, base: 'main' },
    ]);
    expect(tip(remote, branch)).toBe(tip(path, branch));
    expect(await create(contractId, branch)).toEqual({ ...opened, created: false });
    // More work on it goes to the same one.
    git(path, 'commit', '-q', '--allow-empty', '-m', 'More');
    expect(await create(contractId, branch)).toEqual({ ...opened, created: false });
    expect(tip(remote, branch)).toBe(tip(path, branch));
    expect(await create(contractId, branch, { baseBranch: 'develop' })).toMatchObject({
      number: 2,
      created: true,
    });
    expect(github.pulls).toHaveLength(2);
  });

  test("a task's branch is pushed from its own copy, one of the repository is there already", async () => {
    const { contractId } = supervisor;
    const input = {
      contractId,
      name: 'Worker',
      plan: 'echo w > w.txt',
      useOwnWorktree: true,
      agent: 'shell',
    };
    const { task } = await api.mutate('spawnTask', input, 'task { id }');
    await api.ask('query($id: ID!) { waitForTask(taskId: $id, timeoutSeconds: 40) { status } }', task);
    const shown = await api.ask('query($id: ID!) { task(id: $id) { worktree { branch } } }', task);
    const { branch } = shown.task.worktree;
    expect(await create(contractId, branch)).toMatchObject({ created: true });
    expect(git(remote, 'show', `${branch}:w.txt`)).toBe('w');

    git(remote, 'branch', 'by-hand', tip(remote, branch));
    expect(await create(contractId, 'by-hand')).toMatchObject({ created: true });
  });

  test('a branch that the remote has gone on with is left as it is there; one that went another way is refused', async () => {
    const { contractId, path } = supervisor;
    git(path, 'branch', 'ahead');
    await create(contractId, 'ahead');
    const theirs = git(
      remote,
      'commit-tree',
      '-p',
      tip(remote, 'ahead'),
      '-m',
      'Theirs',
      `${tip(remote, 'ahead')}^{tree}`,
    );
    git(remote, 'update-ref', 'refs/heads/ahead', theirs);
    expect(await create(contractId, 'ahead')).toMatchObject({ created: false });
    git(path, 'branch', '-f', 'ahead', git(path, 'commit-tree', '-p', 'ahead', '-m', 'Ours', 'ahead^{tree}'));
    expect((await refuse(contractId, 'ahead')).code).toBe('TARGET_MOVED');
    expect(tip(remote, 'ahead')).toBe(theirs);
  });

  test('what is refused says why and what to do', async () => {
    const { contractId, path } = supervisor;
    expect(await refuse(contractId, 'nowhere')).toMatchObject({ code: 'INVALID_INPUT', field: 'branch' });
    expect(await refuse(contractId, 'main')).toMatchObject({ code: 'INVALID_INPUT', field: 'branch' });
    git(path, 'branch', 'nothing-new', 'origin/main');
    const empty = await refuse(contractId, 'nothing-new');
    expect(empty).toMatchObject({
      code: 'COMMAND_FAILED',
      message: expect.stringContaining('No commits between main and nothing-new'),
    });
    const baseless = await refuse(contractId, supervisor.branch, { baseBranch: 'no-such-base' });
    expect(baseless.message).toContain('base invalid');
    const elsewhere = await supervise({ url: `file://${encodeURI(remote)}` }, COMMIT);
    const refusal = await refuse(elsewhere.contractId, elsewhere.branch);
    expect(refusal).toMatchObject({
      code: 'COMMAND_FAILED',
      message: expect.stringContaining('HOST/OWNER/REPO'),
    });
  });

  test('after a crash in the middle there is one pull request, and it is the answer', async () => {
    const { key, daemon } = await startDaemon('crashing', hub());
    await api.mutate('drainDaemon', { daemonId: await idOf('machine') }, 'daemon { id }');
    const url = github.create('acme/crash', origin('crash-source'));
    const victim = await supervise({ url }, COMMIT);
    github.silent = true;
    const before = github.pulls.length;
    const opening = create(victim.contractId, victim.branch);
    await eventually(() => github.pulls.length > before);
    await daemon.stop('SIGKILL');
    github.silent = false;
    await startDaemon('crashing', hub(), key);
    expect(await opening).toMatchObject({ number: before + 1, created: false, pending: false });
    expect(github.pulls).toHaveLength(before + 1);
  });

  test.each([
    ['no token', {}, /Set TASKMESH_GITHUB_TOKEN/],
    [
      'a token that GitHub does not take',
      { TASKMESH_GITHUB_TOKEN: 'ghp_wrong' },
      /does not take the daemon's token/,
    ],
    [
      'a token for another GitHub',
      { TASKMESH_GITHUB_TOKEN: 'ghp_wrong', TASKMESH_GITHUB_URL: '' },
      /TASKMESH_GITHUB_URL/,
    ],
  ])('with %s nothing is pushed', async (name, env, message) => {
    const { key } = await startDaemon(name.replaceAll(' ', '-'), {
      TASKMESH_GITHUB_URL: `${github.url}/api/v3`,
      ...env,
    });
    expect(key).not.toBe('');
    for (const other of ['machine', 'crashing'])
      await api.mutate('drainDaemon', { daemonId: await idOf(other) }, 'daemon { id }');
    const repo = `acme/${name.replaceAll(' ', '-')}`;
    const poor = await supervise(
      { url: github.create(repo, join(directory, 'acme-source/repository')) },
      COMMIT,
    );
    const refusal = await refuse(poor.contractId, poor.branch, { baseBranch: 'main' });
    expect(refusal).toMatchObject({ code: 'COMMAND_FAILED', message: expect.stringMatching(message) });
    expect(tip(github.path(repo), poor.branch)).toBe('');
    await daemons.at(-1)?.stop();
  });

  test('every request fits the description that GitHub publishes', () => {
    expect(github.requests).toContain('POST /repos/acme/one/pulls');
    expect(github.complaints).toEqual([]);
  });

  test('the token is nowhere but with the daemon: not with agents, in working copies, or in what is logged', async () => {
    await said(supervisor.id, /^TASKMESH_TASK_ID=/);
    const lines: Answer[] = await api
      .subscribe(
        'subscription($id: ID!) { taskOutput(taskId: $id, afterSequence: 0) { content } }',
        supervisor,
      )
      .count(5);
    const basic = Buffer.from(`x-access-token:${github.token}`).toString('base64');
    for (const secret of [github.token, basic]) {
      expect(JSON.stringify(lines)).not.toContain(secret);
      expect(daemons.map(({ output }) => output).join()).not.toContain(secret);
      expect(() =>
        git(directory, 'grep', '-rlF', '--no-index', secret, '--', 'machine', 'crashing'),
      ).toThrow();
    }
  });
});

async function idOf(name: string): Promise<string> {
  const { daemons: all } = await api.ask('{ daemons { id name } }');
  return all.find((daemon: Answer) => daemon.name === name).id;
}
