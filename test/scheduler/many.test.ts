import { expect, test } from 'vitest';
import { type Id, toUuid } from '../../src/platform/ids.ts';
import { HandDaemon, openContract, spawn } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { countOf, rowsOf } from '../support/snapshot.ts';

const { api, server } = await startTestServer();

/** Makes a task into many that are alike. @returns which they are, as a condition */
async function multiply(taskId: string, count: number, columns: Record<string, string>): Promise<string> {
  const id = toUuid(taskId as Id<'task'>);
  const given = { role: "'WORK'", attempt: '1', ...columns };
  const same = ['owner_id', 'contract_id', 'name', 'plan', 'use_own_worktree', 'repository_path', 'agent'];
  const copied = [...same, 'depth', 'created_at', 'updated_at'].join();
  await rowsOf(
    server,
    `insert into task (id, ${copied}, ${Object.keys(given).join()})
     select gen_random_uuid(), ${copied}, ${Object.values(given).join()} from task, generate_series(1, ${count})
     where id = '${id}'`,
  );
  return `id <> '${id}' and contract_id = (select contract_id from task where id = '${id}')`;
}

test('a contract with 1,700 tasks can be completed', async () => {
  const { contractId } = await openContract(api, { startSupervisor: false });
  const those = await multiply(await spawn(api, contractId, { agent: 'none' }), 1_700, {});
  await api.mutate('completeContract', { contractId, cancelTasks: true }, 'contract { id }');
  expect(await countOf(server, 'task', `${those} and status = 'CANCELLED'`)).toBe(1_700);
});

test('a daemon with 900 tasks, each of which is interrupted and tried again, can leave', async () => {
  const { contractId } = await openContract(api, { startSupervisor: false });
  const daemon = await HandDaemon.connect(api, { agents: ['none'], max: 1_000 });
  const taskId = await spawn(api, contractId, { agent: 'nobody' });
  const daemonId = `'${toUuid(daemon.id as Id<'daemon'>)}'::uuid`;
  const those = await multiply(taskId, 900, { status: "'RUNNING'", daemon_id: daemonId });
  await daemon.api.mutate('disconnectDaemon', { epoch: daemon.epoch }, 'daemon { id }');
  expect(await countOf(server, 'task', `${those} and status = 'PENDING' and retry_count = 1`)).toBe(900);
});
