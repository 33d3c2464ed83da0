import { expect, test } from 'vitest';
import { HandDaemon, openContract, spawn, statusOf, untilStatus } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing } from '../support/snapshot.ts';

const { api, server } = await startTestServer();
const daemon = await HandDaemon.connect(api, { max: 1 });

test('a contract goes from its supervisor over a task to its completion', async () => {
  const { contractId, supervisorId } = await openContract(api);
  const supervisor = await daemon.start(supervisorId);
  expect(await statusOf(api, supervisorId)).toBe('RUNNING');

  const taskId = await spawn(supervisor.agent, contractId, { name: 'Write it' });
  const task = await daemon.start(taskId);
  expect(task.command.payload.worktree).toMatchObject({
    mode: 'OWN',
    branch: expect.stringMatching(/^taskmesh\/contract-.{6}\/write-it-.{6}$/),
  });

  const waiting = supervisor.agent.ask(
    'query($taskId: ID!) { waitForTask(taskId: $taskId) { status completed timedOut outputSummary } }',
    { taskId },
  );
  expect(await daemon.append(taskId, 1, 0, ['one', 'two'])).toEqual({ nextIndex: 2, stale: false });
  await daemon.report(taskId, 1, 'DONE', { outputCount: 2, outputSummary: 'two' });
  expect((await waiting).waitForTask).toEqual({
    status: 'DONE',
    completed: true,
    timedOut: false,
    outputSummary: 'two',
  });

  const asking = supervisor.agent.mutate(
    'askQuestion',
    { question: 'Merge?', choices: ['yes', 'no'] },
    'outcome response question { id }',
  );
  const asked = await api.subscribe('subscription { questionAsked { id question choices } }').count(1);
  await api.mutate('answerQuestion', { questionId: asked[0].id, choices: ['yes'] }, 'question { status }');
  expect(await asking).toMatchObject({ outcome: 'ANSWERED', response: 'yes' });

  const merging = supervisor.agent.mutate(
    'mergeTask',
    { taskId },
    'outcome commitSha task { status } conflicts { path }',
  );
  const merge = await daemon.command('MERGE_TASK', taskId);
  await daemon.accept(merge);
  await daemon.complete(merge, {
    outcome: 'MERGED',
    commitSha: 'a'.repeat(40),
    message: 'merged',
    conflicts: [],
  });
  expect(await merging).toEqual({
    outcome: 'MERGED',
    commitSha: 'a'.repeat(40),
    task: { status: 'MERGED' },
    conflicts: [],
  });

  const completed = await supervisor.agent.mutate(
    'completeContract',
    { summary: 'done' },
    'contract { status summary }',
  );
  expect(completed.contract).toEqual({ status: 'COMPLETED', summary: 'done' });
  const stop = await daemon.command('CANCEL_TASK', supervisorId);
  expect(stop.payload).toMatchObject({ outcome: 'DONE' });
  await daemon.finish(supervisorId, 1);
  await untilStatus(api, supervisorId, 'DONE');

  const { contractTree } = await api.ask(
    'query($contractId: ID!) { contractTree(contractId: $contractId) { total counts { status count } roots { task { id } children { task { id status } } } } }',
    { contractId },
  );
  expect(contractTree).toEqual({
    total: 2,
    counts: [
      { status: 'DONE', count: 1 },
      { status: 'MERGED', count: 1 },
    ],
    roots: [{ task: { id: supervisorId }, children: [{ task: { id: taskId, status: 'MERGED' } }] }],
  });
});

test('a working copy that the daemon cannot have is refused, and changes nothing', async () => {
  const { contractId } = await openContract(api, { startSupervisor: false });
  const taskId = await spawn(api, contractId);
  const { worktreeId } = await daemon.start(taskId);
  const copy = {
    id: worktreeId,
    branch: 'b',
    path: '/copies/x',
    baseBranch: 'main',
    baseSha: '1'.repeat(40),
  };
  for (const wrong of [{ baseBranch: 'a\0b' }, { branch: '\0' }, { path: '/\ud800' }, { baseSha: 'HEAD' }]) {
    const input = { taskId, attempt: 1, status: 'RUNNING', outputCount: 0, worktree: { ...copy, ...wrong } };
    const refused = await changesNothing(server, () => daemon.api.mutationRefused('reportTask', input));
    expect(refused).toMatchObject({ code: 'INVALID_INPUT', field: `worktree.${Object.keys(wrong)[0]}` });
  }
  await daemon.finish(taskId, 1);
});
