import { describe, expect, test } from 'vitest';
import { type Answer, type Api, eventually } from '../support/api.ts';
import { HandDaemon, openContract, readInbox, spawn } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing, rowsOf } from '../support/snapshot.ts';
import { statementsDuring } from '../support/statements.ts';

const { api, server } = await startTestServer();
const daemon = await HandDaemon.connect(api, { max: 100 });
const { contractId, supervisorId } = await openContract(api);
const supervisor = await daemon.start(supervisorId);

async function running(): Promise<string> {
  const taskId = await spawn(api, contractId);
  await daemon.start(taskId);
  return taskId;
}

const FIELDS = 'task { id } status completed timedOut outputSummary errorMessage';
async function wait(by: Api, taskId: string, timeoutSeconds = 30): Promise<Answer> {
  return (
    await by.ask(`{ waitForTask(taskId: "${taskId}", timeoutSeconds: ${timeoutSeconds}) { ${FIELDS} } }`)
  ).waitForTask;
}
async function waitAll(ids: string[], mode: string, timeoutSeconds = 30): Promise<Answer[]> {
  const query = `query($ids: [ID!]!) { waitForTasks(taskIds: $ids, mode: ${mode}, timeoutSeconds: ${timeoutSeconds}) { ${FIELDS} } }`;
  return (await supervisor.agent.ask(query, { ids })).waitForTasks;
}
const listeners = () => server.runtime.doorbell.listeners;

describe('waitForTask', () => {
  test('returns at once what is completed already', async () => {
    const taskId = await running();
    await daemon.report(taskId, 1, 'FAILED', { errorMessage: 'exit code 1' });
    const statements = await statementsDuring(server, async () => {
      expect(await wait(supervisor.agent, taskId)).toEqual({
        task: { id: taskId },
        status: 'FAILED',
        completed: true,
        timedOut: false,
        outputSummary: null,
        errorMessage: 'exit code 1',
      });
    });
    expect(statements.filter((sql) => sql.includes('"task"')).length).toBeLessThanOrEqual(3);
  });

  test('returns when the time is up, and the task goes on', async () => {
    const taskId = await running();
    const before = performance.now();
    expect(await wait(api, taskId, 1)).toMatchObject({ status: 'RUNNING', completed: false, timedOut: true });
    expect(performance.now() - before).toBeGreaterThan(990);
    await daemon.finish(taskId, 1);
    expect(await wait(api, taskId)).toMatchObject({ status: 'DONE', completed: true, timedOut: false });
  });

  test('gives what was committed where the end is reported to the same instance: not read again, and as it is read later', async () => {
    const taskId = await running();
    const fields = (
      await api.ask('{ __type(name: "Task") { fields { name type { kind ofType { kind } } } } }')
    ).__type.fields as { name: string; type: { kind: string; ofType: { kind: string } | null } }[];
    const plain = fields.filter(({ type }) => /^(SCALAR|ENUM)$/.test((type.ofType ?? type).kind));
    const selection = `${plain.map(({ name }) => name).join(' ')} daemon { id } worktree { id path branch }`;
    const before = listeners();
    const waiting = [api, supervisor.agent].map((by) =>
      by.ask(`{ waitForTask(taskId: "${taskId}") { status completed outputSummary task { ${selection} } } }`),
    );
    await eventually(() => listeners() === before + 2);
    await api.ask('{ viewer { kind } }');
    const statements = await statementsDuring(server, async () => {
      await daemon.report(taskId, 1, 'DONE', { outputSummary: 'done', sessionId: 's' });
      await Promise.all(waiting);
    });
    // Whoever reports locks it; the scheduler and supervision look for tasks by other things than their ids.
    const read = statements.filter(
      (sql) => /from "task".*"id" (in|=)/s.test(sql) && !sql.includes('for no key'),
    );
    expect(read).toEqual([]);
    const { task } = await api.ask(`{ task(id: "${taskId}") { ${selection} } }`);
    expect(task).toMatchObject({ status: 'DONE', outputSummary: 'done' });
    for (const { waitForTask } of await Promise.all(waiting))
      expect(waitForTask).toEqual({ status: 'DONE', completed: true, outputSummary: 'done', task });
  });

  test('tells of a cancellation too', async () => {
    const taskId = await spawn(api, contractId, { agent: 'nobody' });
    const waiting = wait(supervisor.agent, taskId);
    await api.mutate('cancelTask', { taskId, reason: 'not needed' }, 'task { id }');
    expect(await waiting).toMatchObject({ status: 'CANCELLED', completed: true, errorMessage: 'not needed' });
  });

  test('leaves no listener behind when the client goes away', async () => {
    const taskId = await running();
    const before = listeners();
    const gone = new AbortController();
    const query = `{ waitForTask(taskId: "${taskId}") { status } }`;
    const waiting = Array.from({ length: 10 }, () => api.ask(query, {}, gone.signal).catch(() => 'gone'));
    await eventually(() => listeners() === before + 10);
    gone.abort();
    expect(await Promise.all(waiting)).toEqual(Array(10).fill('gone'));
    await eventually(() => listeners() === before);
  });

  test('asks the database nothing while it waits', async () => {
    const taskId = await running();
    const before = listeners();
    const waiting = Array.from({ length: 20 }, () => wait(api, taskId));
    await eventually(() => listeners() === before + 20);
    // The first look of each is over once this has been answered too.
    await api.ask('{ viewer { kind } }');
    // Twenty that polled would be seen in each of these; every three seconds they look once, in case that a ring was lost, and
    // the scheduler's own sweep reads tasks by their state, never by id.
    const looks: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const half = () => new Promise((resolve) => setTimeout(resolve, 500));
      const statements = await statementsDuring(server, half);
      looks.push(statements.filter((sql) => /from "task".*"id" (in|=)/s.test(sql)).length);
    }
    expect(Math.min(...looks), `looks in each half second: ${looks}`).toBe(0);
    await daemon.finish(taskId, 1);
    await Promise.all(waiting);
    expect(listeners()).toBe(before);
  });
});

describe('waitForTasks', () => {
  test('ALL returns when the last is completed, in the order asked for', async () => {
    const [one, two] = [await running(), await running()];
    const waiting = waitAll([two, one, two], 'ALL');
    await daemon.report(one, 1, 'DONE', { outputSummary: 'one' });
    const query = `{ waitForTasks(taskIds: ["${one}", "${two}"], mode: ALL, timeoutSeconds: 1) { status completed timedOut } }`;
    expect((await api.ask(query)).waitForTasks).toEqual([
      { status: 'DONE', completed: true, timedOut: false },
      { status: 'RUNNING', completed: false, timedOut: true },
    ]);
    await daemon.report(two, 1, 'FAILED');
    expect((await waiting).map(({ task, status }) => [task.id, status])).toEqual([
      [two, 'FAILED'],
      [one, 'DONE'],
      [two, 'FAILED'],
    ]);
  });

  test('ANY returns when the first is, and the others have not timed out', async () => {
    const [one, two] = [await running(), await running()];
    const waiting = waitAll([one, two], 'ANY');
    await daemon.finish(two, 1);
    expect((await waiting).map(({ status, completed, timedOut }) => [status, completed, timedOut])).toEqual([
      ['RUNNING', false, false],
      ['DONE', true, false],
    ]);
    await daemon.finish(one, 1);
  });
});

describe('messages', () => {
  const read = readInbox;

  test('are read in order, each once, with who sent them', async () => {
    const taskId = await spawn(api, contractId);
    for (const content of ['one', 'two'])
      await api.mutate('sendMessage', { taskId, content }, 'message { id }');
    const { agent } = await daemon.start(taskId);
    await supervisor.agent.mutate('sendMessage', { taskId, content: 'three' }, 'message { id }');
    expect(await read(agent)).toEqual([
      { number: 1, sender: 'PERSON', content: 'one' },
      { number: 2, sender: 'PERSON', content: 'two' },
      { number: 3, sender: 'SUPERVISOR', content: 'three' },
    ]);
    expect(await read(agent)).toEqual([]);
  });

  test('sent at the same moment get numbers without a gap', async () => {
    const taskId = await spawn(api, contractId);
    const { agent } = await daemon.start(taskId);
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        api.mutate('sendMessage', { taskId, content: `${index}` }, 'message { id }'),
      ),
    );
    const numbers = (await read(agent)).map(({ number }) => number);
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  test('are given again until they are acknowledged: a reply that is cut off loses none', async () => {
    const taskId = await spawn(api, contractId);
    for (const content of ['one', 'two'])
      await api.mutate('sendMessage', { taskId, content }, 'message { id }');
    const { agent } = await daemon.start(taskId);
    const seen = async () =>
      (await agent.ask('{ inbox { content } }')).inbox.map(({ content }: Answer) => content);
    expect(await seen()).toEqual(['one', 'two']);
    expect(await seen()).toEqual(['one', 'two']);
    expect(await agent.mutate('acknowledgeMessages', { upTo: 1 }, 'acknowledged')).toEqual({
      acknowledged: 1,
    });
    expect(await agent.mutate('acknowledgeMessages', { upTo: 1 }, 'acknowledged')).toEqual({
      acknowledged: 0,
    });
    expect(await seen()).toEqual(['two']);
  });

  test('are waited for', async () => {
    const taskId = await spawn(api, contractId);
    const { agent } = await daemon.start(taskId);
    const before = listeners();
    const waiting = read(agent, 30);
    await eventually(() => listeners() === before + 1);
    await api.mutate('sendMessage', { taskId, content: 'at last' }, 'message { id }');
    expect(await waiting).toEqual([{ number: 1, sender: 'PERSON', content: 'at last' }]);
    expect(listeners()).toBe(before);
  });

  test('to a completed task are refused: nobody would read them', async () => {
    const taskId = await running();
    await daemon.finish(taskId, 1);
    const refused = await changesNothing(server, () =>
      api.mutationRefused('sendMessage', { taskId, content: 'late' }),
    );
    expect(refused.code).toBe('INVALID_TRANSITION');
  });

  test('outlive an attempt: the next one reads what the former did not', async () => {
    const taskId = await running();
    await api.mutate('sendMessage', { taskId, content: 'for whom it concerns' }, 'message { id }');
    await daemon.report(taskId, 1, 'INTERRUPTED');
    const { agent } = await daemon.start(taskId, 2);
    expect(await read(agent)).toMatchObject([{ content: 'for whom it concerns' }]);
  });
});

test('a tree of 200 tasks takes as many statements as one of 10, at most 8', async () => {
  const { contractId: wide } = await openContract(api, { startSupervisor: false });
  const root = await spawn(api, wide, { name: 'root' });
  const { command } = await daemon.start(root);
  const worktreeId = command.payload.worktree.id;
  const checkpoint = {
    taskId: root,
    attempt: 1,
    worktreeId,
    commitSha: 'a'.repeat(40),
    baseSha: '1'.repeat(40),
    branch: 'b',
    message: 'm',
  };
  await daemon.api.mutate(
    'recordCheckpoint',
    { ...checkpoint, filesChanged: 1, linesAdded: 1, linesRemoved: 0, uploadId: 'u', parts: 0, bytes: 0 },
    'created',
  );
  const grow = async (count: number) => {
    // Each copy hangs under the root and has a working copy with a checkpoint of its own.
    await rowsOf(
      server,
      `with copies as (select n, gen_random_uuid() as task, gen_random_uuid() as worktree from generate_series(1, ${count}) n),
       roots as (select t.* from task t where t.name = 'root'),
       worktrees as (
         insert into worktree select (jsonb_populate_record(w, jsonb_build_object('id', c.worktree, 'origin_id', c.worktree))).* from worktree w, copies c, roots r where w.id = r.worktree_id
       ), tasks as (
         insert into task select (jsonb_populate_record(r, jsonb_build_object('id', c.task, 'name', 'copy', 'parent_id', r.id, 'worktree_id', c.worktree))).* from task r, copies c where r.name = 'root'
       )
       insert into checkpoint select (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid(), 'task_id', c.task, 'worktree_id', c.worktree, 'origin_id', c.worktree))).*
       from checkpoint p, copies c, roots r where p.task_id = r.id and p.worktree_id = r.worktree_id`,
    );
  };
  const askOnce = async () => {
    let tree: Answer;
    const statements = await statementsDuring(server, async () => {
      const fields =
        'id parent { id name } daemon { name } worktree { branch daemon { name } } checkpoints { number commitSha }';
      tree = (
        await api.ask(`{ contractTree(contractId: "${wide}") { total nodes { depth task { ${fields} } } } }`)
      ).contractTree;
    });
    return { tree, statements };
  };
  // The scheduler's sweep may fall into one of them.
  const ask = async () => {
    const answers: Awaited<ReturnType<typeof askOnce>>[] = [];
    for (let round = 0; round < 6; round += 1) answers.push(await askOnce());
    return answers.reduce((best, each) => (each.statements.length < best.statements.length ? each : best));
  };
  await grow(9);
  await server.scheduler.sweepNow();
  const small = await ask();
  expect(small.tree.total).toBe(10);
  await grow(190);
  await server.scheduler.sweepNow();
  const large = await ask();
  expect(large.tree.total).toBe(200);
  expect(
    large.tree.nodes.every(
      ({ task }: Answer) => task.worktree && task.checkpoints.length === 1 && task.daemon,
    ),
  ).toBe(true);
  expect(large.statements).toHaveLength(small.statements.length);
  expect(large.statements.length).toBeLessThanOrEqual(8);
});
