import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type Answer, Api } from '../support/api.ts';
import { untilStatus } from '../support/daemon.ts';
import { createTestDatabase } from '../support/database.ts';
import { git, Program, repository, temporaryDirectory } from '../support/processes.ts';

/*
 * The story of the demo, told by real processes: a server, a daemon that takes one task at a time, a supervisor that is
 * a shell script with a tool key, and a git repository.
 */
const directory = temporaryDirectory();
const path = repository(directory);
let api: Api;
let server: Program;

const SUPERVISOR = `set -eu
one=$(taskmesh supervisor spawn --name one --own-worktree --plan 'echo working on one; echo 1 > one.txt; git add one.txt; git commit -qm "Add one"')
two=$(taskmesh supervisor spawn --name two --own-worktree --plan 'echo working on two; echo 2 > two.txt')
notes=$(taskmesh supervisor spawn --name notes --plan 'echo noted > notes.txt')
taskmesh supervisor wait "$one" "$two" "$notes"
taskmesh supervisor diff "$two"
answer=$(taskmesh supervisor ask 'Merge?' --choice yes --choice no)
echo "answer: $answer"
taskmesh supervisor merge "$one"
taskmesh supervisor merge "$two"
taskmesh supervisor complete --summary 'Both are merged'
`;

beforeAll(async () => {
  const database = await createTestDatabase();
  const env = {
    TASKMESH_DATA_DIR: database.dataDir,
    ...(database.databaseUrl ? { DATABASE_URL: database.databaseUrl } : {}),
  };
  server = new Program(['serve', '--port', '0'], env);
  const [, url = ''] = await server.printed(/GraphQL at (\S+)/);
  api = new Api(url, readFileSync(join(database.dataDir, 'key'), 'utf8').trim());
  const { key } = await api.mutate('createKey', { kind: 'DAEMON', name: 'machine' }, 'key');
  const flags = ['--server', url, '--name', 'machine', '--max', '1', '--local-path', directory];
  const daemon = new Program(['daemon', ...flags, '--data-dir', join(directory, 'daemon')], {
    TASKMESH_DAEMON_KEY: key,
  });
  await daemon.printed(/connected/);
});

test('a supervisor script takes a contract from its opening to merged work in the repository', async () => {
  const input = {
    name: 'The story',
    agent: 'shell',
    supervisorPlan: SUPERVISOR,
    repositories: [{ localPath: path, isPrimary: true }],
  };
  const { contract, supervisor } = await api.mutate(
    'createContract',
    input,
    'contract { id } supervisor { id }',
  );
  const EVENTS = `subscription($contractId: ID!, $afterSequence: Int) {
    contractEvents(contractId: $contractId, afterSequence: $afterSequence) {
      __typename sequence eventType
      ... on OutputEntry { task { name } content type }
      ... on TaskCompletedEvent { task { name } status outputSummary }
      ... on MergeFinishedEvent { outcome }
    }
  }`;
  const early = api.subscribe(EVENTS, { contractId: contract.id, afterSequence: 0 });

  const [question] = await api.subscribe('subscription { questionAsked { id question choices } }').count(1);
  expect(question).toMatchObject({ question: 'Merge?', choices: ['yes', 'no'] });
  await api.mutate('answerQuestion', { questionId: question.id, choices: ['yes'] }, 'question { id }');
  await untilStatus(api, supervisor.id, 'DONE').catch((error: unknown) => {
    throw new Error(`${JSON.stringify(early.received.slice(-30), null, 1)}\n${server.output.slice(-2_000)}`, {
      cause: error,
    });
  });

  const isEnd = (event: Answer) => event.eventType === 'TASK_COMPLETED' && event.task.name === 'Supervisor';
  const events = await early.until((received) => received.some(isEnd));
  expect(events.map((event) => event.sequence)).toEqual(events.map((_, index) => index + 1));
  const late = await api
    .subscribe(EVENTS, { contractId: contract.id, afterSequence: 0 })
    .until((received) => received.some(isEnd));
  expect(late).toEqual(events.slice(0, late.length));

  const output = (name: string) =>
    events
      .filter((event) => event.__typename === 'OutputEntry' && event.task.name === name)
      .map((event) => event.content);
  expect(output('one')).toContain('working on one');
  expect(output('two')).toContain('working on two');
  expect(output('Supervisor')).toContain('answer: yes');
  expect(output('Supervisor').join('\n')).toContain('+2');
  for (const name of ['one', 'two', 'notes', 'Supervisor']) {
    const own = events.filter((event) => event.task?.name === name);
    expect(own.at(-1)?.eventType, `the last of ${name} is its completion`).toBe('TASK_COMPLETED');
  }
  expect(
    events.filter((event) => event.eventType === 'MERGE_FINISHED').map((event) => event.outcome),
  ).toEqual(['MERGED', 'MERGED']);

  const { contractTree } = await api.ask(
    `query($contractId: ID!) { contractTree(contractId: $contractId) {
      contract { status summary } nodes { task { name status durationSeconds worktree { branch path } checkpoints { commitSha } } } } }`,
    { contractId: contract.id },
  );
  expect(contractTree.contract).toEqual({ status: 'COMPLETED', summary: 'Both are merged' });
  const byName = Object.fromEntries(contractTree.nodes.map(({ task }: Answer) => [task.name, task]));
  expect(byName).toMatchObject({
    Supervisor: { status: 'DONE' },
    one: { status: 'MERGED' },
    two: { status: 'MERGED' },
    notes: { status: 'DONE' },
  });
  expect(byName.notes.worktree).toEqual(byName.Supervisor.worktree);

  // The work is in the repository, on the supervisor's branch; the person's branch and checkout are as they were.
  const { branch } = byName.Supervisor.worktree;
  const show = (file: string) => git(path, 'show', `${branch}:${file}`);
  expect([show('one.txt'), show('two.txt'), show('notes.txt')]).toEqual(['1', '2', 'noted']);
  expect(git(path, 'log', '--format=%s', branch).split('\n')).toContain('Add one');
  expect(git(path, 'rev-list', '--count', 'main')).toBe('2');
  expect(git(path, 'status', '--porcelain')).toBe('');
  expect(existsSync(join(path, 'one.txt'))).toBe(false);
  expect(byName.two.checkpoints).toHaveLength(1);
}, 90_000);

async function runTask(plan: string, more: object = {}): Promise<Answer> {
  const { contract } = await api.mutate(
    'createContract',
    { name: 'One task', startSupervisor: false, repositories: [{ localPath: path }], ...more },
    'contract { id }',
  );
  const { task } = await api.mutate(
    'spawnTask',
    { contractId: contract.id, name: 'Task', plan, useOwnWorktree: true, agent: 'shell' },
    'task { id }',
  );
  const { waitForTask } = await api.ask(
    'query($id: ID!) { waitForTask(taskId: $id, timeoutSeconds: 40) { status completed outputSummary errorMessage task { id } } }',
    { id: task.id },
  );
  return waitForTask;
}

test('a plan that exits with 3 is FAILED and says so', async () => {
  const result = await runTask('echo trying\nexit 3');
  expect(result).toMatchObject({
    status: 'FAILED',
    completed: true,
    errorMessage: expect.stringContaining('3'),
  });
});

test('a repository that is not there fails the task with what to do', async () => {
  const result = await runTask('true', { repositories: [{ localPath: join(directory, 'nowhere') }] });
  expect(result).toMatchObject({ status: 'FAILED', errorMessage: expect.stringContaining('nowhere') });
});

test('a plan of 300 kB arrives whole', async () => {
  const result = await runTask(`${'# padding\n'.repeat(30_000)}echo the end`);
  expect(result).toMatchObject({ status: 'DONE', outputSummary: 'the end' });
});

test('cancelling a running task ends its whole process group', async () => {
  const { contract } = await api.mutate(
    'createContract',
    { name: 'To cancel', startSupervisor: false, repositories: [{ localPath: path }] },
    'contract { id }',
  );
  const plan = 'sleep 300 & echo "child $!"; echo "self $$"; trap "" TERM; wait';
  const input = { contractId: contract.id, name: 'Endless', plan, useOwnWorktree: true };
  const { task } = await api.mutate('spawnTask', input, 'task { id }');
  const lines = await api
    .subscribe('subscription($id: ID!) { taskOutput(taskId: $id, afterSequence: 0) { content } }', {
      id: task.id,
    })
    .until((received) => received.some(({ content }) => content.startsWith('self ')));
  const pids = lines.flatMap(({ content }) => content.match(/^(?:child|self) (\d+)$/)?.[1] ?? []).map(Number);
  expect(pids).toHaveLength(2);
  const cancelled = await api.mutate('cancelTask', { taskId: task.id, reason: 'enough' }, 'task { status }');
  expect(cancelled.task.status).toBe('CANCELLING');
  await untilStatus(api, task.id, 'CANCELLED');
  for (const pid of pids) expect(() => process.kill(pid, 0), `process ${pid} is gone`).toThrow('ESRCH');
});

test('a checkpoint of a running task holds what it has not committed, and leaves it running', async () => {
  const { contract } = await api.mutate(
    'createContract',
    { name: 'To save', startSupervisor: false, repositories: [{ localPath: path }] },
    'contract { id }',
  );
  const plan = 'echo draft > draft.txt; echo ready; until [ -f go ]; do sleep 0.1; done; echo gone on';
  const input = { contractId: contract.id, name: 'Saver', plan, useOwnWorktree: true };
  const { task } = await api.mutate('spawnTask', input, 'task { id }');
  await api
    .subscribe('subscription($id: ID!) { taskOutput(taskId: $id, afterSequence: 0) { content } }', {
      id: task.id,
    })
    .count(1);
  const save = () =>
    api.mutate(
      'createCheckpoint',
      { taskId: task.id, message: 'half way' },
      'created checkpoint { id number message filesChanged linesAdded }',
    );
  const first = await save();
  expect(first).toMatchObject({ created: true, checkpoint: { number: 1, filesChanged: 1, linesAdded: 1 } });
  expect(await save()).toMatchObject({ created: false, checkpoint: { id: first.checkpoint.id } });
  const { taskDiff } = await api.ask(
    'query($id: ID!) { taskDiff(taskId: $id) { patch files { path status linesAdded } truncated } }',
    { id: task.id },
  );
  expect(taskDiff).toMatchObject({
    files: [{ path: 'draft.txt', status: 'ADDED', linesAdded: 1 }],
    truncated: false,
  });
  expect(taskDiff.patch).toContain('+draft');
  await api.mutate('cancelTask', { taskId: task.id }, 'task { id }');
  await untilStatus(api, task.id, 'CANCELLED');
});
