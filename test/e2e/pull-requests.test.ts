import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Answer, eventually } from '../support/api.ts';
import { git } from '../support/processes.ts';
import { RepositoryWorld, type Supervisor, tip } from '../support/repository-world.ts';

/* Pull requests with real processes, and a GitHub Enterprise server of the test's own. */
const world = await RepositoryWorld.start();
const { api, directory, github } = world;

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
    const from = world.origin('acme-source');
    mkdirSync(join(directory, 'acme'));
    const url = github.create('acme/one', from);
    remote = github.path('acme/one');
    git(remote, 'branch', 'develop');
    supervisor = await world.supervise({ url }, `${COMMIT}\nenv | sort\ncat "$TASKMESH_PLAN_FILE"`);
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

  test("a task's branch on another machine is pushed by its last checkpoint, from the supervisor's machine", async () => {
    const { contractId } = supervisor;
    const { daemon } = await world.startDaemon('second', {});
    const machine = await world.daemonId('machine');
    await api.mutate('drainDaemon', { daemonId: machine, draining: true }, 'daemon { id }');
    const input = {
      contractId,
      name: 'Away',
      plan: 'echo far > far.txt',
      useOwnWorktree: true,
      agent: 'shell',
    };
    const { task } = await api.mutate('spawnTask', input, 'task { id }');
    await api.ask('query($id: ID!) { waitForTask(taskId: $id, timeoutSeconds: 40) { status } }', task);
    await api.mutate('drainDaemon', { daemonId: machine, draining: false }, 'daemon { id }');
    await daemon.stop();
    const query =
      'query($id: ID!) { task(id: $id) { status daemon { name } worktree { branch } checkpoints { commitSha } } }';
    const shown = (await api.ask(query, task)).task;
    expect([shown.status, shown.daemon.name]).toEqual(['DONE', 'second']);
    expect(await create(contractId, shown.worktree.branch)).toMatchObject({ created: true });
    expect(tip(remote, shown.worktree.branch)).toBe(shown.checkpoints[0].commitSha);
    expect(git(remote, 'show', `${shown.worktree.branch}:far.txt`)).toBe('far');
    expect(await create(contractId, shown.worktree.branch)).toMatchObject({ created: false });
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
    const elsewhere = await world.supervise({ url: `file://${encodeURI(remote)}` }, COMMIT);
    const refusal = await refuse(elsewhere.contractId, elsewhere.branch);
    expect(refusal).toMatchObject({
      code: 'COMMAND_FAILED',
      message: expect.stringContaining('HOST/OWNER/REPO'),
    });
  });

  test('after a crash in the middle there is one pull request, and it is the answer', async () => {
    const { key, daemon } = await world.startDaemon('crashing', world.hub());
    await api.mutate('drainDaemon', { daemonId: await world.daemonId('machine') }, 'daemon { id }');
    const url = github.create('acme/crash', world.origin('crash-source'));
    const victim = await world.supervise({ url }, COMMIT);
    github.silent = true;
    const before = github.pulls.length;
    const opening = create(victim.contractId, victim.branch);
    await eventually(() => github.pulls.length > before);
    await daemon.stop('SIGKILL');
    github.silent = false;
    await world.startDaemon('crashing', world.hub(), key);
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
    const { key } = await world.startDaemon(name.replaceAll(' ', '-'), {
      TASKMESH_GITHUB_URL: `${github.url}/api/v3`,
      ...env,
    });
    expect(key).not.toBe('');
    for (const other of ['machine', 'crashing'])
      await api.mutate('drainDaemon', { daemonId: await world.daemonId(other) }, 'daemon { id }');
    const repo = `acme/${name.replaceAll(' ', '-')}`;
    const poor = await world.supervise(
      { url: github.create(repo, join(directory, 'acme-source/repository')) },
      COMMIT,
    );
    const refusal = await refuse(poor.contractId, poor.branch, { baseBranch: 'main' });
    expect(refusal).toMatchObject({ code: 'COMMAND_FAILED', message: expect.stringMatching(message) });
    expect(tip(github.path(repo), poor.branch)).toBe('');
    await world.daemons.at(-1)?.stop();
  });

  test('every request fits the description that GitHub publishes', () => {
    expect(github.requests).toContain('POST /repos/acme/one/pulls');
    expect(github.complaints).toEqual([]);
  });

  test('the token is nowhere but with the daemon: not with agents, in working copies, or in what is logged', async () => {
    await world.said(supervisor.id, /^TASKMESH_TASK_ID=/);
    const lines: Answer[] = await api
      .subscribe(
        'subscription($id: ID!) { taskOutput(taskId: $id, afterSequence: 0) { content } }',
        supervisor,
      )
      .count(5);
    const basic = Buffer.from(`x-access-token:${github.token}`).toString('base64');
    for (const secret of [github.token, basic]) {
      expect(JSON.stringify(lines)).not.toContain(secret);
      expect(world.daemons.map(({ output }) => output).join()).not.toContain(secret);
      expect(() =>
        git(directory, 'grep', '-rlF', '--no-index', secret, '--', 'machine', 'crashing'),
      ).toThrow();
    }
  });
});
