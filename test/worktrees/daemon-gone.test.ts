import { expect, test } from 'vitest';
import type { Answer } from '../support/api.ts';
import { HandDaemon, openContract, spawn, statusOf } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing } from '../support/snapshot.ts';

const { api, server } = await startTestServer();
const agents = ['here', 'there'];
const home = await HandDaemon.connect(api, { name: 'home', agents: ['here'], max: 100 });
const { contractId, supervisorId } = await openContract(api, { agent: 'here' });
const supervisor = await home.start(supervisorId);

const DIFF = `query($id: ID!, $max: Int) { taskDiff(taskId: $id, maxBytes: $max) {
  patch files { path status } linesAdded truncated baseSha headSha checkpoint { id number } } }`;
const FILE = `query($id: ID!) { worktreeFile(taskId: $id, path: "a.txt") { exists content checkpoint { number } } }`;

const diff = {
  patch: 'diff --git a/a.txt b/a.txt\n+größer\n',
  files: [{ path: 'a.txt', oldPath: null, status: 'ADDED', linesAdded: 1, linesRemoved: 0, binary: false }],
  linesAdded: 1,
  linesRemoved: 0,
  truncated: false,
  baseSha: '1'.repeat(40),
  headSha: '2'.repeat(40),
};

/** A task that ended on a daemon of its own, which has gone. */
async function away(
  more: { diff?: object; saved?: boolean } = {},
): Promise<{ taskId: string; checkpoint: Answer }> {
  const gone = await HandDaemon.connect(api, { name: 'gone', agents, max: 100 });
  const taskId = await spawn(api, contractId, { agent: 'there' });
  const { worktreeId } = await gone.start(taskId);
  const checkpoint =
    more.saved === false
      ? null
      : await gone.save(taskId, 1, worktreeId, more.diff ? { diff: more.diff } : {});
  await gone.report(taskId, 1, 'DONE');
  await gone.api.mutate('disconnectDaemon', { epoch: gone.epoch }, 'daemon { id }');
  return { taskId, checkpoint };
}

test('a diff is that of the last checkpoint, and says so', async () => {
  const { taskId, checkpoint } = await away({ diff });
  expect((await api.ask(DIFF, { id: taskId })).taskDiff).toEqual({
    patch: diff.patch,
    files: [{ path: 'a.txt', status: 'ADDED' }],
    linesAdded: 1,
    truncated: false,
    baseSha: '1'.repeat(40),
    headSha: checkpoint.commitSha,
    checkpoint: { id: checkpoint.id, number: 1 },
  });
  // Cut where it was asked to be, but not inside of a character.
  const cut = (await api.ask(DIFF, { id: taskId, max: diff.patch.indexOf('ö') + 1 + 1 })).taskDiff;
  expect(cut).toMatchObject({ truncated: true });
  expect(diff.patch.startsWith(cut.patch)).toBe(true);
});

test('what no checkpoint holds cannot be shown: NO_DAEMON', async () => {
  const { taskId } = await away({ saved: false });
  for (const query of [DIFF, FILE])
    expect((await changesNothing(server, () => api.refused(query, { id: taskId }))).code).toBe('NO_DAEMON');
});

test('a diff that is none is refused, and no checkpoint is recorded', async () => {
  const taskId = await spawn(api, contractId, { agent: 'here' });
  const { worktreeId } = await home.start(taskId);
  for (const bad of [{ patch: 1 }, { ...diff, patch: 'x'.repeat(1_048_577) }])
    await expect(home.save(taskId, 1, worktreeId, { diff: bad })).rejects.toThrow(/INVALID_INPUT/);
  const query = 'query($id: ID!) { checkpoints(taskId: $id) { id } }';
  expect((await api.ask(query, { id: taskId })).checkpoints).toEqual([]);
});

test('a file is read from the last checkpoint by another daemon, which says what it found there', async () => {
  const { taskId, checkpoint } = await away();
  const asking = api.ask(FILE, { id: taskId });
  const command = await home.command('READ_FILE', taskId);
  expect(command.payload.away).toEqual({
    repository: { url: null, localPath: '/repositories/one' },
    checkpoint: {
      checkpointId: checkpoint.id,
      number: 1,
      commitSha: checkpoint.commitSha,
      baseSha: '1'.repeat(40),
      parts: 1,
    },
  });
  // It may fetch the data for as long as it has not answered.
  const part = 'query($id: ID!) { checkpointPart(checkpointId: $id, index: 0) }';
  await home.accept(command);
  expect((await home.api.ask(part, { id: checkpoint.id })).checkpointPart).toBeTruthy();
  await home.complete(command, { exists: true, content: 'x', encoding: 'UTF8', size: 1, truncated: false });
  expect((await asking).worktreeFile).toEqual({ exists: true, content: 'x', checkpoint: { number: 1 } });
});

test('a branch on another daemon is merged on that of the target, by its last checkpoint', async () => {
  const { taskId, checkpoint } = await away();
  const merging = api.mutate('mergeTask', { taskId }, 'outcome');
  const command = await home.command('MERGE_TASK', taskId);
  expect(command.payload).toMatchObject({
    targetWorktreeId: supervisor.worktreeId,
    sourceCheckpoint: { checkpointId: checkpoint.id, commitSha: checkpoint.commitSha },
  });
  await home.accept(command);
  await home.complete(command, { outcome: 'MERGED', commitSha: 'c'.repeat(40), message: 'm', conflicts: [] });
  expect((await merging).outcome).toBe('MERGED');
  expect(await statusOf(api, taskId)).toBe('MERGED');
});

test('into a branch of the repository it is merged where the branch is, else where the supervisor is', async () => {
  const { taskId, checkpoint } = await away();
  void api.post('mutation($t: ID!) { mergeTask(input: { taskId: $t, targetBranch: "main" }) { outcome } }', {
    t: taskId,
  });
  const { payload } = await home.command('MERGE_TASK', taskId);
  expect(payload).toMatchObject({
    targetWorktreeId: null,
    sourceCheckpoint: { checkpointId: checkpoint.id },
  });
});

test('a branch of which nothing was saved cannot be brought: NO_CHECKPOINT', async () => {
  const { taskId } = await away({ saved: false });
  expect((await changesNothing(server, () => api.mutationRefused('mergeTask', { taskId }))).code).toBe(
    'NO_CHECKPOINT',
  );
});

test('a task that shares the copy of a supervisor that rests goes on in it elsewhere when its daemon is gone', async () => {
  const leaves = await HandDaemon.connect(api, { name: 'leaves', agents: ['share'] });
  const shared = await openContract(api, { agent: 'share' });
  const first = await leaves.start(shared.supervisorId, 1, 's');
  const saved = await leaves.save(shared.supervisorId, 1, first.worktreeId);
  await leaves.report(shared.supervisorId, 1, 'WAITING', { sessionId: 's' });
  await leaves.api.mutate('disconnectDaemon', { epoch: leaves.epoch }, 'daemon { id }');
  const sharer = await spawn(api, shared.contractId, { useOwnWorktree: false });
  const takes = await HandDaemon.connect(api, { name: 'takes', agents: ['share'] });
  const { payload } = await takes.command('SPAWN_TASK', sharer);
  expect(payload.worktree).toMatchObject({ mode: 'OWN', restore: { commitSha: saved.commitSha } });
  const query = 'query($id: ID!) { task(id: $id) { worktree { id } status } }';
  // The copy of both, from now on.
  expect((await api.ask(query, { id: shared.supervisorId })).task).toEqual({
    worktree: { id: payload.worktree.id },
    status: 'WAITING',
  });
});

test('a working copy that its daemon removed is read from its last checkpoint, by that daemon', async () => {
  const taskId = await spawn(api, contractId, { agent: 'here' });
  const { worktreeId } = await home.start(taskId);
  const checkpoint = await home.save(taskId, 1, worktreeId, { diff });
  await home.report(taskId, 1, 'DONE');
  const gone = async (type: string) => {
    const command = await home.command(type, taskId);
    await home.accept(command);
    await home.fail(command, 'WORKING_COPY_GONE', 'It was removed.');
    return command;
  };
  const asking = api.ask(DIFF, { id: taskId });
  await gone('GET_TASK_DIFF');
  expect((await asking).taskDiff).toMatchObject({ patch: diff.patch, checkpoint: { id: checkpoint.id } });

  const reading = api.ask(FILE, { id: taskId });
  const first = await gone('READ_FILE');
  const again = (all: Answer[]) =>
    all.findLast(({ id, type, task }) => type === 'READ_FILE' && task.id === taskId && id !== first.id);
  const second = again(await home.commands.until((all) => again(all) !== undefined));
  expect(second.payload.away.checkpoint.checkpointId).toBe(checkpoint.id);
  await home.accept(second);
  const content = { exists: true, content: 'a', encoding: 'UTF8', size: 1, truncated: false };
  await home.complete(second, content);
  expect((await reading).worktreeFile).toMatchObject({ content: 'a', checkpoint: { number: 1 } });
});

test('a working copy that its daemon removed and no checkpoint holds is COMMAND_FAILED, with its words', async () => {
  const taskId = await spawn(api, contractId, { agent: 'here' });
  await home.start(taskId);
  for (const [query, type] of [
    [DIFF, 'GET_TASK_DIFF'],
    [FILE, 'READ_FILE'],
  ] as const) {
    const refused = api.refused(query, { id: taskId });
    const command = await home.command(type, taskId);
    await home.fail(command, 'WORKING_COPY_GONE', 'It was removed.');
    expect(await refused).toMatchObject({ code: 'COMMAND_FAILED', message: 'It was removed.' });
  }
});
