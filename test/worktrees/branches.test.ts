import { describe, expect, test } from 'vitest';
import { HandDaemon, openContract, spawn } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing, rowsOf } from '../support/snapshot.ts';
import { afterTheMinute, steadyClock, supervised, told } from './support.ts';

const { api, server } = await startTestServer({ clock: steadyClock });
const daemon = await HandDaemon.connect(api, { max: 100 });
const { contractId, supervisorId, agent, worktree } = await supervised(api, daemon);
const SHA = 'a'.repeat(40);
const FIELDS = 'branchName commitSha pending';

const branchCommand = (id = supervisorId) => daemon.command('CREATE_BRANCH', id);
async function answered(branchName: string) {
  const isIt = ({ type, payload }: { type: string; payload: { branchName: string } }) =>
    type === 'CREATE_BRANCH' && payload.branchName === branchName;
  return (await daemon.commands.until((all) => all.some(isIt))).find(isIt);
}

test("the supervisor's key implies its contract; the daemon of its copy makes the branch", async () => {
  const making = agent.mutate('createBranch', { branchName: 'release/1' }, FIELDS);
  const command = await branchCommand();
  expect(command.payload).toEqual({
    taskId: supervisorId,
    worktreeId: worktree.id,
    branchName: 'release/1',
    fromRef: null,
    publish: true,
  });
  await daemon.accept(command);
  await daemon.complete(command, { branchName: 'release/1', commitSha: SHA });
  expect(await making).toEqual({ branchName: 'release/1', commitSha: SHA, pending: false });
  expect(await told(api, supervisorId, /Branch release\/1 is at a{40}/)).toMatchObject({ type: 'SYSTEM' });
  const [entry] = await rowsOf<{ details: object }>(
    server,
    "select details from history where action = 'branch.requested'",
  );
  expect(entry?.details).toEqual({ branchName: 'release/1', fromRef: null });
});

test.each([
  ['a URL', { repositories: [{ url: 'https://github.com/acme/two.git' }] }, true],
  [
    'a URL, local-only',
    { repositories: [{ url: 'https://github.com/acme/two.git' }], localOnly: true },
    false,
  ],
  ['a local path', { repositories: [{ localPath: '/repositories/two' }] }, true],
  ['a local path, local-only', { repositories: [{ localPath: '/repositories/two' }], localOnly: true }, true],
])('from %s it is published: %o → %s', async (_, more, publish) => {
  const other = await supervised(api, daemon, more);
  const making = api.mutate(
    'createBranch',
    { contractId: other.contractId, branchName: 'x', fromRef: SHA },
    FIELDS,
  );
  const command = await branchCommand(other.supervisorId);
  expect(command.payload).toMatchObject({ publish, fromRef: SHA });
  await daemon.complete(command, { branchName: 'x', commitSha: SHA });
  await making;
});

describe('what is no name of a branch', () => {
  test.each([
    '',
    ' ',
    '--upload-pack=x',
    '-x',
    'a..b',
    'a b',
    'a~1',
    'a:b',
    '/a',
    'a/',
    'a.lock',
    '@',
    'HEAD',
    'refs/heads/a',
    'a\0',
    'a'.repeat(241),
    ' a',
    'a@{1}',
  ])('%j is INVALID_INPUT, as the name and as the start', async (name) => {
    await changesNothing(server, async () => {
      const named = await api.mutationRefused('createBranch', { contractId, branchName: name });
      expect(named).toMatchObject({ code: 'INVALID_INPUT', field: 'branchName' });
      const from = await api.mutationRefused('createBranch', { contractId, branchName: 'b', fromRef: name });
      expect(from).toMatchObject({ code: 'INVALID_INPUT', field: 'fromRef' });
    });
  });
});

test.each([
  ['BRANCH_EXISTS', 'INVALID_INPUT', 'branchName'],
  ['INVALID_INPUT', 'INVALID_INPUT', 'branchName'],
  ['REVISION_NOT_FOUND', 'INVALID_INPUT', 'fromRef'],
  ['TARGET_DIRTY', 'TARGET_DIRTY', undefined],
  ['GIT_FAILED', 'COMMAND_FAILED', undefined],
])('%s of the daemon is %s, and stands in the log', async (code, expected, field) => {
  const branchName = `refused-${code.toLowerCase()}`;
  const making = api.mutationRefused('createBranch', { contractId, branchName });
  await daemon.fail(await answered(branchName), code, 'the reason');
  const refusal = await making;
  expect(refusal).toMatchObject({ code: expected, message: 'the reason' });
  expect(refusal.field).toBe(field);
  const line = await told(api, supervisorId, new RegExp(`Branch ${branchName} was not made: the reason`));
  expect(line).toMatchObject({ type: 'ERROR', isError: true });
});

test('after a minute it is pending, and the same requestId takes the waiting up again', async () => {
  const input = { contractId, branchName: 'slow', requestId: 'slow branch' };
  const making = api.mutate('createBranch', input, FIELDS);
  const command = await answered('slow');
  expect(await afterTheMinute(making)).toEqual({ branchName: 'slow', commitSha: null, pending: true });
  const again = api.mutate('createBranch', input, FIELDS);
  await daemon.complete(command, { branchName: 'slow', commitSha: SHA });
  expect(await again).toEqual({ branchName: 'slow', commitSha: SHA, pending: false });
  expect(daemon.commands.received.filter(({ payload }) => payload.branchName === 'slow')).toHaveLength(1);
  await changesNothing(server, async () => {
    const reused = await api.mutationRefused('createBranch', { ...input, fromRef: 'main' });
    expect(reused.code).toBe('REQUEST_ID_REUSED');
  });
});

test('without a supervisor: NO_SUPERVISOR; before it has a working copy: INVALID_TRANSITION', async () => {
  const bare = await openContract(api, { startSupervisor: false });
  await spawn(api, bare.contractId);
  const waiting = await openContract(api, { agent: 'nobody' });
  const starting = await openContract(api);
  const { toolKey } = await daemon.accept(await daemon.command('SPAWN_TASK', starting.supervisorId));
  await changesNothing(server, async () => {
    const refuse = async (id: string) =>
      (await api.mutationRefused('createBranch', { contractId: id, branchName: 'b' })).code;
    expect(await refuse(bare.contractId)).toBe('NO_SUPERVISOR');
    expect(await refuse(waiting.contractId)).toBe('INVALID_TRANSITION');
    expect(await refuse(starting.contractId)).toBe('INVALID_TRANSITION');
    expect(await api.mutationRefused('createBranch', { branchName: 'b' })).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'contractId',
    });
  });
  // Its own agent is in the copy already, whether or not the daemon's report has come.
  const making = api.as(toolKey).mutate('createBranch', { branchName: 'early' }, FIELDS);
  await daemon.complete(await answered('early'), { branchName: 'early', commitSha: SHA });
  expect(await making).toMatchObject({ commitSha: SHA });
});

test('with the daemon gone: NO_DAEMON', async () => {
  await daemon.api.mutate('disconnectDaemon', { epoch: daemon.epoch }, 'daemon { id }');
  await changesNothing(server, async () => {
    const refusal = await api.mutationRefused('createBranch', {
      contractId,
      branchName: 'b',
      requestId: 'r',
    });
    expect(refusal.code).toBe('NO_DAEMON');
  });
});
