import { expect, test } from 'vitest';
import type { Answer } from '../support/api.ts';
import { HandDaemon } from '../support/daemon.ts';
import { numbered, runningTask } from '../support/running-task.ts';
import { startTestServer } from '../support/server.ts';
import { statementsDuring } from '../support/statements.ts';

const { api, server, newOwner } = await startTestServer();
const daemon = await HandDaemon.connect(api, { max: 100 });

/** What is stored of a task's output, read by a subscriber from the beginning to its end. */
async function stored(taskId: string, fields = 'content', owner = api): Promise<Answer[]> {
  const { task: found } = await owner.ask(
    'query($id: ID!) { task(id: $id) { contract { id lastSequence } } }',
    { id: taskId },
  );
  const query = `subscription($id: ID!) { contractEvents(contractId: $id, afterSequence: 0) { sequence ... on OutputEntry { ${fields} task { id } } } }`;
  const subscription = owner.subscribe(query, { id: found.contract.id });
  const events = await subscription.count(found.contract.lastSequence);
  subscription.stop();
  return events
    .filter((event) => event.task?.id === taskId)
    .map(({ sequence: _, task: __, ...entry }) => entry);
}

const contents = async (taskId: string) => (await stored(taskId)).map((entry) => entry.content);

test('a batch that is repeated is stored once', async () => {
  const { taskId } = await runningTask(api, daemon);
  for (let time = 0; time < 3; time += 1) {
    expect(await daemon.append(taskId, 1, 0, numbered('line', 5))).toEqual({ nextIndex: 5, stale: false });
  }
  expect(await contents(taskId)).toEqual(numbered('line', 5));
});

test('of batches that overlap each index is stored once, in order', async () => {
  const { taskId } = await runningTask(api, daemon);
  const lines = numbered('line', 12);
  const batches: [first: number, end: number, next: number][] = [
    [0, 4, 4],
    [2, 6, 6],
    [0, 3, 6],
    [6, 6, 6],
    [5, 12, 12],
    [0, 12, 12],
  ];
  for (const [first, end, nextIndex] of batches) {
    expect(await daemon.append(taskId, 1, first, lines.slice(first, end)), `${first} to ${end}`).toEqual({
      nextIndex,
      stale: false,
    });
  }
  expect(await contents(taskId)).toEqual(lines);
});

test('a batch behind a gap is refused with OUTPUT_GAP and the index to go on from, and nothing of it is stored', async () => {
  const { taskId } = await runningTask(api, daemon);
  await daemon.append(taskId, 1, 0, ['first', 'second']);
  const entries = [{ type: 'STDOUT', content: 'too early', createdAt: new Date().toISOString() }];
  for (const firstIndex of [3, 1_000, 1_000_000_000]) {
    const refusal = await daemon.api.mutationRefused('appendTaskOutput', {
      taskId,
      attempt: 1,
      firstIndex,
      entries,
    });
    expect(refusal, `firstIndex ${firstIndex}`).toMatchObject({
      code: 'OUTPUT_GAP',
      extensions: { nextIndex: 2 },
    });
  }
  const negative = await daemon.api.mutationRefused('appendTaskOutput', {
    taskId,
    attempt: 1,
    firstIndex: -1,
    entries,
  });
  expect(negative).toMatchObject({ code: 'INVALID_INPUT', field: 'firstIndex' });
  const end = await daemon.api.mutationRefused('reportTask', {
    taskId,
    attempt: 1,
    status: 'DONE',
    outputCount: 3,
  });
  expect(end).toMatchObject({ code: 'OUTPUT_GAP', extensions: { nextIndex: 2 } });
  expect(await contents(taskId)).toEqual(['first', 'second']);
});

test('concurrent batches of one attempt store each index once', async () => {
  const { taskId } = await runningTask(api, daemon);
  const lines = numbered('line', 200);
  const send = async (first: number, size: number): Promise<void> => {
    for (let next = first; next < lines.length; ) {
      try {
        next = (await daemon.append(taskId, 1, next, lines.slice(next, next + size))).nextIndex;
      } catch (error) {
        // Another one has not come as far: it is its turn.
        if (!String(error).includes('OUTPUT_GAP')) throw error;
        next = Math.max(0, next - size);
      }
    }
  };
  await Promise.all([send(0, 7), send(0, 11), send(0, 50), send(20, 13), send(40, 3)]);
  expect(await contents(taskId)).toEqual(lines);
});

test('output of several tasks at once leaves the log of their contract dense', async () => {
  const { taskId, contractId, supervisorId } = await runningTask(api, daemon);
  const send = async (id: string) => {
    for (let index = 0; index < 20; index += 1) await daemon.append(id, 1, index, [`${id} ${index}`]);
  };
  await Promise.all([send(taskId), send(supervisorId)]);
  const events = await api
    .subscribe('subscription($id: ID!) { contractEvents(contractId: $id, afterSequence: 0) { sequence } }', {
      id: contractId,
    })
    .until((received) => received.length >= 45);
  expect(events.map((event) => event.sequence)).toEqual(events.map((_, index) => index + 1));
  expect(await contents(taskId)).toEqual(numbered(taskId, 20));
  expect(await contents(supervisorId)).toEqual(numbered(supervisorId, 20));
});

test('output of an older attempt is taken, marked with its attempt, and its daemon told that it is stale', async () => {
  const owner = await newOwner();
  const first = await HandDaemon.connect(owner, { name: 'first' });
  const { taskId } = await runningTask(owner, first);
  await first.append(taskId, 1, 0, ['one', 'two']);
  const second = await HandDaemon.connect(owner, { name: 'second' });
  await first.report(taskId, 1, 'INTERRUPTED', { outputCount: 2 });
  // It shares nothing with the supervisor, so it is started on the daemon that it was not lost on.
  await second.accept(await second.command('SPAWN_TASK', taskId, 2));
  expect(await second.append(taskId, 2, 0, ['new'])).toEqual({ nextIndex: 1, stale: false });
  expect(await first.append(taskId, 1, 2, ['three'])).toEqual({ nextIndex: 3, stale: true });
  expect(await first.append(taskId, 1, 1, ['two', 'three'])).toEqual({ nextIndex: 3, stale: true });
  expect(await stored(taskId, 'attempt content', owner)).toEqual([
    { attempt: 1, content: 'one' },
    { attempt: 1, content: 'two' },
    { attempt: 2, content: 'new' },
    { attempt: 1, content: 'three' },
  ]);
  const refusals = [
    await second.api.mutationRefused('appendTaskOutput', { taskId, attempt: 3, firstIndex: 0, entries: [] }),
    await second.api.mutationRefused('appendTaskOutput', { taskId, attempt: 1, firstIndex: 3, entries: [] }),
    await first.api.mutationRefused('appendTaskOutput', { taskId, attempt: 2, firstIndex: 1, entries: [] }),
  ];
  expect(refusals.map(({ code }) => code)).toEqual(['NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND']);
});

test("output for another daemon's task, of the same owner or another's, is NOT_FOUND", async () => {
  const owner = await newOwner();
  const { taskId } = await runningTask(owner, await HandDaemon.connect(owner));
  const entries = [{ type: 'STDOUT', content: 'not mine', createdAt: new Date().toISOString() }];
  const sibling = await HandDaemon.connect(owner, { name: 'sibling' });
  const foreign = await HandDaemon.connect(await newOwner(), { name: 'foreign' });
  for (const other of [sibling, foreign]) {
    const refusal = await other.api.mutationRefused('appendTaskOutput', {
      taskId,
      attempt: 1,
      firstIndex: 0,
      entries,
    });
    expect(refusal.code).toBe('NOT_FOUND');
  }
  expect(
    (await api.mutationRefused('appendTaskOutput', { taskId, attempt: 1, firstIndex: 0, entries })).code,
  ).toBe('FORBIDDEN');
  expect(await stored(taskId, 'content', owner)).toEqual([]);
});

test('a JSON value that is nested too deep is INVALID_INPUT, so that its daemon leaves it out and goes on', async () => {
  const { taskId } = await runningTask(api, daemon);
  const nested = (depth: number) => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
  const batch = (depth: number) => ({
    taskId,
    attempt: 1,
    firstIndex: 0,
    entries: [
      { type: 'TOOL_CALL', content: 'x', toolInput: nested(depth), createdAt: '2026-11-23T09:30:00Z' },
    ],
  });
  // Deeper ones the client itself could not send.
  for (const depth of [201, 1_000, 2_500])
    expect(await daemon.api.mutationRefused('appendTaskOutput', batch(depth))).toMatchObject({
      code: 'INVALID_INPUT',
    });
  expect(await stored(taskId)).toEqual([]);
  await daemon.api.mutate('appendTaskOutput', batch(200), 'nextIndex');
  expect(await stored(taskId, 'toolInput')).toEqual([{ toolInput: nested(200) }]);
});

test('NUL and lone surrogates become U+FFFD, in texts and in the names of a tool input', async () => {
  const { taskId } = await runningTask(api, daemon);
  const createdAt = '2026-11-23T09:30:00.000Z';
  const input = {
    'a\0b': 'c\0d',
    '\ud800': ['\udfff', { deep: '\0' }],
    fine: '\u{1F600}\u001b[0m',
    number: 1.5,
    none: null,
  };
  const entries = [
    {
      type: 'TOOL_CALL',
      content: 'x\0y\ud800z',
      toolName: 'na\0me',
      toolInput: input,
      messageId: 'm\0',
      createdAt,
    },
    { type: 'STDOUT', content: '\u{1F600} \\u0000 \u0001 \u2028', createdAt },
  ];
  await daemon.api.mutate('appendTaskOutput', { taskId, attempt: 1, firstIndex: 0, entries }, 'nextIndex');
  expect(await stored(taskId, 'content toolName toolInput messageId createdAt')).toEqual([
    {
      content: 'x\uFFFDy\uFFFDz',
      toolName: 'na\uFFFDme',
      toolInput: {
        'a\uFFFDb': 'c\uFFFDd',
        '\uFFFD': ['\uFFFD', { deep: '\uFFFD' }],
        fine: '\u{1F600}\u001b[0m',
        number: 1.5,
        none: null,
      },
      messageId: 'm\uFFFD',
      createdAt,
    },
    {
      content: '\u{1F600} \\u0000 \u0001 \u2028',
      toolName: null,
      toolInput: null,
      messageId: null,
      createdAt,
    },
  ]);
});

test('every field of an entry is stored as it was sent, and one that was left out is null or false', async () => {
  const { taskId } = await runningTask(api, daemon);
  const createdAt = '2026-11-23T09:30:00.120Z';
  const bare = { type: 'SYSTEM', content: 'bare', createdAt };
  const full = {
    type: 'TOOL_RESULT',
    content: 'full',
    messageId: 'm_1',
    toolName: 'Read',
    toolInput: { path: 'a.txt' },
    isError: true,
    isPartial: true,
    costUsd: 0.25,
    durationMs: 1_200,
    createdAt: '2026-11-23T09:30:00.121Z',
  };
  const input = { taskId, attempt: 1, firstIndex: 0, entries: [bare, full, bare] };
  await daemon.api.mutate('appendTaskOutput', input, 'nextIndex');
  const nothing = { messageId: null, toolName: null, toolInput: null, costUsd: null, durationMs: null };
  const bareStored = { ...bare, ...nothing, isError: false, isPartial: false };
  expect(await stored(taskId, Object.keys(full).join(' '))).toEqual([bareStored, full, bareStored]);
});

const ENTRY =
  'type content messageId isPartial isError toolName toolInput costUsd durationMs attempt occurredAt createdAt';

test('who follows on the instance that stores a batch gets it without its being read again, as whoever reads it later', async () => {
  const { taskId, contractId } = await runningTask(api, daemon);
  const createdAt = '2026-11-23T09:30:00.120Z';
  const odd = [
    { type: 'STDOUT', content: 'x\0y\ud800z \u{1F600} \u2028', createdAt },
    { type: 'STDERR', content: '', isError: true, createdAt },
    {
      type: 'RESULT',
      content: 'r',
      costUsd: 0.000_000_1,
      durationMs: 2_147_483_647,
      messageId: 'm',
      createdAt,
    },
    { type: 'THOUGHT', content: 't'.repeat(5_000), isPartial: true, toolName: null, createdAt },
  ];
  const tool = {
    type: 'TOOL_CALL',
    content: 'call',
    toolInput: { zz: [{ b: 1, a: -0 }], a: 1e-7 },
    createdAt,
  };
  const query = `subscription($id: ID!) { contractEvents(contractId: $id, afterSequence: 0) { sequence ... on OutputEntry { ${ENTRY} task { id } } } }`;
  const subscription = api.subscribe(query, { id: contractId });
  const append = (firstIndex: number, entries: object[]) =>
    daemon.api.mutate('appendTaskOutput', { taskId, attempt: 1, firstIndex, entries }, 'nextIndex');
  await append(0, odd);
  const heard = await subscription.until((received) => received.at(-1)?.content === odd.at(-1)?.content);
  const before = heard.length;
  const statements = await statementsDuring(server, async () => {
    await append(4, odd);
    // The last two again.
    await append(6, [...odd.slice(2), ...odd]);
    await subscription.count(before + 8);
  });
  expect(statements.filter((sql) => sql.includes('from contract_event'))).toEqual([]);
  // The database orders what is in a tool's input, so that one is read.
  await append(12, [tool, ...odd]);
  const live = await subscription.count(before + 13);
  subscription.stop();
  expect(live.map(({ sequence }) => sequence)).toEqual(live.map((_, index) => index + 1));
  const entries = live.filter(({ task }) => task?.id === taskId);
  const later = await stored(taskId, ENTRY);
  expect(later).toHaveLength(17);
  expect(entries.map(({ sequence: _, task: __, ...entry }) => JSON.stringify(entry))).toEqual(
    later.map((entry) => JSON.stringify(entry)),
  );
});

test('of a task only what never changes is read once for a subscription to its output, and what changes with each batch', async () => {
  const { taskId } = await runningTask(api, daemon);
  const createdAt = '2026-11-23T09:30:00.120Z';
  let firstIndex = 0;
  const append = async () => {
    const entries = [{ type: 'STDOUT', content: `line ${firstIndex}`, createdAt }];
    await daemon.api.mutate('appendTaskOutput', { taskId, attempt: 1, firstIndex, entries }, 'nextIndex');
    firstIndex += 1;
  };
  const readsOf = async (asked: string, fragments = '') => {
    const query = `subscription($id: ID!) { taskOutput(taskId: $id, afterSequence: 0) { content task { ${asked} } } } ${fragments}`;
    const subscription = api.subscribe(query, { id: taskId });
    await append();
    const { length } = await subscription.until(
      (received) => received.at(-1)?.content === `line ${firstIndex - 1}`,
    );
    const statements = await statementsDuring(server, async () => {
      await append();
      await subscription.count(length + 1);
      await append();
      await subscription.count(length + 2);
    });
    subscription.stop();
    const { task } = (await subscription.count(length + 2)).at(-1) as Answer;
    return { reads: statements.filter((sql) => sql.includes('from "task" where "id" = any')).length, task };
  };
  expect(await readsOf('id name role')).toEqual({
    reads: 0,
    task: { id: taskId, name: expect.any(String), role: 'WORK' },
  });
  expect(await readsOf('name status')).toEqual({
    reads: 2,
    task: { name: expect.any(String), status: 'RUNNING' },
  });
  const hidden = 'fragment one on Task { name ...two } fragment two on Node { ... on Task { now: version } }';
  expect((await readsOf('...one', hidden)).reads).toBe(2);
});
