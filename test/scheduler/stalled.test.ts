import { expect, test } from 'vitest';
import { TestClock } from '../support/clock.ts';
import { HandDaemon, openContract, spawn } from '../support/daemon.ts';
import { passTime } from '../support/passing-time.ts';
import { startTestServer } from '../support/server.ts';

const clock = new TestClock();
const { api, server } = await startTestServer({ clock });
const daemon = await HandDaemon.connect(api);

test('a task that is silent for 10 minutes is reported once per silence, and nothing else happens to it', async () => {
  const { contractId } = await openContract(api, { startSupervisor: false });
  const taskId = await spawn(api, contractId);
  await daemon.start(taskId);
  const stalls = api.subscribe(
    'subscription($id: ID!) { contractEvents(contractId: $id, afterSequence: 0, types: [TASK_STALLED, TASK_COMPLETED]) { eventType ... on TaskStalledEvent { task { id status } } } }',
    { id: contractId },
  );
  // The daemon lives on while time passes.
  const pass = (milliseconds: number) => passTime(server, clock, milliseconds, daemon);
  await pass(9 * 60_000);
  await daemon.append(taskId, 1, 0, ['still there']);
  await pass(9 * 60_000);
  expect(stalls.received).toEqual([]);
  await pass(2 * 60_000);
  await pass(10_000);
  expect(await stalls.count(1)).toEqual([
    { eventType: 'TASK_STALLED', task: { id: taskId, status: 'RUNNING' } },
  ]);
  await daemon.append(taskId, 1, 1, ['back']);
  await pass(11 * 60_000);
  expect(await stalls.count(2)).toHaveLength(2);
  await daemon.report(taskId, 1, 'DONE', { outputCount: 2 });
  await pass(11 * 60_000);
  const events = await stalls.count(3);
  expect(events.map((event) => event.eventType)).toEqual(['TASK_STALLED', 'TASK_STALLED', 'TASK_COMPLETED']);
});

test('a time limit reaches the daemon; one out of range is refused', async () => {
  const { contractId } = await openContract(api, { startSupervisor: false });
  const taskId = await spawn(api, contractId, { timeLimitMinutes: 5 });
  expect((await daemon.command('SPAWN_TASK', taskId)).payload.timeLimitMinutes).toBe(5);
  // 35,791 minutes are more milliseconds than a timer can count: it would fire at once.
  for (const timeLimitMinutes of [0, 35_791]) {
    const input = { contractId, name: 'x', plan: 'x', timeLimitMinutes };
    expect(await api.mutationRefused('spawnTask', input)).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'timeLimitMinutes',
    });
  }
});
