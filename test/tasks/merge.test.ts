import { expect, test } from 'vitest';
import { HandDaemon, openContract, spawn, statusOf } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing, countOf } from '../support/snapshot.ts';

const { api, server } = await startTestServer();
const daemon = (await HandDaemon.connect(api, { max: 100 })).alive();
const { contractId, supervisorId } = await openContract(api);
const supervisor = await daemon.start(supervisorId);

const MERGED = { outcome: 'MERGED', commitSha: 'a'.repeat(40), message: 'merged', conflicts: [] };

async function done(more: object = {}): Promise<string> {
  const taskId = await spawn(api, contractId, more);
  await daemon.start(taskId);
  await daemon.finish(taskId, 1);
  return taskId;
}

async function mergesLogged(): Promise<object[]> {
  const log = api.subscribe(
    `subscription { contractEvents(contractId: "${contractId}", afterSequence: 0) { sequence ... on MergeFinishedEvent { outcome task { id } targetBranch commitSha } } }`,
  );
  const { contract } = await api.ask(`{ contract(id: "${contractId}") { lastSequence } }`);
  const events = await log.until((all) => all.at(-1)?.sequence === contract.lastSequence);
  log.stop();
  return events.filter(({ outcome }) => outcome);
}

test('a task that shares a working copy, and a supervisor, have no branch of their own: NO_BRANCH', async () => {
  const shared = await done({ useOwnWorktree: false });
  await changesNothing(server, async () => {
    for (const taskId of [shared, supervisorId]) {
      expect((await api.mutationRefused('mergeTask', { taskId })).code).toBe('NO_BRANCH');
    }
  });
});

test('a task that is not DONE is not merged: INVALID_TRANSITION', async () => {
  const taskId = await spawn(api, contractId);
  await daemon.start(taskId);
  await changesNothing(server, async () => {
    expect((await api.mutationRefused('mergeTask', { taskId })).code).toBe('INVALID_TRANSITION');
  });
  await daemon.report(taskId, 1, 'FAILED');
  expect((await api.mutationRefused('mergeTask', { taskId })).code).toBe('INVALID_TRANSITION');
});

test('a merge makes the task MERGED and stands in the log', async () => {
  const taskId = await done();
  const merging = supervisor.agent.mutate(
    'mergeTask',
    { taskId, squash: true, message: 'Both' },
    'outcome commitSha targetBranch task { status }',
  );
  const command = await daemon.command('MERGE_TASK', taskId);
  expect(command.payload).toMatchObject({ taskId, squash: true, dryRun: false, message: 'Both', attempt: 1 });
  expect(command.payload.targetWorktreeId).toBe(supervisor.command.payload.worktree.id);
  expect(await statusOf(api, taskId)).toBe('DONE');
  await daemon.complete(command, MERGED);
  const targetBranch = supervisor.command.payload.worktree.branch;
  expect(await merging).toEqual({
    outcome: 'MERGED',
    commitSha: 'a'.repeat(40),
    targetBranch,
    task: { status: 'MERGED' },
  });
  expect(await mergesLogged()).toContainEqual(
    expect.objectContaining({
      outcome: 'MERGED',
      task: { id: taskId },
      targetBranch,
      commitSha: 'a'.repeat(40),
    }),
  );
  // The first answer counts.
  await changesNothing(server, () => daemon.fail(command, 'TARGET_DIRTY', 'late'));
});

test('a dry run says what would happen and moves nothing', async () => {
  const taskId = await done();
  const before = await mergesLogged();
  const merging = api.mutate('mergeTask', { taskId, dryRun: true }, 'outcome task { status }');
  const command = await daemon.command('MERGE_TASK', taskId);
  expect(command.payload.dryRun).toBe(true);
  await daemon.complete(command, MERGED);
  expect(await merging).toEqual({ outcome: 'MERGED', task: { status: 'DONE' } });
  expect(await mergesLogged()).toEqual(before);
});

test('UP_TO_DATE leaves the task DONE', async () => {
  const taskId = await done();
  const merging = api.mutate('mergeTask', { taskId }, 'outcome commitSha task { status }');
  await daemon.complete(await daemon.command('MERGE_TASK', taskId), {
    ...MERGED,
    outcome: 'UP_TO_DATE',
    commitSha: null,
  });
  expect(await merging).toEqual({ outcome: 'UP_TO_DATE', commitSha: null, task: { status: 'DONE' } });
});

test('a conflict is a result, with the tasks that made the commits on both sides', async () => {
  const ours = await done();
  const merging = api.mutate('mergeTask', { taskId: ours }, 'outcome');
  const oursCommit = 'b'.repeat(40);
  await daemon.complete(await daemon.command('MERGE_TASK', ours), { ...MERGED, commitSha: oursCommit });
  await merging;

  const theirs = await spawn(api, contractId);
  const { command: spawned } = await daemon.start(theirs);
  const theirsCommit = 'c'.repeat(40);
  const record = {
    taskId: theirs,
    attempt: 1,
    worktreeId: spawned.payload.worktree.id,
    commitSha: theirsCommit,
    baseSha: '1'.repeat(40),
  };
  const rest = {
    branch: 'b',
    message: 'm',
    filesChanged: 1,
    linesAdded: 1,
    linesRemoved: 0,
    uploadId: 'u',
    parts: 0,
    bytes: 0,
  };
  await daemon.api.mutate('recordCheckpoint', { ...record, ...rest }, 'created');
  await daemon.finish(theirs, 1);

  const conflicting = api.mutate(
    'mergeTask',
    { taskId: theirs },
    'outcome commitSha message task { status } conflicts { path kind hunks tasks { id } }',
  );
  const conflicts = [
    { path: 'a.txt', kind: 'content', hunks: ['<<<<<<<'], oursCommit, theirsCommit },
    { path: 'b.txt', kind: 'content', hunks: [], oursCommit: 'd'.repeat(40), theirsCommit: null },
  ];
  await daemon.complete(await daemon.command('MERGE_TASK', theirs), {
    outcome: 'CONFLICT',
    commitSha: null,
    message: 'conflicts',
    conflicts,
  });
  const result = await conflicting;
  expect(result).toMatchObject({ outcome: 'CONFLICT', commitSha: null, task: { status: 'DONE' } });
  expect(result.conflicts[0]).toMatchObject({ path: 'a.txt', kind: 'content', hunks: ['<<<<<<<'] });
  expect(result.conflicts[0].tasks.map(({ id }: { id: string }) => id).sort()).toEqual([ours, theirs].sort());
  // A commit of a person has no task.
  expect(result.conflicts[1].tasks).toEqual([]);
  expect(await mergesLogged()).toContainEqual(
    expect.objectContaining({ outcome: 'CONFLICT', task: { id: theirs } }),
  );
});

test('an answer that cannot be read is a failure, not a success and not a silence', async () => {
  const taskId = await done();
  const merging = api.mutationRefused('mergeTask', { taskId });
  await daemon.complete(await daemon.command('MERGE_TASK', taskId), { outcome: 'FINE' });
  expect(await merging).toMatchObject({
    code: 'COMMAND_FAILED',
    message: expect.stringContaining('version'),
  });
  expect(await statusOf(api, taskId)).toBe('DONE');
});

test.each([
  ['TARGET_DIRTY', 'TARGET_DIRTY'],
  ['OUTCOME_UNKNOWN', 'OUTCOME_UNKNOWN'],
  ['REPOSITORY_NOT_FOUND', 'REPOSITORY_NOT_FOUND'],
  ['SOMETHING_NEW', 'COMMAND_FAILED'],
  ['toString', 'COMMAND_FAILED'],
])('a failure of the daemon, %s, comes through as %s and leaves the task DONE', async (code, expected) => {
  const taskId = await done();
  const merging = api.mutationRefused('mergeTask', { taskId });
  await daemon.fail(await daemon.command('MERGE_TASK', taskId), code, 'the reason');
  expect(await merging).toMatchObject({ code: expected, message: 'the reason' });
  expect(await statusOf(api, taskId)).toBe('DONE');
});

test('the same requestId takes the waiting up again and gives the same result, also after a cut', async () => {
  const taskId = await done();
  const input = { taskId, requestId: `merge ${taskId}` };
  const cut = new AbortController();
  const lost = api.mutate('mergeTask', input, 'outcome', cut.signal).catch(() => 'cut');
  const command = await daemon.command('MERGE_TASK', taskId);
  cut.abort();
  expect(await lost).toBe('cut');
  const waiting = [1, 2].map(() => api.mutate('mergeTask', input, 'outcome commitSha task { status }'));
  await daemon.complete(command, MERGED);
  const [first, second] = await Promise.all(waiting);
  expect(first).toEqual({ outcome: 'MERGED', commitSha: 'a'.repeat(40), task: { status: 'MERGED' } });
  expect(second).toEqual(first);
  expect(
    daemon.commands.received.filter(({ type, task }) => type === 'MERGE_TASK' && task.id === taskId),
  ).toHaveLength(1);
});

const BRANCH = supervisor.command.payload.worktree.branch;
test.each([
  ['the one given', { targetBranch: 'mine' }, { targetBranch: 'main' }, 'main'],
  ['else that of the task', { targetBranch: 'mine' }, {}, 'mine'],
  ['else the branch of the supervisor', {}, {}, BRANCH],
])('the target is %s', async (_, more, input, expected) => {
  const taskId = await done(more);
  const merging = api.mutationRefused('mergeTask', { taskId, ...input });
  const command = await daemon.command('MERGE_TASK', taskId);
  expect(command.payload).toMatchObject({
    targetBranch: expected,
    targetWorktreeId: expected === BRANCH ? supervisor.worktreeId : null,
    publish: true,
  });
  await daemon.fail(command, 'TARGET_DIRTY', 'Look.');
  expect(await merging).toMatchObject({ code: 'TARGET_DIRTY', message: 'Look.' });
});

test('of a local-only contract nothing is pushed: into the supervisor’s copy it is merged, into a branch of a URL not', async () => {
  const own = await openContract(api, { localOnly: true, repositories: [{ url: 'https://host/x.git' }] });
  await daemon.start(own.supervisorId);
  const taskId = await spawn(api, own.contractId);
  await daemon.start(taskId);
  await daemon.finish(taskId, 1);
  const refused = await changesNothing(server, () =>
    api.mutationRefused('mergeTask', { taskId, targetBranch: 'main' }),
  );
  expect(refused).toMatchObject({ code: 'LOCAL_ONLY', field: 'targetBranch' });
  const merging = api.mutate('mergeTask', { taskId }, 'outcome');
  const command = await daemon.command('MERGE_TASK', taskId);
  expect(command.payload.publish).toBe(false);
  await daemon.complete(command, MERGED);
  expect(await merging).toEqual({ outcome: 'MERGED' });
});

test('with the daemon that holds the copy gone: NO_DAEMON, and no command is left', async () => {
  const taskId = await done();
  await daemon.api.mutate('disconnectDaemon', { epoch: daemon.epoch }, 'daemon { id }');
  const before = await countOf(server, 'command');
  await changesNothing(server, async () => {
    expect((await api.mutationRefused('mergeTask', { taskId })).code).toBe('NO_DAEMON');
    expect((await api.mutationRefused('createCheckpoint', { taskId, message: 'x' })).code).toBe('NO_DAEMON');
    expect((await api.refused(`{ taskDiff(taskId: "${taskId}") { patch } }`)).code).toBe('NO_DAEMON');
  });
  expect(await countOf(server, 'command')).toBe(before);
});
