import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { issueCommand } from '../../src/daemons/command.service.ts';
import { type Id, toUuid } from '../../src/platform/ids.ts';
import type { Restore } from '../../src/platform/protocol.ts';
import { transact } from '../../src/platform/transaction.ts';
import { type Answer, eventually } from '../support/api.ts';
import { git, Program, repository, temporaryDirectory } from '../support/processes.ts';
import { startTestServer } from '../support/server.ts';
import { rowsOf } from '../support/snapshot.ts';

/*
 * A supervisor on one machine and tasks on another: two daemon programs, each with a directory of its own and no access to
 * the other's. They share the server and the URL of the repository. The tests follow the life of one contract.
 */
const { api, server } = await startTestServer();
const directory = temporaryDirectory();
const LINES = 'one\ntwo\nthree\nfour\nfive\nsix\n';
const source = repository(directory, { 'list.txt': LINES, '.gitignore': '.env\n' });
const bare = join(directory, 'remote.git');
git(directory, 'clone', '-q', '--bare', source, bare);
const url = `file://${encodeURI(bare)}`;

class Machine {
  readonly name: string;
  readonly dataDir: string;
  id = '';
  key = '';
  program!: Program;

  constructor(name: string) {
    this.name = name;
    this.dataDir = join(directory, name);
  }

  async start(...more: string[]): Promise<void> {
    this.key ||= (await api.mutate('createKey', { kind: 'DAEMON', name: this.name }, 'key')).key;
    const where = [
      '--local-path',
      join(directory, 'local'),
      // The remote is a directory of this machine, which a daemon uses only when it may.
      '--local-path',
      bare,
      '--data-dir',
      this.dataDir,
      '--log-level',
      'debug',
    ];
    const flags = ['daemon', '--server', api.url, '--name', this.name, ...where, ...more];
    this.program = new Program(flags, { TASKMESH_DAEMON_KEY: this.key });
    this.id = (await this.program.printed(/\((daemon_\w+)\) is connected/))[1] ?? '';
  }

  drain(draining: boolean): Promise<Answer> {
    return api.mutate('drainDaemon', { daemonId: this.id, draining }, 'daemon { status }');
  }

  /** Cleans up by hand. @returns what it says */
  async gc(...flags: string[]): Promise<{ code: number | null; output: string }> {
    const words = ['daemon', 'gc', '--server', api.url, '--data-dir', this.dataDir, ...flags];
    const program = new Program(words, { TASKMESH_DAEMON_KEY: this.key });
    await eventually(() => !program.running, 30_000);
    return { code: program.child.exitCode, output: program.output };
  }
}
const [one, two] = [new Machine('one'), new Machine('two')];
const target = join(directory, 'local', 'target');

const TASK = `query($id: ID!) { task(id: $id) { status errorMessage worktree { id branch path baseSha }
  checkpoints { id number message commitSha } daemon { name } } }`;
const taskOf = async (id: string): Promise<Answer> => (await api.ask(TASK, { id })).task;
const MERGE = 'outcome commitSha message task { status } conflicts { path hunks tasks { id } }';
const DIFF = 'query($id: ID!) { taskDiff(taskId: $id) { patch files { path } checkpoint { number } } }';
const FILE = `query($id: ID!, $path: String!) { worktreeFile(taskId: $id, path: $path) {
  exists content checkpoint { number } } }`;
const OUTPUT = 'subscription($id: ID!) { taskOutput(taskId: $id, afterSequence: 0) { content type } }';

let contractId: string;
let supervisorId: string;
let supervised: string;

async function run(on: Machine, name: string, plan: string, more: object = {}): Promise<string> {
  await (on === one ? two : one).drain(true);
  const input = { contractId, name, plan, useOwnWorktree: true, agent: 'shell', ...more };
  const { task } = await api.mutate('spawnTask', input, 'task { id }');
  await api.ask('query($id: ID!) { waitForTask(taskId: $id, timeoutSeconds: 40) { status } }', task);
  await (on === one ? two : one).drain(false);
  const ended = await taskOf(task.id);
  expect([ended.status, ended.errorMessage, ended.daemon?.name]).toEqual(['DONE', null, on.name]);
  return task.id;
}

const said = async (id: string, pattern: RegExp): Promise<string> => {
  const lines = await api
    .subscribe(OUTPUT, { id })
    .until((all) => all.some(({ content }) => pattern.test(content)));
  return lines.find(({ content }) => pattern.test(content)).content;
};

beforeAll(async () => {
  mkdirSync(join(directory, 'local'));
  git(directory, 'clone', '-q', bare, target);
  await one.start();
  const plan = 'echo ready; while [ ! -e ../stop ]; do sleep 0.2; done';
  const input = { name: 'Two machines', agent: 'shell', supervisorPlan: plan, repositories: [{ url }] };
  const made = await api.mutate('createContract', input, 'contract { id } supervisor { id }');
  contractId = made.contract.id;
  supervisorId = made.supervisor.id;
  await said(supervisorId, /^ready$/);
  supervised = await eventually(async () => (await taskOf(supervisorId)).worktree.path);
  await two.start();
}, 60_000);

describe('a branch on another machine', () => {
  let first: string;

  test("is merged into the supervisor's working copy by its last checkpoint, after a dry run that does nothing", async () => {
    first = await run(
      two,
      'First',
      `sed -i s/two/TWO/ list.txt; printf '\\000\\377' > bytes; printf x > run.sh; chmod 755 run.sh; : > empty; git mv .gitignore ignored; ln -s /etc/passwd link; cp -r .git/refs refs`,
    );
    writeFileSync(join(supervised, 'loose.txt'), 'of the supervisor');
    const before = [git(supervised, 'rev-parse', 'HEAD'), git(supervised, 'status', '--porcelain')];
    const trial = await api.mutate('mergeTask', { taskId: first, dryRun: true }, MERGE);
    expect(trial).toMatchObject({ outcome: 'MERGED', commitSha: null, task: { status: 'DONE' } });
    expect([git(supervised, 'rev-parse', 'HEAD'), git(supervised, 'status', '--porcelain')]).toEqual(before);

    const merged = await api.mutate('mergeTask', { taskId: first }, MERGE);
    expect(merged).toMatchObject({ outcome: 'MERGED', task: { status: 'MERGED' } });
    const [last] = (await taskOf(first)).checkpoints.slice(-1);
    expect(git(supervised, 'rev-parse', 'HEAD', 'HEAD^2')).toBe(`${merged.commitSha}\n${last.commitSha}`);
    expect(readFileSync(join(supervised, 'list.txt'), 'utf8')).toBe(LINES.replace('two', 'TWO'));
    expect(readFileSync(join(supervised, 'loose.txt'), 'utf8')).toBe('of the supervisor');
    expect(git(supervised, 'ls-files', '--stage', 'run.sh', 'empty')).toMatch(/^100644 e69de29.*\n100755 /);
    expect(await api.mutate('mergeTask', { taskId: first }, MERGE)).toMatchObject({ outcome: 'UP_TO_DATE' });
  });

  test('that conflicts says where, with which tasks, and leaves everything; squashed into a branch it is one commit', async () => {
    const second = await run(two, 'Second', 'sed -i s/two/zwei/ list.txt; echo more > more.txt', {
      baseBranch: 'main',
    });
    const before = [git(supervised, 'rev-parse', 'HEAD'), git(supervised, 'status', '--porcelain')];
    const conflict = await api.mutate('mergeTask', { taskId: second }, MERGE);
    expect(conflict).toMatchObject({ outcome: 'CONFLICT', commitSha: null, task: { status: 'DONE' } });
    const [{ path, hunks, tasks }] = conflict.conflicts;
    expect(path).toBe('list.txt');
    expect(hunks[0]).toMatch(/^<<<<<<< .*TWO.*zwei.*>>>>>>> /s);
    expect(tasks.map(({ id }: Answer) => id).sort()).toEqual([first, second].sort());
    expect([git(supervised, 'rev-parse', 'HEAD'), git(supervised, 'status', '--porcelain')]).toEqual(before);

    const main = git(bare, 'rev-parse', 'main');
    const into = { taskId: second, targetBranch: 'main', squash: true };
    const squashed = await api.mutate('mergeTask', into, MERGE);
    expect(squashed.outcome).toBe('MERGED');
    expect(git(bare, 'rev-list', '--parents', '-1', 'main')).toBe(`${squashed.commitSha} ${main}`);
    expect(git(bare, 'show', 'main:more.txt')).toBe('more');
  });

  test('is where another task starts, with files that git does not have; what is missing is said', async () => {
    writeFileSync(join(supervised, '.env'), 'KEY=secret\n');
    const plan = 'cat .env; cat list.txt; echo mine > mine.txt; git add -A; git status --short';
    const copyFiles = ['.env', 'nowhere.txt'];
    const id = await run(one, 'Further', plan, { branchedFromTaskId: first, copyFiles });
    await said(id, /^KEY=secret$/);
    expect(await said(id, /nowhere/)).toContain('nowhere.txt (it is neither in');
    expect(await said(id, /^A {2}/)).toBe('A  mine.txt');
    const [from] = (await taskOf(first)).checkpoints.slice(-1);
    const { worktree, checkpoints } = await taskOf(id);
    expect(worktree.baseSha).toBe(from.commitSha);
    const { taskDiff } = await api.ask(DIFF, { id });
    expect(taskDiff.files).toEqual([{ path: 'mine.txt' }]);
    expect(git(worktree.path, 'show', '--format=', '--name-only', checkpoints.at(-1).commitSha)).toBe(
      'mine.txt',
    );
  });

  test('is put into a repository of its machine when it is finished; where that cannot be, its output says so', async () => {
    const id = await run(two, 'Delivered', 'echo d > delivered.txt', { targetRepoPath: target });
    const { worktree } = await taskOf(id);
    expect(git(target, 'show', `${worktree.branch}:delivered.txt`)).toBe('d');
    expect(git(target, 'status', '--porcelain', '--branch')).toBe('## main...origin/main');

    for (const [path, why] of [
      [source, 'may not use'],
      [join(directory, 'local'), 'is no git repository'],
    ] as const) {
      const failed = await run(two, 'Not delivered', 'echo d > d.txt', { targetRepoPath: path });
      expect(await said(failed, /could not be put into/)).toContain(why);
      expect((await taskOf(failed)).checkpoints).toHaveLength(1);
    }
  });

  test('from a commit that is nowhere the task is FAILED, and says which', async () => {
    const input = {
      contractId,
      name: 'x',
      plan: 'true',
      useOwnWorktree: true,
      checkpointSha: 'f'.repeat(40),
    };
    const { task } = await api.mutate('spawnTask', input, 'task { id }');
    await api.ask('query($id: ID!) { waitForTask(taskId: $id, timeoutSeconds: 40) { status } }', task);
    expect(await taskOf(task.id)).toMatchObject({
      status: 'FAILED',
      errorMessage: `There is no commit ${'f'.repeat(40)} in this repository`,
    });
  });
});

test('a rewinding goes on after its daemon was killed in the middle, and tells the state before', async () => {
  const save = (message: string) =>
    `taskmesh task checkpoint "$TASKMESH_TASK_ID" --message ${message} > /dev/null`;
  const id = await run(two, 'Rewound', `echo 1 > a.txt\n${save('one')}\necho 2 > a.txt; echo 2 > b.txt`);
  const { worktree, checkpoints } = await taskOf(id);
  writeFileSync(join(worktree.path, 'loose.txt'), 'not saved yet');
  const [to] = checkpoints;
  const [{ base_sha: baseSha, parts }] = (await rowsOf(
    server,
    `select base_sha, parts from checkpoint where commit_sha = '${to.commitSha}'`,
  )) as [{ base_sha: string; parts: number }];
  const checkpoint: Restore = { checkpointId: to.id, number: 1, commitSha: to.commitSha, baseSha, parts };
  const commandId = await transact(server.runtime, async (tx) =>
    issueCommand(tx, {
      daemonId: two.id as Id<'daemon'>,
      taskId: id as Id<'task'>,
      attempt: 1,
      type: 'REWIND_WORKTREE',
      payload: { taskId: id, attempt: 1, worktreeId: worktree.id, checkpoint, toMessageId: null },
    }),
  );
  const before = await eventually(async () =>
    (await taskOf(id)).checkpoints.find(({ message }: Answer) => message.startsWith('Before rewinding')),
  );
  await two.program.stop('SIGKILL');
  await two.start();
  const answered = await eventually(async () => {
    const [row] = await rowsOf<{ status: string; result: Answer; message: string }>(
      server,
      `select status, result, error_message as message from command where id = '${toUuid(commandId)}'`,
    );
    return row?.status === 'ACCEPTED' || row?.status === 'PENDING' ? null : row;
  }, 30_000);
  expect([answered?.status, answered?.message]).toEqual(['COMPLETED', null]);
  expect(answered?.result.checkpointId).toBe(before.id);
  for (const [name, isThere] of Object.entries({ 'a.txt': true, 'b.txt': false, 'loose.txt': false }))
    expect(existsSync(join(worktree.path, name)), name).toBe(isThere);
  expect(readFileSync(join(worktree.path, 'a.txt'), 'utf8')).toBe('1\n');
  const after = (await taskOf(id)).checkpoints.at(-1);
  expect([after.message, after.commitSha]).toEqual(['Back at checkpoint 1', to.commitSha]);
});

test('with its machine gone, what a task did is shown from its last checkpoint, and its files are read elsewhere', async () => {
  const { id } = (
    await api.ask('query($id: ID!) { tasks(contractId: $id) { nodes { id name } } }', { id: contractId })
  ).tasks.nodes.find(({ name }: Answer) => name === 'First');
  const there = (await api.ask(DIFF, { id })).taskDiff;
  await two.program.stop();
  expect((await api.ask(DIFF, { id })).taskDiff).toEqual({ ...there, checkpoint: { number: 1 } });
  const read = (path: string) => api.ask(FILE, { id, path });
  expect((await read('list.txt')).worktreeFile).toEqual({
    exists: true,
    content: LINES.replace('two', 'TWO'),
    checkpoint: { number: 1 },
  });
  expect((await read('nowhere')).worktreeFile).toMatchObject({ exists: false, content: null });
  expect((await api.refused(FILE, { id, path: 'link' })).code).toBe('FORBIDDEN_PATH');
});

test('when the contract is over the disks are cleaned, and what was done can still be looked at', async () => {
  const copies = (machine: Machine) => readdirSync(join(machine.dataDir, 'worktrees')).length;
  writeFileSync(join(supervised, '..', 'stop'), '');
  await api.ask('query($id: ID!) { waitForTask(taskId: $id, timeoutSeconds: 40) { status } }', {
    id: supervisorId,
  });
  const open = JSON.parse((await two.gc('--keep', '0', '--json')).output);
  expect(open.entries.filter(({ removed }: Answer) => removed)).toEqual([]);
  expect(open.entries[0].reason).toContain('is open');

  await api.mutate('completeContract', { contractId, cancelTasks: true }, 'contract { status }');
  const unsaved = (await taskOf(supervisorId)).worktree.path;
  expect(existsSync(join(unsaved, 'loose.txt'))).toBe(true);
  writeFileSync(join(unsaved, 'since.txt'), 'by a person who looked in');
  expect(await one.gc('--keep', '0')).toMatchObject({
    code: 2,
    output: expect.stringMatching(/A daemon runs on/),
  });

  const trial = await two.gc('--keep', '0', '--dry-run');
  expect([trial.code, copies(two)]).toEqual([0, 6]);
  expect(trial.output).toMatch(/^would remove +working copy .* its contract ended 0 days ago$/m);
  const done = await two.gc('--keep', '0');
  expect([done.code, copies(two), readdirSync(join(two.dataDir, 'mirrors'))]).toEqual([0, 0, []]);

  // By itself, when it starts; what no checkpoint holds stays.
  await one.program.stop();
  await one.start('--keep', '0');
  await eventually(() => copies(one) === 1);
  expect(readFileSync(join(unsaved, 'since.txt'), 'utf8')).toContain('a person');

  const { nodes } = (
    await api.ask('query($id: ID!) { tasks(contractId: $id) { nodes { id name } } }', { id: contractId })
  ).tasks;
  const { id } = nodes.find(({ name }: Answer) => name === 'Further');
  const { taskDiff } = await api.ask(DIFF, { id });
  expect(taskDiff).toMatchObject({ files: [{ path: 'mine.txt' }], checkpoint: { number: 1 } });
  const { worktreeFile } = await api.ask(FILE, { id, path: 'mine.txt' });
  expect(worktreeFile).toEqual({ exists: true, content: 'mine\n', checkpoint: { number: 1 } });
});
