import { expect, test } from 'vitest';
import { issueAlong, issueCommand } from '../../src/daemons/command.service.ts';
import type { Doorbell } from '../../src/platform/doorbell.ts';
import type { Id } from '../../src/platform/ids.ts';
import { transact } from '../../src/platform/transaction.ts';
import type { Answer } from '../support/api.ts';
import { HandDaemon, openContract, spawn } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';

const { api, server } = await startTestServer();
const daemon = (await HandDaemon.connect(api, { max: 1_000 })).alive();
const { contractId } = await openContract(api, { startSupervisor: false });
const own = { useOwnWorktree: true };

test('a command that is handed over is the one that is stored: who connects anew is given the same', async () => {
  const plan = 'plain, "quoted", \\ and 🦊\nin lines';
  const taskId = await spawn(api, contractId, { ...own, plan, name: 'ünder' });
  const handed = await daemon.command('SPAWN_TASK', taskId);
  const again = daemon.listen();
  const stored = (await again.until((all) => all.some(({ task }) => task?.id === taskId))).find(
    ({ task }) => task?.id === taskId,
  );
  again.stop();
  expect(handed).toEqual(stored);
  expect(handed.payload).toMatchObject({ plan, name: 'ünder' });
});

test('it comes once, though it is found by reading as well', async () => {
  const known = daemon.commands.received.length;
  const tasks = await Promise.all(Array.from({ length: 40 }, () => spawn(api, contractId, own)));
  await Promise.all(tasks.map((taskId) => daemon.start(taskId)));
  // What is rung now is read, with all that was there before.
  const last = await spawn(api, contractId, own);
  await daemon.start(last);
  const commands: Answer[] = daemon.commands.received.slice(known);
  expect(commands.map(({ task }) => task.id).sort()).toEqual([...tasks, last].sort());
});

test('of a task that is cancelled at once there is a spawn, which is refused, and nothing behind it', async () => {
  const known = daemon.commands.received.length;
  const tasks = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const taskId = await spawn(api, contractId, own);
      await api.mutate('cancelTask', { taskId }, '__typename');
      return taskId;
    }),
  );
  await daemon.start(await spawn(api, contractId, own));
  for (const taskId of tasks) {
    const commands = daemon.commands.received.slice(known).filter(({ task }) => task?.id === taskId);
    expect(commands.length).toBeLessThanOrEqual(1);
    for (const command of commands) {
      expect(command.type).toBe('SPAWN_TASK');
      await expect(daemon.accept(command)).rejects.toThrow('STALE_ATTEMPT');
    }
  }
});

test('what is rung together with it is read at once as well', async () => {
  const taskId = await spawn(api, contractId, own);
  const { attempt } = await daemon.start(taskId);
  const about = { daemonId: daemon.id as Id<'daemon'>, taskId: taskId as Id<'task'>, attempt, payload: {} };
  const from = performance.now();
  for (let round = 0; round < 4; round += 1) {
    const ids = await transact(server.runtime, async (tx) => [
      issueAlong(tx, { ...about, type: 'PAUSE_TASK' }, true),
      issueCommand(tx, { ...about, type: 'RESUME_TASK' }),
    ]);
    const all = await daemon.commands.until((received) =>
      ids.every((id) => received.some((command) => command.id === id)),
    );
    for (const command of all.filter(({ id }) => ids.includes(id)))
      await daemon.fail(command, 'INTERNAL', 'no');
  }
  // Else most of them would have waited for the next look, every three seconds.
  expect(performance.now() - from).toBeLessThan(3_000);
});

test('what was not committed is not handed over', async () => {
  const taskId = await spawn(api, contractId, own);
  const { attempt } = await daemon.start(taskId);
  let undone = '';
  const work = transact(server.runtime, async (tx) => {
    const command = { daemonId: daemon.id as Id<'daemon'>, taskId: taskId as Id<'task'>, attempt };
    undone = issueAlong(tx, { ...command, type: 'SPAWN_TASK', payload: {} }, true);
    throw new Error('undone');
  });
  await expect(work).rejects.toThrow('undone');
  await daemon.start(await spawn(api, contractId, own));
  expect(daemon.commands.received.map(({ id }) => id)).not.toContain(undone);
});

test('it is not read first: it comes also where nobody hears the doorbell', async () => {
  const mute: Doorbell = {
    ring: () => undefined,
    onRing: () => () => undefined,
    listeners: 0,
    close: async () => undefined,
  };
  const deaf = await startTestServer({ doorbell: () => mute });
  const hand = await HandDaemon.connect(deaf.api);
  const contract = await openContract(deaf.api, { startSupervisor: false });
  const from = performance.now();
  for (let round = 0; round < 4; round += 1)
    await hand.command('SPAWN_TASK', await spawn(deaf.api, contract.contractId, own));
  // Who hears nothing reads every three seconds: each but the first would have waited for that.
  expect(performance.now() - from).toBeLessThan(3 * 3_000);
});
