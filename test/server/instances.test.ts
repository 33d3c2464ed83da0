import { describe, expect, test } from 'vitest';
import { Api, eventually } from '../support/api.ts';
import { HandDaemon, openContract, spawn, untilStatus } from '../support/daemon.ts';
import { embedded } from '../support/database.ts';
import { numbered, runningTask } from '../support/running-task.ts';
import { startTestServer } from '../support/server.ts';
import { countOf } from '../support/snapshot.ts';

/** What one does who has come to another instance than the others: that nobody starts a task twice is in scheduler/races. */
describe.skipIf(embedded)('two instances on one database', async () => {
  if (embedded) return;
  const { api: a, server, another } = await startTestServer();
  const b = new Api((await another()).url, a.key);
  const atA = (await HandDaemon.connect(a, { name: 'at A', max: 100 })).alive();

  test('subscribers of both hear of everything, whichever instance it was done at, in the same order', async () => {
    const { contractId, taskId } = await runningTask(b, atA);
    const query =
      'subscription($id: ID!) { contractEvents(contractId: $id, afterSequence: 0) { sequence eventType ... on OutputEntry { content } } }';
    const subscriptions = [a, b].map((api) => api.subscribe(query, { id: contractId }));
    for (const each of subscriptions) await each.count(5);
    const toB = b.as(atA.api.key);
    for (let index = 0; index < 20; index += 2) {
      await atA.append(taskId, 1, index, [`line ${index}`]);
      const entries = [{ type: 'STDOUT', content: `line ${index + 1}`, createdAt: new Date().toISOString() }];
      const batch = { taskId, attempt: 1, firstIndex: index + 1, entries };
      await toB.mutate('appendTaskOutput', batch, 'nextIndex');
    }
    const heard = await Promise.all(
      subscriptions.map((each) =>
        each.until((events) => events.filter(({ eventType }) => eventType === 'OUTPUT').length === 20),
      ),
    );
    expect(heard[0]).toEqual(heard[1]);
    expect(heard[0]?.map(({ sequence }) => sequence)).toEqual(heard[0]?.map((_, index) => index + 1));
    const lines = heard[0]?.flatMap(({ content }) => content ?? []);
    expect(lines).toEqual(numbered('line', 20));
  });

  test('a daemon that is connected to one executes what is asked of the other, which gets its answer', async () => {
    const { contractId } = await openContract(b, { startSupervisor: false });
    const taskId = await spawn(b, contractId);
    await atA.start(taskId);
    const asked = b.ask('query($id: ID!) { taskDiff(taskId: $id) { patch headSha } }', { id: taskId });
    const command = await atA.command('GET_TASK_DIFF', taskId);
    const diff = {
      patch: 'diff --git',
      files: [],
      linesAdded: 0,
      linesRemoved: 0,
      truncated: false,
      baseSha: '1'.repeat(40),
      headSha: '2'.repeat(40),
    };
    await atA.complete(command, diff);
    expect((await asked).taskDiff).toEqual({ patch: 'diff --git', headSha: '2'.repeat(40) });
    await b.mutate('cancelTask', { taskId }, 'task { status }');
    await atA.command('CANCEL_TASK', taskId);
    await atA.finish(taskId, 1, 'CANCELLED');
    await untilStatus(b, taskId, 'CANCELLED');
  });

  test('who waits at one for a task or an answer hears of it when it comes at the other', async () => {
    const { taskId, supervisor } = await runningTask(a, atA);
    const query = 'query($id: ID!) { waitForTask(taskId: $id, timeoutSeconds: 60) { completed timedOut } }';
    const before = server.runtime.doorbell.listeners;
    const waiting = [a.ask(query, { id: taskId }), b.ask(query, { id: taskId })];
    await eventually(() => server.runtime.doorbell.listeners > before);
    const end = { taskId, attempt: 1, status: 'DONE', outputCount: 0 };
    await b.as(atA.api.key).mutate('reportTask', end, 'task { status }');
    for (const { waitForTask } of await Promise.all(waiting))
      expect(waitForTask).toEqual({ completed: true, timedOut: false });

    const asking = supervisor.mutate('askQuestion', { question: 'Which way?' }, 'outcome response');
    const [question] = await eventually(async () => {
      const { pendingQuestions } = await b.ask('{ pendingQuestions { id } }');
      return pendingQuestions.length > 0 && pendingQuestions;
    });
    await b.mutate('answerQuestion', { questionId: question.id, text: 'left' }, 'question { id }');
    expect(await asking).toEqual({ outcome: 'ANSWERED', response: 'left' });
  });

  test('the same request sent to both at once is done once', async () => {
    const input = { name: 'Once', requestId: 'once', startSupervisor: false };
    const both = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        (index % 2 ? a : b).mutate('createContract', input, 'contract { id }'),
      ),
    );
    expect(new Set(both.map(({ contract }) => contract.id)).size).toBe(1);
    expect(await countOf(server, 'contract', "name = 'Once'")).toBe(1);
  });

  test('a daemon that comes back at the other instance is ended at the first, and goes on with what it had', async () => {
    const { key } = await a.mutate('createKey', { kind: 'DAEMON', name: 'wanderer' }, 'key');
    const input = {
      name: 'wanderer',
      hostname: 'test',
      version: '0',
      agents: ['wandering'],
      localPaths: ['/repositories'],
      maxConcurrentTasks: 4,
    };
    const commands =
      'subscription($daemonId: ID!, $epoch: Int!) { daemonCommands(daemonId: $daemonId, epoch: $epoch) { type task { id } } }';
    const register = async (api: Api) => {
      const { daemon, epoch, tasks } = await api
        .as(key)
        .mutate('registerDaemon', input, 'epoch daemon { id } tasks { task { id } }');
      const received = api.as(key).subscribe(commands, { daemonId: daemon.id, epoch });
      return { received, tasks };
    };
    const first = await register(a);
    const { contractId } = await openContract(a, { startSupervisor: false });
    const taskId = await spawn(b, contractId, { agent: 'wandering' });
    await first.received.count(1);
    const second = await register(b);
    expect(await first.received.refusal()).toMatchObject({
      code: 'STALE_EPOCH',
      extensions: { reason: 'REPLACED' },
    });
    // Not answered, so it comes again.
    expect(await second.received.count(1)).toEqual([{ type: 'SPAWN_TASK', task: { id: taskId } }]);
  });
});
