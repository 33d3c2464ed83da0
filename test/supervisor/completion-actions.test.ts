import { expect, test } from 'vitest';
import type { Answer } from '../support/api.ts';
import { HandDaemon, openContract, readInbox, spawn, statusOf, untilStatus } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { told } from '../worktrees/support.ts';

const { api, server } = await startTestServer();
const daemon = (await HandDaemon.connect(api, { max: 100 })).alive();
const local = await openContract(api);
const supervisor = await daemon.start(local.supervisorId, 1, 's');

async function finished(contractId: string, more: object, by = daemon): Promise<string> {
  const taskId = await spawn(api, contractId, more);
  const { worktreeId } = await by.start(taskId);
  await by.save(taskId, 1, worktreeId);
  await by.report(taskId, 1, 'DONE', { outputSummary: 'It is done.' });
  return taskId;
}
const commandsOf = (taskId: string, type: string): Answer[] =>
  daemon.commands.received.filter((command) => command.type === type && command.task?.id === taskId);

test('MERGE: the branch is merged by itself when the task is DONE, once', async () => {
  const taskId = await finished(local.contractId, { completionAction: 'MERGE' });
  const merge = await daemon.command('MERGE_TASK', taskId);
  expect(merge.payload).toMatchObject({
    targetWorktreeId: supervisor.worktreeId,
    dryRun: false,
    squash: false,
  });
  await daemon.accept(merge);
  await daemon.complete(merge, {
    outcome: 'MERGED',
    commitSha: 'c'.repeat(40),
    message: 'merged',
    conflicts: [],
  });
  expect(await statusOf(api, taskId)).toBe('MERGED');
  await server.supervision.sweepNow();
  expect(commandsOf(taskId, 'MERGE_TASK')).toHaveLength(1);
});

test('NONE, or an end that is not DONE, does nothing with the branch', async () => {
  const none = await finished(local.contractId, {});
  const failed = await spawn(api, local.contractId, { completionAction: 'MERGE' });
  await daemon.start(failed);
  await daemon.report(failed, 1, 'FAILED');
  await server.supervision.sweepNow();
  expect([...commandsOf(none, 'MERGE_TASK'), ...commandsOf(failed, 'MERGE_TASK')]).toEqual([]);
});

test('a conflict leaves it DONE, and the supervisor is told of it', async () => {
  const taskId = await finished(local.contractId, { completionAction: 'MERGE', name: 'clash' });
  const merge = await daemon.command('MERGE_TASK', taskId);
  await daemon.accept(merge);
  const conflict = {
    path: 'a.txt',
    kind: 'CONFLICT (contents)',
    hunks: [],
    oursCommit: null,
    theirsCommit: null,
  };
  await daemon.complete(merge, {
    outcome: 'CONFLICT',
    commitSha: null,
    message: 'no',
    conflicts: [conflict],
  });
  expect(await statusOf(api, taskId)).toBe('DONE');
  const [message] = await readInbox(supervisor.agent);
  expect(message).toMatchObject({
    sender: 'SYSTEM',
    content: expect.stringMatching(/clash.*conflicts in a\.txt/),
  });
});

test('PULL_REQUEST: the branch is offered with the name and the summary of the task', async () => {
  const remote = await openContract(api, {
    repositories: [{ url: 'https://github.com/acme/one.git', isPrimary: true }],
  });
  await daemon.start(remote.supervisorId);
  const more = { completionAction: 'PULL_REQUEST', targetBranch: 'develop', name: 'Add a door' };
  const taskId = await finished(remote.contractId, more);
  const { payload } = await daemon.command('CREATE_PULL_REQUEST', remote.supervisorId);
  const query = 'query($id: ID!) { task(id: $id) { worktree { id branch } } }';
  const { worktree } = (await api.ask(query, { id: taskId })).task;
  expect(payload).toMatchObject({
    branch: worktree.branch,
    branchWorktreeId: worktree.id,
    branchCheckpoint: null,
    baseBranch: 'develop',
    title: 'Add a door',
    body: 'It is done.',
  });
});

test('what can never be done is said in the output of the task, once', async () => {
  const taskId = await finished(local.contractId, { completionAction: 'PULL_REQUEST' });
  expect(await told(api, taskId, /could not be offered.*LOCAL_ONLY/)).toMatchObject({
    type: 'ERROR',
    isError: true,
  });
  await server.supervision.sweepNow();
  const query = 'query($id: ID!) { taskOutput(taskId: $id) { nodes { type } } }';
  expect((await api.ask(query, { id: taskId })).taskOutput.nodes).toHaveLength(1);
});

test('with the daemon gone it is done when one is back', async () => {
  const gone = await HandDaemon.connect(api, { name: 'gone', agents: ['gone'] });
  const { contractId, supervisorId } = await openContract(api, { agent: 'gone' });
  await gone.start(supervisorId);
  const taskId = await spawn(api, contractId, { completionAction: 'MERGE' });
  const { worktreeId } = await gone.start(taskId);
  await gone.save(taskId, 1, worktreeId);
  await gone.report(supervisorId, 1, 'DONE');
  await gone.report(taskId, 1, 'DONE');
  const first = await gone.command('MERGE_TASK', taskId);
  // The daemon leaves before it has answered; nothing is lost by that.
  await gone.api.mutate('disconnectDaemon', { epoch: gone.epoch }, 'daemon { id }');
  const second = await spawn(api, contractId, { completionAction: 'MERGE' });
  expect(second).toBeTruthy();
  await gone.register({ name: 'gone', agents: ['gone'] });
  const again = await gone.command('MERGE_TASK', taskId);
  expect(again.id).toBe(first.id);
  await gone.accept(again);
  await gone.complete(again, { outcome: 'MERGED', commitSha: 'c'.repeat(40), message: 'm', conflicts: [] });
  await untilStatus(api, taskId, 'MERGED');
});

test('of a contract that was completed before a daemon could do it, it is done all the same', async () => {
  const late = await HandDaemon.connect(api, { name: 'late', agents: ['late'] });
  const { contractId, supervisorId } = await openContract(api, { agent: 'late' });
  await late.start(supervisorId);
  const taskId = await spawn(api, contractId, { completionAction: 'MERGE', agent: 'shell' });
  const { worktreeId } = await daemon.start(taskId);
  await daemon.save(taskId, 1, worktreeId);
  // The daemon of the target is away when the task ends.
  await late.api.mutate('disconnectDaemon', { epoch: late.epoch }, 'daemon { id }');
  await daemon.report(taskId, 1, 'DONE');
  await server.supervision.sweepNow();
  await api.mutate('completeContract', { contractId }, 'contract { id }');
  await late.register({ name: 'late', agents: ['late'] });
  await server.supervision.sweepNow();
  await late.command('MERGE_TASK', taskId);
});
