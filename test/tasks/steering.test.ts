import { expect, test } from 'vitest';
import { HandDaemon, openContract, spawn, statusOf, untilStatus } from '../support/daemon.ts';
import { runningTask } from '../support/running-task.ts';
import { startTestServer } from '../support/server.ts';

const { api, server } = await startTestServer();
/** Takes what no other daemon of this file offers an agent for. */
const shell = await HandDaemon.connect(api);

test('a paused task frees its place, keeps its attempt and its key, and goes on where it was', async () => {
  const daemon = await HandDaemon.connect(api, { max: 1, agents: ['pausing'] });
  const { contractId } = await openContract(api, { agent: 'pausing', startSupervisor: false });
  const first = await spawn(api, contractId);
  const running = await daemon.start(first);
  const second = await spawn(api, contractId);
  expect(await statusOf(api, second)).toBe('PENDING');

  const { task } = await api.mutate('pauseTask', { taskId: first }, 'task { status attempt }');
  expect(task).toEqual({ status: 'PAUSED', attempt: 1 });
  const pause = await daemon.command('PAUSE_TASK', first);
  await daemon.accept(pause);
  await daemon.complete(pause);
  await untilStatus(api, second, 'STARTING');
  expect((await running.agent.ask('{ viewer { kind } }')).viewer.kind).toBe('WORK');
  // It is still the daemon's: registering again does not make it stop the agent.
  const { tasks } = await daemon.register({ max: 1, agents: ['pausing'] });
  expect(tasks.map((each: { task: { id: string } }) => each.task.id).sort()).toEqual([first, second].sort());

  await api.mutate('resumeTask', { taskId: first }, 'task { status }');
  expect(await statusOf(api, first)).toBe('RUNNING');
  expect((await daemon.command('RESUME_TASK', first)).attempt).toBe(1);
});

test('a task that was paused when its daemon left stays PAUSED, and resuming starts it anew elsewhere', async () => {
  const agents = ['leaving'];
  const daemon = await HandDaemon.connect(api, { agents });
  const { contractId } = await openContract(api, { agent: 'leaving', startSupervisor: false });
  const taskId = await spawn(api, contractId);
  const { agent } = await daemon.start(taskId);
  await api.mutate('pauseTask', { taskId }, 'task { id }');
  await daemon.api.mutate('disconnectDaemon', { epoch: daemon.epoch }, 'daemon { status }');
  await server.scheduler.sweepNow();
  expect(await statusOf(api, taskId)).toBe('PAUSED');

  const { task } = await api.mutate('resumeTask', { taskId }, 'task { status }');
  expect(task.status).toBe('PENDING');
  expect((await agent.refused('{ viewer { kind } }')).code).toBe('UNAUTHENTICATED');
  const other = await HandDaemon.connect(api, { agents, name: 'other' });
  const spawned = await other.command('SPAWN_TASK', taskId);
  expect(spawned).toMatchObject({
    attempt: 2,
    payload: { recovery: expect.stringContaining('interrupted') },
  });
});

test('a daemon that cannot let it go on gives it back, and it is started anew', async () => {
  const daemon = await HandDaemon.connect(api, { agents: ['forgetful'] });
  const { contractId } = await openContract(api, { agent: 'forgetful', startSupervisor: false });
  const taskId = await spawn(api, contractId);
  await daemon.start(taskId);
  await api.mutate('pauseTask', { taskId }, 'task { id }');
  await api.mutate('resumeTask', { taskId }, 'task { id }');
  const resume = await daemon.command('RESUME_TASK', taskId);
  await daemon.accept(resume);
  await daemon.fail(resume, 'NOT_RUNNING', 'There is no such agent.');
  expect((await daemon.command('SPAWN_TASK', taskId, 2)).attempt).toBe(2);
});

test('only a running task can be paused, only a paused one resumed, only a failed or cancelled one retried', async () => {
  const daemon = shell;
  const { taskId, supervisor } = await runningTask(api, daemon);
  for (const name of ['resumeTask', 'retryTask']) {
    expect(await supervisor.mutationRefused(name, { taskId })).toMatchObject({ code: 'INVALID_TRANSITION' });
  }
  expect(await statusOf(api, taskId)).toBe('RUNNING');
  await supervisor.mutate('pauseTask', { taskId, requestId: 'one' }, 'task { id }');
  await supervisor.mutate('pauseTask', { taskId, requestId: 'one' }, 'task { id }');
  expect(await supervisor.mutationRefused('pauseTask', { taskId })).toMatchObject({
    code: 'INVALID_TRANSITION',
  });
});

test('cancelling a paused task also ends the processes that are held', async () => {
  const daemon = shell;
  const { taskId } = await runningTask(api, daemon);
  await api.mutate('pauseTask', { taskId }, 'task { id }');
  const { task } = await api.mutate('cancelTask', { taskId }, 'task { status }');
  expect(task.status).toBe('CANCELLED');
  expect((await daemon.command('CANCEL_TASK', taskId)).payload).toMatchObject({
    attempt: 1,
    outcome: 'CANCELLED',
  });
});

test('a failed task that is retried starts with its next attempt and a clean slate', async () => {
  const daemon = shell;
  const { taskId, contractId } = await runningTask(api, daemon);
  await daemon.report(taskId, 1, 'FAILED', { errorMessage: 'broken' });
  await api.mutate('retryTask', { taskId }, 'task { id }');
  const again = await daemon.command('SPAWN_TASK', taskId, 2);
  expect(again.payload.worktree.restore).toBeNull();
  const { task } = await api.ask(
    'query($id: ID!) { task(id: $id) { errorMessage completedAt retryCount } }',
    { id: taskId },
  );
  expect(task).toEqual({ errorMessage: null, completedAt: null, retryCount: 0 });
  await api.mutate('completeContract', { contractId, cancelTasks: true }, 'contract { id }');
  expect(await api.mutationRefused('retryTask', { taskId })).toMatchObject({ code: 'CONTRACT_CLOSED' });
});

test('stored output is a connection: pages in order, and only of the task', async () => {
  const daemon = shell;
  const { taskId, supervisorId } = await runningTask(api, daemon);
  await daemon.append(taskId, 1, 0, ['a', 'b', 'c']);
  await daemon.append(supervisorId, 1, 0, ['other']);
  const PAGE = `query($taskId: ID!, $after: String) { taskOutput(taskId: $taskId, first: 2, after: $after) {
    nodes { content } pageInfo { hasNextPage endCursor } } }`;
  const { taskOutput: first } = await api.ask(PAGE, { taskId });
  expect(first.nodes).toEqual([{ content: 'a' }, { content: 'b' }]);
  expect(first.pageInfo.hasNextPage).toBe(true);
  const { taskOutput: second } = await api.ask(PAGE, { taskId, after: first.pageInfo.endCursor });
  expect(second).toMatchObject({ nodes: [{ content: 'c' }], pageInfo: { hasNextPage: false } });
  expect(await api.refused(PAGE, { taskId, after: 'nonsense' })).toMatchObject({
    code: 'INVALID_INPUT',
    field: 'after',
  });
});
