import { describe, expect, test } from 'vitest';
import { canMove, isCompleted, TASK_STATUSES, type TaskStatus } from '../../src/tasks/task.states.ts';
import type { Answer } from '../support/api.ts';
import { HandDaemon, openContract, spawn, statusOf } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing, rowsOf } from '../support/snapshot.ts';

const { api, server } = await startTestServer();
const daemon = (await HandDaemon.connect(api, { max: 100 })).alive();
const { contractId, supervisorId } = await openContract(api);
await daemon.start(supervisorId);

async function running(): Promise<string> {
  const taskId = await spawn(api, contractId);
  await daemon.start(taskId);
  return taskId;
}

async function eventsOf(taskId: string): Promise<Answer[]> {
  const rows = await rowsOf<{ type: string; data: Answer; id: string }>(
    server,
    'select e.type, e.data, e.task_id as id from contract_event e order by e.contract_id, e.sequence',
  );
  const [task] = await rowsOf<{ id: string }>(server, `select id from task where name = '${taskId}'`);
  return rows.filter((row) => row.id === task?.id);
}

/** The moves of the specification; whatever is not here is INVALID_TRANSITION. */
const MOVES: Record<TaskStatus, TaskStatus[]> = {
  // Claimed; or cancelled while it waits.
  PENDING: ['STARTING', 'CANCELLED'],
  // Not accepted in time; the first report; the daemon lost; an end; a cancellation to be confirmed.
  STARTING: ['PENDING', 'RUNNING', 'INTERRUPTED', 'DONE', 'FAILED', 'CANCELLING'],
  // The same, a pause, a supervisor's turn that ended, and resumeSupervisor after its daemon was lost.
  RUNNING: ['PAUSED', 'WAITING', 'INTERRUPTED', 'DONE', 'FAILED', 'CANCELLING', 'PENDING'],
  // Going on without its daemon means PENDING; DONE when the contract completes.
  PAUSED: ['RUNNING', 'PENDING', 'DONE', 'CANCELLED'],
  WAITING: ['RUNNING', 'PENDING', 'DONE', 'CANCELLED'],
  INTERRUPTED: ['PENDING', 'FAILED', 'CANCELLED'],
  CANCELLING: ['CANCELLED'],
  // retryTask and resumeSupervisor; a merge.
  CANCELLED: ['PENDING'],
  FAILED: ['PENDING'],
  DONE: ['MERGED', 'PENDING'],
  MERGED: ['PENDING'],
};

describe('the only moves between states', () => {
  const pairs = TASK_STATUSES.flatMap((from) =>
    TASK_STATUSES.map((to) => [from, to, MOVES[from].includes(to)] as const),
  );
  test.each(pairs)('%s → %s: %s', (from, to, allowed) => expect(canMove(from, to)).toBe(allowed));

  test('DONE, FAILED, MERGED and CANCELLED are completed, and no other', () => {
    expect(TASK_STATUSES.filter(isCompleted).sort()).toEqual(['CANCELLED', 'DONE', 'FAILED', 'MERGED']);
  });
});

/** What cancelTask makes of each state; null: refused with INVALID_TRANSITION. */
const CANCELLED_FROM: Record<TaskStatus, TaskStatus | null> = {
  PENDING: 'CANCELLED',
  // Its command was accepted; before that it is cancelled at once, see below.
  STARTING: 'CANCELLING',
  RUNNING: 'CANCELLING',
  PAUSED: 'CANCELLED',
  WAITING: 'CANCELLED',
  INTERRUPTED: 'CANCELLED',
  CANCELLING: 'CANCELLING',
  CANCELLED: null,
  DONE: null,
  FAILED: null,
  MERGED: null,
};

describe('cancelTask', () => {
  test.each(TASK_STATUSES.map((status) => [status, CANCELLED_FROM[status]] as const))(
    'a task that is %s: %s',
    async (status, expected) => {
      const taskId = await spawn(api, contractId, { name: `cancel ${status}`, agent: 'nobody' });
      await rowsOf(
        server,
        `update task set status = '${status}', attempt = 1 where name = 'cancel ${status}'`,
      );
      if (expected === null) {
        const refused = await changesNothing(server, () => api.mutationRefused('cancelTask', { taskId }));
        expect(refused.code).toBe('INVALID_TRANSITION');
      } else {
        const { task } = await api.mutate(
          'cancelTask',
          { taskId, reason: 'enough' },
          'task { status errorMessage completedAt }',
        );
        expect(task).toMatchObject({
          status: expected,
          errorMessage: expected === 'CANCELLED' ? 'enough' : null,
        });
        expect(task.completedAt === null).toBe(expected !== 'CANCELLED');
      }
      await rowsOf(server, `update task set status = 'CANCELLED' where name = 'cancel ${status}'`);
    },
  );

  test('stays CANCELLING until the daemon has confirmed, and its key is dead at once', async () => {
    const taskId = await spawn(api, contractId);
    const { agent } = await daemon.start(taskId);
    await api.mutate('cancelTask', { taskId, reason: 'enough' }, 'task { status }');
    expect((await agent.refused('{ viewer { kind } }')).code).toBe('UNAUTHENTICATED');
    const command = await daemon.command('CANCEL_TASK', taskId);
    expect(command.payload).toMatchObject({ taskId, attempt: 1, outcome: 'CANCELLED' });
    await daemon.report(taskId, 1, 'RUNNING');
    await daemon.accept(command);
    await daemon.complete(command, { confirmed: true });
    expect(await statusOf(api, taskId)).toBe('CANCELLING');
    await changesNothing(server, () => api.mutate('cancelTask', { taskId }, 'task { status }'));
    await daemon.finish(taskId, 1, 'CANCELLED');
    const { task } = await api.ask('query($id: ID!) { task(id: $id) { status errorMessage } }', {
      id: taskId,
    });
    expect(task).toEqual({ status: 'CANCELLED', errorMessage: 'enough' });
  });

  test('while nobody has accepted the spawn cancels at once; the acceptance then is STALE_ATTEMPT', async () => {
    const taskId = await spawn(api, contractId);
    const spawned = await daemon.command('SPAWN_TASK', taskId);
    const { task } = await api.mutate('cancelTask', { taskId }, 'task { status }');
    expect(task.status).toBe('CANCELLED');
    const input = { commandId: spawned.id, epoch: daemon.epoch };
    expect(
      (await changesNothing(server, () => daemon.api.mutationRefused('acceptCommand', input))).code,
    ).toBe('STALE_ATTEMPT');
  });

  test.each(['DONE', 'FAILED', 'INTERRUPTED', 'CANCELLED'])(
    'a task that ends by itself as %s while CANCELLING becomes CANCELLED',
    async (ended) => {
      const taskId = await running();
      await api.mutate('cancelTask', { taskId }, 'task { status }');
      await daemon.finish(taskId, 1, ended);
      expect(await statusOf(api, taskId)).toBe('CANCELLED');
    },
  );
});

describe('reportTask', () => {
  test.each(['RUNNING', 'DONE', 'FAILED'])('the report %s sent again changes nothing', async (status) => {
    const taskId = await running();
    await daemon.report(taskId, 1, status);
    await changesNothing(server, () => daemon.report(taskId, 1, status));
  });

  test('of two different ends the first counts', async () => {
    const taskId = await running();
    await daemon.report(taskId, 1, 'DONE', { outputSummary: 'well' });
    await changesNothing(server, () => daemon.report(taskId, 1, 'FAILED', { errorMessage: 'late' }));
    expect(await statusOf(api, taskId)).toBe('DONE');
  });

  test('of an attempt that was never started is NOT_FOUND', async () => {
    const taskId = await running();
    const report = { taskId, attempt: 2, status: 'DONE', outputCount: 0 };
    expect((await changesNothing(server, () => daemon.api.mutationRefused('reportTask', report))).code).toBe(
      'NOT_FOUND',
    );
  });

  test('of a working copy that is another task’s, or of a base that is no commit, is refused', async () => {
    const taskId = await running();
    const other = await daemon.command('SPAWN_TASK', await running());
    const copy = { id: other.payload.worktree.id, path: '/x', branch: 'b', baseSha: '1'.repeat(40) };
    const report = { taskId, attempt: 1, status: 'RUNNING', outputCount: 0 };
    await changesNothing(server, async () => {
      expect((await daemon.api.mutationRefused('reportTask', { ...report, worktree: copy })).code).toBe(
        'NOT_FOUND',
      );
      const own = (await daemon.command('SPAWN_TASK', taskId)).payload.worktree.id;
      const bad = { ...copy, id: own, baseSha: '--output=x' };
      const refused = await daemon.api.mutationRefused('reportTask', { ...report, worktree: bad });
      expect(refused).toMatchObject({ code: 'INVALID_INPUT', field: 'worktree.baseSha' });
    });
  });

  test('WAITING is for supervisors: a work task cannot wait', async () => {
    const taskId = await running();
    const report = { taskId, attempt: 1, status: 'WAITING', outputCount: 0 };
    const refused = await changesNothing(server, () => daemon.api.mutationRefused('reportTask', report));
    expect(refused.code).toBe('INVALID_TRANSITION');
  });

  test('an end before the last of its output is OUTPUT_GAP, and comes behind it in the log', async () => {
    const taskId = await running();
    await rowsOf(
      server,
      `update task set name = '${taskId}' where status = 'RUNNING' and name = 'Task' and id = (select max(id::text)::uuid from task)`,
    );
    await daemon.append(taskId, 1, 0, ['one', 'two']);
    const early = { taskId, attempt: 1, status: 'DONE', outputCount: 4 };
    const refused = await changesNothing(server, () => daemon.api.mutationRefused('reportTask', early));
    expect(refused).toMatchObject({ code: 'OUTPUT_GAP', extensions: { nextIndex: 2 } });
    const gap = { taskId, attempt: 1, firstIndex: 3, entries: [] };
    expect((await daemon.api.mutationRefused('appendTaskOutput', gap)).code).toBe('OUTPUT_GAP');
    await daemon.append(taskId, 1, 1, ['two', 'three', 'four']);
    await daemon.append(taskId, 1, 2, ['three', 'four']);
    await daemon.report(taskId, 1, 'DONE', { outputCount: 4, outputSummary: 'four' });
    const events = await eventsOf(taskId);
    expect(events.filter(({ type }) => type === 'OUTPUT').map(({ data }) => data.content)).toEqual([
      'one',
      'two',
      'three',
      'four',
    ]);
    expect(events.at(-1)).toMatchObject({
      type: 'TASK_COMPLETED',
      data: { status: 'DONE', outputSummary: 'four' },
    });
  });

  test('texts of an agent that the database cannot hold are stored as far as they can be', async () => {
    const taskId = await running();
    await daemon.report(taskId, 1, 'FAILED', {
      errorMessage: 'a\0b\ud800',
      outputSummary: 'x'.repeat(30_000),
    });
    const { task } = await api.ask('query($id: ID!) { task(id: $id) { errorMessage outputSummary } }', {
      id: taskId,
    });
    expect(task.errorMessage).toBe('a\uFFFDb\uFFFD');
    expect(task.outputSummary).toHaveLength(20_000);
  });
});

describe('finishTask', () => {
  test('with success false the task FAILED, though its agent exits with 0', async () => {
    const taskId = await spawn(api, contractId);
    const { agent } = await daemon.start(taskId);
    const { task } = await agent.mutate(
      'finishTask',
      { summary: 'could not do it', success: false },
      'task { status }',
    );
    expect(task.status).toBe('RUNNING');
    await daemon.report(taskId, 1, 'DONE', { outputSummary: 'last line' });
    const ended = (
      await api.ask('query($id: ID!) { task(id: $id) { status errorMessage outputSummary } }', { id: taskId })
    ).task;
    expect(ended).toEqual({
      status: 'FAILED',
      errorMessage: 'could not do it',
      outputSummary: 'could not do it',
    });
  });

  test('its summary is worth more than the last message', async () => {
    const taskId = await spawn(api, contractId);
    const { agent } = await daemon.start(taskId);
    await agent.mutate('finishTask', { summary: 'first try' }, 'task { id }');
    await agent.mutate('finishTask', { summary: 'all of it' }, 'task { id }');
    await daemon.report(taskId, 1, 'DONE', { outputSummary: 'last line' });
    const ended = (
      await api.ask('query($id: ID!) { task(id: $id) { status outputSummary } }', { id: taskId })
    ).task;
    expect(ended).toEqual({ status: 'DONE', outputSummary: 'all of it' });
    expect((await agent.mutationRefused('finishTask', { summary: 'again' })).code).toBe('UNAUTHENTICATED');
  });
});
