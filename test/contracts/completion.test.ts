import { describe, expect, test } from 'vitest';
import type { Answer } from '../support/api.ts';
import { HandDaemon, openContract, spawn, statusOf } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing, countOf } from '../support/snapshot.ts';

const { api, server } = await startTestServer();
const daemon = await HandDaemon.connect(api);
const { contractId, supervisorId } = await openContract(api);
await daemon.start(supervisorId);
const taskId = await spawn(api, contractId);
await daemon.start(taskId);
const waitingId = await spawn(api, contractId, { parentTaskId: taskId, agent: 'none' });

describe('completeContract', () => {
  test('is refused with TASKS_RUNNING, naming them, while work tasks are not completed', async () => {
    const refused = await changesNothing(server, () =>
      api.mutationRefused('completeContract', { contractId }),
    );
    expect(refused.code).toBe('TASKS_RUNNING');
    expect(refused.extensions.taskIds).toContain(taskId);
    expect(refused.extensions.taskIds).not.toContain(supervisorId);
  });

  test('with cancelTasks cancels them all, and takes no new work: CONTRACT_CLOSED', async () => {
    const question = (
      await api.mutate('askQuestion', { contractId, question: 'x', waitSeconds: 0 }, 'question { id }')
    ).question;
    const { contract } = await api.mutate(
      'completeContract',
      { contractId, cancelTasks: true },
      'contract { status completedAt }',
    );
    expect(contract).toMatchObject({ status: 'COMPLETED', completedAt: expect.any(String) });
    expect(await statusOf(api, taskId)).toBe('CANCELLING');
    expect(await statusOf(api, waitingId)).toBe('CANCELLED');
    expect(
      (await api.ask('query($id: ID!) { node(id: $id) { ... on Question { status } } }', { id: question.id }))
        .node.status,
    ).toBe('WITHDRAWN');
    const refusals: [string, object][] = [
      ['spawnTask', { contractId, name: 'late', plan: 'late', useOwnWorktree: true }],
      ['askQuestion', { contractId, question: 'late?' }],
      ['completeContract', { contractId }],
    ];
    for (const [name, input] of refusals) {
      const refused = await changesNothing(server, () => api.mutationRefused(name, input));
      expect(refused.code, name).toBe('CONTRACT_CLOSED');
    }
    await daemon.finish(taskId, 1, 'CANCELLED');
    await daemon.finish(supervisorId, 1, 'CANCELLED');
    expect(await statusOf(api, taskId)).toBe('CANCELLED');
  });

  test('leaves no task behind that nobody will start, when tasks are spawned at the same moment', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { contractId: racing } = await openContract(api, { startSupervisor: false });
      const input = { contractId: racing, name: 'x', plan: 'x', agent: 'none' };
      const spawns = Array.from({ length: 6 }, () =>
        api
          .as(api.key)
          .post('mutation($input: SpawnTaskInput!) { spawnTask(input: $input) { task { id } } }', { input }),
      );
      const complete = api.mutate(
        'completeContract',
        { contractId: racing, cancelTasks: true },
        'contract { status }',
      );
      const answers: Answer[] = await Promise.all(spawns);
      await complete;
      for (const answer of answers)
        if (answer.errors) expect(answer.errors[0].extensions.code).toBe('CONTRACT_CLOSED');
    }
    expect(
      await countOf(
        server,
        'task',
        `status = 'PENDING' and contract_id in (select id from contract where status = 'COMPLETED')`,
      ),
    ).toBe(0);
  });
});
