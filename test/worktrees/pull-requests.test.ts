import { expect, test } from 'vitest';
import { HandDaemon, openContract, spawn } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing } from '../support/snapshot.ts';
import { afterTheMinute, steadyClock, supervised, told } from './support.ts';

const { api, server } = await startTestServer({ clock: steadyClock });
const daemon = await HandDaemon.connect(api, { max: 100 });
const { contractId, supervisorId, agent, worktree } = await supervised(api, daemon);
const FIELDS = 'url number created pending';
const OPENED = { url: 'https://github.com/acme/one/pull/7', number: 7, created: true };

async function commandFor(branch: string) {
  const isIt = ({ type, payload }: { type: string; payload: { branch: string } }) =>
    type === 'CREATE_PULL_REQUEST' && payload.branch === branch;
  return (await daemon.commands.until((all) => all.some(isIt))).find(isIt);
}

test("the supervisor's key implies its contract; its daemon opens the pull request", async () => {
  const input = { branch: worktree.branch, title: ' Fix ', body: 'Why', baseBranch: 'main' };
  const opening = agent.mutate('createPullRequest', input, FIELDS);
  const command = await commandFor(worktree.branch);
  expect(command.payload).toEqual({
    taskId: supervisorId,
    worktreeId: worktree.id,
    branch: worktree.branch,
    branchWorktreeId: null,
    branchCheckpoint: null,
    baseBranch: 'main',
    title: 'Fix',
    body: 'Why',
  });
  await daemon.accept(command);
  await daemon.complete(command, OPENED);
  expect(await opening).toEqual({ ...OPENED, pending: false });
  expect(await told(api, supervisorId, /Pull request 7 was opened: https/)).toMatchObject({ type: 'SYSTEM' });
});

test('the base is the one of the contract, and the remote decides when there is none', async () => {
  const based = await supervised(api, daemon, {
    repositories: [{ url: 'https://github.com/acme/three.git', baseBranch: 'develop' }],
  });
  for (const [id, expected] of [
    [based.contractId, 'develop'],
    [contractId, null],
  ] as const) {
    const branch = `from-${expected}`;
    const opening = api.mutate('createPullRequest', { contractId: id, branch, title: 'x' }, FIELDS);
    const command = await commandFor(branch);
    expect(command.payload).toMatchObject({ baseBranch: expected, body: null });
    await daemon.complete(command, { ...OPENED, created: false });
    expect(await opening).toMatchObject({ created: false, pending: false });
  }
});

test("a task's branch is taken from its own working copy", async () => {
  const taskId = await spawn(api, contractId);
  const { command: spawned } = await daemon.start(taskId);
  const { id, branch } = spawned.payload.worktree;
  const opening = api.mutate('createPullRequest', { contractId, branch, title: 'x' }, FIELDS);
  const command = await commandFor(branch);
  expect(command.payload.branchWorktreeId).toBe(id);
  await daemon.complete(command, OPENED);
  await opening;
});

test('what may not leave the machine, or has no remote, is LOCAL_ONLY', async () => {
  const closed = await supervised(api, daemon, { localOnly: true });
  const local = await supervised(api, daemon, { repositories: [{ localPath: '/repositories/four' }] });
  await changesNothing(server, async () => {
    for (const each of [closed, local]) {
      const input = { branch: 'b', title: 'x', requestId: 'again' };
      expect((await each.agent.mutationRefused('createPullRequest', input)).code).toBe('LOCAL_ONLY');
    }
  });
});

test.each([
  ['branch', { branch: '--upload-pack=x', title: 'x' }],
  ['branch', { branch: 'a..b', title: 'x' }],
  ['branch', { branch: '', title: 'x' }],
  ['title', { branch: 'b', title: '  ' }],
  ['title', { branch: 'b', title: 'x'.repeat(257) }],
  ['body', { branch: 'b', title: 'x', body: 'x'.repeat(65_537) }],
  ['baseBranch', { branch: 'b', title: 'x', baseBranch: '-x' }],
  ['baseBranch', { branch: 'main', title: 'x', baseBranch: 'main' }],
])('INVALID_INPUT names %s: %o', async (field, input) => {
  await changesNothing(server, async () => {
    const refusal = await api.mutationRefused('createPullRequest', { contractId, ...input });
    expect(refusal).toMatchObject({ code: 'INVALID_INPUT', field });
  });
});

test.each([
  ['REVISION_NOT_FOUND', 'INVALID_INPUT', 'branch'],
  ['COMMAND_FAILED', 'COMMAND_FAILED', undefined],
  ['TARGET_MOVED', 'TARGET_MOVED', undefined],
  ['LOCAL_ONLY', 'LOCAL_ONLY', undefined],
])('%s of the daemon is %s, and stands in the log', async (code, expected, field) => {
  const branch = `refused-${code.toLowerCase()}`;
  const opening = api.mutationRefused('createPullRequest', { contractId, branch, title: 'x' });
  await daemon.fail(await commandFor(branch), code, 'the reason');
  const refusal = await opening;
  expect(refusal).toMatchObject({ code: expected, message: 'the reason' });
  expect(refusal.field).toBe(field);
  expect(await told(api, supervisorId, new RegExp(`${branch} was not opened: the reason`))).toMatchObject({
    type: 'ERROR',
  });
});

test('after a minute it is pending, and the same requestId takes the waiting up again', async () => {
  const input = { contractId, branch: 'slow', title: 'x', requestId: 'slow pull request' };
  const opening = api.mutate('createPullRequest', input, FIELDS);
  const command = await commandFor('slow');
  expect(await afterTheMinute(opening)).toEqual({ url: null, number: null, created: false, pending: true });
  const again = api.mutate('createPullRequest', input, FIELDS);
  await daemon.complete(command, OPENED);
  expect(await again).toEqual({ ...OPENED, pending: false });
  expect(daemon.commands.received.filter(({ payload }) => payload.branch === 'slow')).toHaveLength(1);
});

test('without a supervisor: NO_SUPERVISOR; before it has a working copy: INVALID_TRANSITION', async () => {
  const repositories = [{ url: 'https://github.com/acme/five.git' }];
  const bare = await openContract(api, { startSupervisor: false, repositories });
  const waiting = await openContract(api, { agent: 'nobody', repositories });
  await changesNothing(server, async () => {
    const refuse = async (id: string) =>
      (await api.mutationRefused('createPullRequest', { contractId: id, branch: 'b', title: 'x' })).code;
    expect(await refuse(bare.contractId)).toBe('NO_SUPERVISOR');
    expect(await refuse(waiting.contractId)).toBe('INVALID_TRANSITION');
  });
});
