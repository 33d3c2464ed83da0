import { expect, test } from 'vitest';
import type { Answer } from '../support/api.ts';
import { HandDaemon, openContract, spawn } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing } from '../support/snapshot.ts';

const { api, server } = await startTestServer();
const daemon = (await HandDaemon.connect(api, { max: 100 })).alive();
const { contractId, supervisorId } = await openContract(api);
const supervisor = await daemon.start(supervisorId);
const payloadOf = async (taskId: string): Promise<Answer> =>
  (await daemon.command('SPAWN_TASK', taskId)).payload;

/** A task that is done, with a checkpoint. */
async function done(): Promise<{ taskId: string; checkpoint: Answer }> {
  const taskId = await spawn(api, contractId);
  const { worktreeId } = await daemon.start(taskId, 1, `session of ${taskId}`);
  await daemon.say(taskId, 1, 0, ['USER: first', 'ASSISTANT: second']);
  const checkpoint = await daemon.save(taskId, 1, worktreeId);
  await daemon.report(taskId, 1, 'DONE', { outputCount: 2 });
  return { taskId, checkpoint };
}

test('without options a task starts from the supervisor’s branch, and nothing else is done with it', async () => {
  const payload = await payloadOf(await spawn(api, contractId));
  expect(payload).toMatchObject({
    autonomousLoop: 0,
    targetRepoPath: null,
    session: null,
    conversation: [],
    worktree: {
      mode: 'OWN',
      start: null,
      startCommit: null,
      restore: null,
      copyFiles: null,
      baseWorktreeId: supervisor.worktreeId,
    },
  });
});

test('branchedFromTaskId starts from the latest checkpoint of that task, in a session of its own', async () => {
  const { taskId, checkpoint } = await done();
  const branched = await spawn(api, contractId, { branchedFromTaskId: taskId });
  const { worktree, session, conversation } = await payloadOf(branched);
  expect(worktree).toMatchObject({
    start: { checkpointId: checkpoint.id, commitSha: checkpoint.commitSha, parts: 1 },
    baseWorktreeId: null,
    restore: null,
  });
  expect({ session, conversation }).toEqual({ session: null, conversation: [] });
  const query = 'query($id: ID!) { task(id: $id) { branchedFromTask { id } continueFromTask { id } } }';
  expect((await api.ask(query, { id: branched })).task).toEqual({
    branchedFromTask: { id: taskId },
    continueFromTask: null,
  });
});

test('continueFromTaskId also goes on in its session, and tells the conversation where that cannot be', async () => {
  const { taskId, checkpoint } = await done();
  const { worktree, session, conversation } = await payloadOf(
    await spawn(api, contractId, { continueFromTaskId: taskId }),
  );
  expect(worktree.start.checkpointId).toBe(checkpoint.id);
  expect(session).toEqual({ id: `session of ${taskId}` });
  expect(conversation).toEqual([
    { role: 'USER', content: 'first' },
    { role: 'ASSISTANT', content: 'second' },
  ]);
});

test('of several daemons the one that has the session to go on in is taken', async () => {
  const { taskId } = await done();
  const other = await HandDaemon.connect(api, { name: 'empty', max: 100 });
  const continued = await spawn(api, contractId, { continueFromTaskId: taskId });
  await daemon.command('SPAWN_TASK', continued);
  await api.mutate('drainDaemon', { daemonId: other.id }, 'daemon { id }');
});

test('checkpointSha starts from a checkpoint of the contract, or else from a commit of the repository', async () => {
  const { checkpoint } = await done();
  const known = await payloadOf(await spawn(api, contractId, { checkpointSha: checkpoint.commitSha }));
  expect(known.worktree).toMatchObject({ start: { checkpointId: checkpoint.id }, startCommit: null });
  const commit = 'ABCDEF0123'.repeat(4);
  const unknown = await payloadOf(await spawn(api, contractId, { checkpointSha: commit }));
  expect(unknown.worktree).toMatchObject({
    start: null,
    startCommit: commit.toLowerCase(),
    baseWorktreeId: null,
  });
});

test('copyFiles, targetRepoPath and autonomousLoop reach the daemon', async () => {
  const more = {
    copyFiles: ['.env', 'config/local.json', '.env'],
    targetRepoPath: '/repositories/two',
    autonomousLoop: 3,
  };
  const payload = await payloadOf(await spawn(api, contractId, more));
  expect(payload).toMatchObject({
    targetRepoPath: '/repositories/two',
    autonomousLoop: 3,
    worktree: { copyFiles: { paths: ['.env', 'config/local.json'], worktreeId: supervisor.worktreeId } },
  });
});

test.each<[string, object, object]>([
  [
    'an unknown task',
    { branchedFromTaskId: 'task_01h455vb4pex5vsknk084sn02q' },
    { field: 'branchedFromTaskId' },
  ],
  ['a task without a checkpoint', { continueFromTaskId: supervisorId }, { field: 'continueFromTaskId' }],
  ['what is no commit', { checkpointSha: 'main' }, { field: 'checkpointSha' }],
  ['two places', { checkpointSha: 'a'.repeat(40), baseBranch: 'main' }, { field: 'checkpointSha' }],
  ['a path that leaves', { copyFiles: ['../x'] }, { code: 'FORBIDDEN_PATH', field: 'copyFiles' }],
  ['a path of git', { copyFiles: ['.git/config'] }, { code: 'FORBIDDEN_PATH' }],
  ['too many paths', { copyFiles: Array.from({ length: 101 }, (_, n) => `f${n}`) }, { field: 'copyFiles' }],
  ['a relative target', { targetRepoPath: 'two' }, { field: 'targetRepoPath' }],
  ['too many rounds', { autonomousLoop: 101 }, { field: 'autonomousLoop' }],
  ['a negative number of rounds', { autonomousLoop: -1 }, { field: 'autonomousLoop' }],
])('%s is refused and changes nothing', async (_, more, expected) => {
  const input = { contractId, name: 'x', plan: 'x', useOwnWorktree: true, ...more };
  expect(await changesNothing(server, () => api.mutationRefused('spawnTask', input))).toMatchObject({
    code: 'INVALID_INPUT',
    ...expected,
  });
});

test.each([
  ['checkpointSha', 'a'.repeat(40)],
  ['copyFiles', ['.env']],
  ['targetRepoPath', '/repositories/two'],
  ['completionAction', 'MERGE'],
])('%s needs a working copy of its own, and says so', async (field, value) => {
  const input = { contractId, name: 'x', plan: 'x', [field]: value };
  const refused = await changesNothing(server, () => api.mutationRefused('spawnTask', input));
  expect(refused).toMatchObject({ code: 'INVALID_INPUT', field });
  expect(refused.message).toContain('useOwnWorktree: true');
});

const [ONE, TWO] = [{ url: 'https://host/one.git' }, { localPath: '/repositories/two' }];
test.each([
  ['the one given', [ONE, TWO], { repositoryUrl: TWO.localPath }, TWO.localPath],
  ['one given that is none of the contract’s', [ONE], { repositoryUrl: 'ssh://host/x' }, 'ssh://host/x'],
  ['else the primary one', [ONE, { ...TWO, isPrimary: true }], {}, TWO.localPath],
  ['else the first', [ONE, TWO], {}, ONE.url],
])('the repository of a task is %s', async (_, repositories, more, expected) => {
  const { contractId: own } = await openContract(api, { startSupervisor: false, repositories });
  const taskId = await spawn(api, own, { agent: 'nobody', ...more });
  const query = 'query($id: ID!) { task(id: $id) { repositoryUrl } }';
  expect((await api.ask(query, { id: taskId })).task.repositoryUrl).toBe(expected);
});
