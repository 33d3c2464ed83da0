import { expect, test } from 'vitest';
import { HandDaemon, openContract, spawn, untilStatus } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';

const { api } = await startTestServer();
const reasonOf = async (id: string): Promise<string | null> =>
  (await api.ask('query($id: ID!) { task(id: $id) { pendingReason } }', { id })).task.pendingReason;

test('a task that cannot be started says why, and what would help', async () => {
  const { contractId } = await openContract(api, { startSupervisor: false });
  const taskId = await spawn(api, contractId);
  expect(await reasonOf(taskId)).toMatch(/^No daemon is connected/);
  const other = await HandDaemon.connect(api, { agents: ['other'] });
  expect(await reasonOf(taskId)).toMatch(/^No connected daemon offers the agent shell; offered: other\./);
  const elsewhere = await HandDaemon.connect(api, { localPaths: ['/elsewhere'] });
  expect(await reasonOf(taskId)).toMatch(/may use \/repositories\/one\. Start one with --local-path/);
  const able = await HandDaemon.connect(api, { max: 1 });
  await untilStatus(api, taskId, 'STARTING');
  expect(await reasonOf(taskId)).toBeNull();
  const next = await spawn(api, contractId);
  expect(await reasonOf(next)).toMatch(/busy/);
  for (const daemon of [other, elsewhere, able]) {
    await daemon.api.mutate('disconnectDaemon', { epoch: daemon.epoch }, 'daemon { id }');
  }
});

test('a task that shares a working copy which is not there yet says so', async () => {
  const { contractId } = await openContract(api);
  const daemon = await HandDaemon.connect(api);
  const taskId = await spawn(api, contractId, { useOwnWorktree: false });
  expect(await reasonOf(taskId)).toMatch(/shares, is not there yet/);
  await daemon.api.mutate('disconnectDaemon', { epoch: daemon.epoch }, 'daemon { id }');
});
