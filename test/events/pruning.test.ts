import { expect, test } from 'vitest';
import WebSocket from 'ws';
import { eventSource } from '../../src/events/event-source.ts';
import { pruneLog } from '../../src/events/prune-log.ts';
import { type Id, toUuid } from '../../src/platform/ids.ts';
import { pruneContracts } from '../../src/server/prune.ts';
import { runCli } from '../cli/support/run-cli.ts';
import { type Answer, type Api, eventually } from '../support/api.ts';
import { onEnd } from '../support/cleanup.ts';
import { HandDaemon } from '../support/daemon.ts';
import { embedded } from '../support/database.ts';
import { numbered, runningTask } from '../support/running-task.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing, countOf, rowsOf, snapshot } from '../support/snapshot.ts';
import { SseSubscription } from '../support/sse.ts';

const { api, server, database, newOwner } = await startTestServer();
const daemon = (await HandDaemon.connect(api, { max: 100 })).alive();
const { db } = server.runtime;
const EVENTS =
  'subscription($id: ID!, $after: Int) { contractEvents(contractId: $id, afterSequence: $after) { sequence } }';
const OUTPUT =
  'query($id: ID!, $after: String) { taskOutput(taskId: $id, after: $after) { nodes { content } } }';
const BOUNDS = 'query($id: ID!) { contract(id: $id) { lastSequence prunedSequence status } }';
const DAY_MS = 86_400_000;
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS);
const uuid = (id: string) => toUuid(id as Id);
const running = new AbortController().signal;

const prune = (more: { before?: Date; dryRun?: boolean; checkpoints?: boolean; signal?: AbortSignal } = {}) =>
  pruneContracts(db, { before: daysAgo(30), dryRun: false, checkpoints: false, signal: running, ...more });

const eventsOf = (contractId: string) =>
  countOf(server, 'contract_event', `contract_id = '${uuid(contractId)}'`);
const boundsOf = async (id: string, owner = api): Promise<Answer> =>
  (await owner.ask(BOUNDS, { id })).contract;

/** Makes it that all that has happened in a contract, its end included, was so many days ago. */
async function age(contractId: string, days: number): Promise<void> {
  const id = uuid(contractId);
  const ago = `interval '${days} days'`;
  const em = db.fork();
  await em.execute(
    `update contract_event set occurred_at = occurred_at - ${ago} where contract_id = '${id}'`,
  );
  await em.execute(`update contract set completed_at = completed_at - ${ago} where id = '${id}'`);
  await em.execute(
    `update checkpoint_part set created_at = created_at - ${ago} where task_id in (select id from task where contract_id = '${id}')`,
  );
}

async function ended(
  days: number,
  owner: Api = api,
  worker = daemon,
): Promise<{ contractId: string; taskId: string; last: number; checkpointId: string }> {
  const { contractId, taskId, supervisorId } = await runningTask(owner, worker);
  await worker.append(taskId, 1, 0, numbered('line', 5));
  const { task } = await owner.ask('query($id: ID!) { task(id: $id) { worktree { id } } }', { id: taskId });
  const checkpoint = await worker.save(taskId, 1, task.worktree.id);
  await worker.finish(taskId, 1, 'DONE', 5);
  await owner.mutate('completeContract', { contractId, summary: 'done' }, 'contract { id }');
  await worker.finish(supervisorId, 1, 'CANCELLED');
  await age(contractId, days);
  const { lastSequence } = await boundsOf(contractId, owner);
  return { contractId, taskId, last: lastSequence, checkpointId: checkpoint.id };
}

/** A long log as it would be after days of work: too long to be written line by line in a test. */
async function lengthen(contractId: string, taskId: string, lines: number, size: number): Promise<void> {
  const [id, task] = [uuid(contractId), uuid(taskId)];
  await db.fork().execute(`
    with counter as (update contract_counter set last = last + ${lines} where contract_id = '${id}' returning last)
    insert into contract_event (contract_id, sequence, type, task_id, data, occurred_at)
    select '${id}', counter.last - ${lines} + n, 'OUTPUT', '${task}',
      jsonb_build_object('attempt', 1, 'role', 'WORK', 'type', 'STDOUT', 'content', repeat('x', ${size}), 'createdAt', '2026-01-01T00:00:00.000Z'),
      now() - interval '40 days'
    from counter, generate_series(1, ${lines}) n`);
}

test('what ended longer ago than it is kept loses its log and nothing else; open and recent contracts keep theirs', async () => {
  const elsewhere = await newOwner();
  const old = await ended(40);
  const foreign = await ended(31, elsewhere, await HandDaemon.connect(elsewhere));
  const recent = await ended(29);
  const open = await runningTask(api, daemon);
  await daemon.append(open.taskId, 1, 0, numbered('line', 5));
  await age(open.contractId, 400);
  const kept = [await eventsOf(recent.contractId), await eventsOf(open.contractId)];
  const would = await changesNothing(server, () => prune({ dryRun: true, checkpoints: true }));
  expect(would.map(({ id }) => id).sort()).toEqual([old.contractId, foreign.contractId].sort());
  const { contract_event: _, contract_counter: __, ...before } = await snapshot(server);
  const went = await prune();
  expect(went).toEqual(would.map((entry) => ({ ...entry, checkpoints: { parts: 0, bytes: 0 } })));
  expect(went.find(({ id }) => id === old.contractId)).toMatchObject({ events: old.last, name: 'Contract' });
  const { contract_event: ___, contract_counter: ____, ...after } = await snapshot(server);
  expect(after).toEqual(before);
  expect([await eventsOf(old.contractId), await eventsOf(foreign.contractId)]).toEqual([0, 0]);
  expect([await eventsOf(recent.contractId), await eventsOf(open.contractId)]).toEqual(kept);
  expect(await boundsOf(old.contractId)).toMatchObject({ lastSequence: old.last, prunedSequence: old.last });
  expect(await boundsOf(open.contractId)).toMatchObject({ prunedSequence: 0, status: 'ACTIVE' });
  expect(await changesNothing(server, () => prune())).toEqual([]);
});

test('a cursor into what was pruned, and one that never was, is refused with those that can be honoured', async () => {
  const { contractId: id, taskId, last } = await ended(40);
  await prune();
  const valid = { code: 'CURSOR_INVALID', extensions: { last, pruned: last } };
  for (const after of [0, 1, last - 1, last + 1, -1]) {
    expect(await api.subscribe(EVENTS, { id, after }).refusal(), `after ${after}`).toMatchObject(valid);
    expect(await new SseSubscription(api, EVENTS, { id, after }).refusalCode()).toBe('CURSOR_INVALID');
  }
  // From the beginning, said or not: an empty list would say that the task said nothing.
  for (const after of [null, '0', '1', String(last - 1)]) {
    const refusal = await api.refused(OUTPUT, { id: taskId, after });
    expect(refusal, `after ${after}`).toMatchObject({ ...valid, field: 'after' });
    expect(refusal.message).toContain(`Use after: ${last}`);
  }
  expect((await api.refused(OUTPUT, { id: taskId, after: String(last + 1) })).code).toBe('INVALID_INPUT');
  expect((await api.ask(OUTPUT, { id: taskId, after: String(last) })).taskOutput.nodes).toEqual([]);
});

test('a subscriber that is live while its contract is pruned gets what comes next, and nothing twice', async () => {
  const { contractId: id, last } = await ended(40);
  const live = api.subscribe(EVENTS, { id, after: 0 });
  const stream = new SseSubscription(api, EVENTS, { id, after: 0 });
  for (const each of [live, stream]) await each.count(last);
  await prune();
  await api.mutate('archiveContract', { contractId: id }, 'contract { id }');
  const late = api.subscribe(EVENTS, { id, after: last });
  for (const each of [live, stream, late]) {
    await each.count(each === late ? 1 : last + 1);
    expect(each.received.at(-1)).toEqual({ sequence: last + 1 });
  }
  expect(live.received.map(({ sequence }) => sequence)).toEqual(
    Array.from({ length: last + 1 }, (_, i) => i + 1),
  );
  // What came late is younger than what is kept.
  expect(await prune()).toEqual([]);
  expect(await eventsOf(id)).toBe(1);
});

test('a subscriber that is still reading when its contract is pruned is told so, and never skips an event', async () => {
  const { contractId: id, taskId } = await ended(40);
  await lengthen(id, taskId, 4_000, 4_000);
  const source = await eventSource(server.runtime, id as Id<'contract'>, 0, {});
  expect((await source.next()).value?.sequence).toBe(1);
  const slow = await slowSubscriber(id);
  await prune();
  expect(await eventsOf(id)).toBe(0);
  let position = 1;
  const readOn = async () => {
    for await (const event of source) {
      expect(event.sequence).toBe(position + 1);
      position = event.sequence;
    }
  };
  await expect(readOn()).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
  const { sequences, refusal } = await slow();
  expect(refusal).toMatchObject({ code: 'CURSOR_INVALID', pruned: expect.any(Number) });
  expect(sequences).toEqual(sequences.map((_, index) => index + 1));
  expect(sequences.length).toBeLessThan(4_000);
});

/** Subscribes from the beginning and stops reading at the first event. @returns how to read on until it is refused */
async function slowSubscriber(id: string) {
  const query =
    'subscription($id: ID!) { contractEvents(contractId: $id, afterSequence: 0) { sequence ... on OutputEntry { content } } }';
  const socket = new WebSocket(api.url.replace('http', 'ws'), 'graphql-transport-ws');
  onEnd(() => socket.terminate());
  const sequences: number[] = [];
  let refusal: Answer;
  socket.on('message', (bytes) => {
    const { type, payload } = JSON.parse(String(bytes));
    if (type === 'connection_ack')
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables: { id } } }));
    if (type === 'error') refusal = payload[0].extensions;
    if (type === 'next') {
      if (sequences.push(payload.data.contractEvents.sequence) === 1) socket.pause();
    }
  });
  socket.on('open', () =>
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${api.key}` } })),
  );
  await eventually(() => sequences.length > 0);
  return async () => {
    socket.resume();
    await eventually(() => refusal);
    return { sequences, refusal };
  };
}

test('a subscriber whose instance had not read yet what was pruned is told so, at the next event or by itself', async () => {
  for (const hearsOfMore of [true, false]) {
    const { contractId: id, taskId, last: end } = await ended(40);
    const live = api.subscribe(EVENTS, { id, after: end - 1 });
    await live.count(1);
    await daemon.append(taskId, 1, 5, ['late']);
    await live.count(2);
    const last = end + 1;
    // As after days in which the instance could not read: no ring, and gone before it looked.
    await db
      .fork()
      .execute(
        `update contract_counter set last = last + 1, pruned = last + 1 where contract_id = '${uuid(id)}'`,
      );
    await db.fork().execute(`delete from contract_event where contract_id = '${uuid(id)}'`);
    if (hearsOfMore) await api.mutate('archiveContract', { contractId: id }, 'contract { id }');
    expect(await live.refusal()).toMatchObject({ code: 'CURSOR_INVALID', extensions: { pruned: last + 1 } });
    expect(live.received).toEqual([{ sequence: end }, { sequence: last }]);
  }
});

test('pruning that was interrupted is never taken for a whole log, and the next one finishes it', async () => {
  const { contractId: id, taskId, last } = await ended(40);
  const part = { contractId: id as Id<'contract'>, first: 1, last };
  expect(await pruneLog(db, part, daysAgo(30), AbortSignal.abort())).toBe(0);
  expect(await eventsOf(id)).toBe(last);
  expect((await api.refused(OUTPUT, { id: taskId })).code).toBe('CURSOR_INVALID');
  await db.fork().execute(`delete from contract_event where contract_id = '${uuid(id)}' and sequence <= 3`);
  expect((await api.subscribe(EVENTS, { id, after: 3 }).refusal()).code).toBe('CURSOR_INVALID');
  expect(await prune({ signal: AbortSignal.abort() })).toEqual([]);
  // Two at once, and one that keeps more than the one before it did.
  const both = await Promise.all([prune({ before: daysAgo(39) }), prune({ before: daysAgo(39) })]);
  expect(both.flat().reduce((sum, { events }) => sum + events, 0)).toBe(last - 3);
  expect(await eventsOf(id)).toBe(0);
});

test('a contract that is open is not pruned, also when it was chosen before', async () => {
  const { contractId } = await runningTask(api, daemon);
  await age(contractId, 100);
  const part = { contractId: contractId as Id<'contract'>, first: 1, last: 2 };
  expect(await changesNothing(server, () => pruneLog(db, part, new Date(), running))).toBe(0);
});

test('data of checkpoints goes only when asked for; who wants it is told, and what a checkpoint changed stays', async () => {
  const old = await ended(40);
  const recent = await ended(3);
  const partsOf = ({ taskId }: { taskId: string }) =>
    countOf(server, 'checkpoint_part', `task_id = '${uuid(taskId)}'`);
  await prune();
  expect([await partsOf(old), await partsOf(recent)]).toEqual([1, 1]);
  const checkpoints = await rowsOf(server, 'select * from checkpoint order by id');
  const went = await prune({ checkpoints: true });
  expect(went.find(({ id }) => id === old.contractId)).toMatchObject({
    events: 0,
    checkpoints: { parts: 1, bytes: 36 },
  });
  expect([await partsOf(old), await partsOf(recent)]).toEqual([0, 1]);
  expect(await rowsOf(server, 'select * from checkpoint order by id')).toEqual(checkpoints);
  // Its daemon works on another contract, or it could not ask for it at all.
  await db.fork().execute(`update task set status = 'RUNNING' where id = '${uuid(old.taskId)}'`);
  const part = 'query($id: ID!) { checkpointPart(checkpointId: $id, index: 0) }';
  const refusal = await daemon.api.refused(part, { id: old.checkpointId });
  expect(refusal.code).toBe('NOT_FOUND');
  expect(refusal.message).toContain('was pruned');
  await db.fork().execute(`update task set status = 'DONE' where id = '${uuid(old.taskId)}'`);
});

test('taskmesh prune works beside a server on PostgreSQL, and is refused by the embedded one that is open', async () => {
  const { contractId } = await ended(40);
  const env = { TASKMESH_DATA_DIR: database.dataDir, DATABASE_URL: database.databaseUrl ?? '' };
  const cli = (...more: string[]) => runCli(['prune', ...more], { env });
  for (const wrong of [[], ['--keep-days', '0'], ['--keep-days', 'x']])
    expect((await cli(...wrong)).code).toBe(2);
  const outcome = await cli('--keep-days', '30', '--json');
  if (embedded) {
    expect(outcome.code).toBe(2);
    expect(outcome.stdout + outcome.stderr).toContain(String(process.pid));
    return;
  }
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  const { contracts, complete } = JSON.parse(outcome.stdout);
  expect([complete, contracts.map(({ id }: Answer) => id)]).toEqual([true, [contractId]]);
  expect(await eventsOf(contractId)).toBe(0);
  expect((await cli('--keep-days', '30')).stdout).toBe('There is nothing to prune.\n');
});
