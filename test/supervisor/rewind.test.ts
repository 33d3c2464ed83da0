import { describe, expect, test } from 'vitest';
import type { Answer } from '../support/api.ts';
import { HandDaemon, openContract, spawn, statusOf } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing } from '../support/snapshot.ts';
import { conversation, messageIds, type Supervised, supervised } from './support.ts';

const { api, server } = await startTestServer();
const daemon = (await HandDaemon.connect(api, { max: 100 })).alive();
const PAYLOAD =
  'messagesRemoved newMessageCount codeRewound checkpoint { id number } undoCheckpoint { id } pending';
const rewind = (contractId: string, more: object = {}): Promise<Answer> =>
  api.mutate('rewindConversation', { contractId, ...more }, PAYLOAD);

/** Four messages; a checkpoint after the first two, and one after all. */
async function talked(): Promise<Supervised & { early: Answer; late: Answer }> {
  const world = await supervised(api, daemon);
  const { supervisorId, worktreeId } = world;
  await daemon.say(supervisorId, 1, 0, ['USER: a', 'ASSISTANT: b']);
  const early = await daemon.save(supervisorId, 1, worktreeId);
  await daemon.say(supervisorId, 1, 2, ['USER: c', 'ASSISTANT: d']);
  const late = await daemon.save(supervisorId, 1, worktreeId);
  return { ...world, early, late };
}

/** Does what a daemon does that is told to rewind: the state before is a checkpoint, and the state after. */
async function rewindCopy({
  supervisorId,
  worktreeId,
}: Supervised): Promise<{ command: Answer; before: Answer }> {
  const command = await daemon.command('REWIND_WORKTREE', supervisorId);
  await daemon.accept(command);
  const before = await daemon.save(supervisorId, 1, worktreeId, { message: 'Before rewinding' });
  const { commitSha } = command.payload.checkpoint;
  await daemon.save(supervisorId, 1, worktreeId, { commitSha, message: 'Back' });
  await daemon.complete(command, { checkpointId: before.id });
  return { command, before };
}

describe('by count', () => {
  test.each([
    [undefined, ['a', 'b', 'c', '(d)']],
    [1, ['a', 'b', 'c', '(d)']],
    [3, ['a', '(b)', '(c)', '(d)']],
    [99, ['(a)', '(b)', '(c)', '(d)']],
    [0, ['a', 'b', 'c', 'd']],
  ])('%s', async (byMessageCount, expected) => {
    const { contractId } = await talked();
    const kept = expected.filter((text) => !text.startsWith('(')).length;
    expect(await rewind(contractId, { byMessageCount })).toEqual({
      messagesRemoved: 4 - kept,
      newMessageCount: kept,
      codeRewound: false,
      checkpoint: null,
      undoCheckpoint: null,
      pending: false,
    });
    expect(await conversation(api, contractId)).toEqual(expected);
  });
});

test('to a message: it stays as the last; a running supervisor is paused, and its next start is a new session', async () => {
  const { contractId, supervisorId } = await talked();
  const ids = await messageIds(api, contractId);
  await rewind(contractId, { toMessageId: ids.b });
  expect(await conversation(api, contractId)).toEqual(['a', 'b', '(c)', '(d)']);
  expect(await statusOf(api, supervisorId)).toBe('PAUSED');
  await daemon.command('PAUSE_TASK', supervisorId);
  // Going on means a new attempt: the agent's own memory still has all of it.
  await api.mutate('resumeTask', { taskId: supervisorId }, 'task { status }');
  await daemon.command('CANCEL_TASK', supervisorId, 1);
  const { payload } = await daemon.command('SPAWN_TASK', supervisorId, 2);
  expect(payload.session).toBeNull();
  expect(payload.conversation.map(({ content }: Answer) => content)).toEqual(['a', 'b']);
  expect(payload.recovery).toMatch(/A person took you back/);
  await daemon.start(supervisorId, 2, 'second');
  await daemon.say(supervisorId, 2, 0, ['ASSISTANT: e']);
  expect(await conversation(api, contractId)).toEqual(['a', 'b', '(c)', '(d)', 'e']);
});

test('a dry run tells all of it and does nothing', async () => {
  const { contractId, early } = await talked();
  const preview = await changesNothing(server, () =>
    rewind(contractId, { byMessageCount: 2, rewindCode: true, dryRun: true }),
  );
  expect(preview).toEqual({
    messagesRemoved: 2,
    newMessageCount: 2,
    codeRewound: true,
    checkpoint: { id: early.id, number: 1 },
    undoCheckpoint: null,
    pending: false,
  });
});

describe('with code', () => {
  test('both go back together, to the last checkpoint at or before the message; it can be undone', async () => {
    const world = await talked();
    const { contractId, supervisorId, early } = world;
    const rewinding = rewind(contractId, { byMessageCount: 1, rewindCode: true });
    const { command, before } = await rewindCopy(world);
    expect(command.payload.checkpoint).toMatchObject({ checkpointId: early.id, commitSha: early.commitSha });
    expect(await rewinding).toMatchObject({
      messagesRemoved: 1,
      codeRewound: true,
      checkpoint: { id: early.id },
      undoCheckpoint: { id: before.id },
    });
    expect(await conversation(api, contractId)).toEqual(['a', 'b', 'c', '(d)']);
    const { payload } = command;
    expect(payload).toMatchObject({ attempt: 1, worktreeId: world.worktreeId });
    const input = { contractId, mode: 'FROM_CHECKPOINT', checkpointId: before.id };
    await api.mutate('resumeSupervisor', input, 'status');
    expect(await conversation(api, contractId)).toEqual(['a', 'b', 'c', 'd']);
    expect((await daemon.command('SPAWN_TASK', supervisorId, 2)).payload.worktree.restore.commitSha).toBe(
      before.commitSha,
    );
  });

  test('checkpoints of what was rewound do not count for a later message', async () => {
    const world = await talked();
    const { contractId, supervisorId, worktreeId, early } = world;
    const first = rewind(contractId, { byMessageCount: 2, rewindCode: true });
    await rewindCopy(world);
    await first;
    await api.mutate('resumeTask', { taskId: supervisorId }, 'task { status }');
    await daemon.start(supervisorId, 2, 'second');
    await daemon.say(supervisorId, 2, 0, ['USER: e']);
    const preview = { byMessageCount: 0, rewindCode: true, dryRun: true };
    // The last one made is that of the state after the rewinding; those of c and d are of another past.
    const { checkpoint } = await rewind(contractId, preview);
    expect(checkpoint.number).toBeGreaterThan(3);
    expect(checkpoint.id).not.toBe(early.id);
    expect(worktreeId).toBeTruthy();
  });

  test('while the daemon is at it, nobody is woken, resumed or rewound', async () => {
    const world = await talked();
    const { contractId, supervisorId } = world;
    const guard = { contractId, question: 'On?', phaseguard: true };
    const { question } = await api.mutate('askQuestion', guard, 'question { id }');
    const rewinding = rewind(contractId, { rewindCode: true });
    await daemon.command('REWIND_WORKTREE', supervisorId);
    await api.mutate('sendMessage', { taskId: supervisorId, content: 'hurry' }, 'message { id }');
    expect(await statusOf(api, supervisorId)).toBe('PAUSED');
    const refusals: [string, object][] = [
      ['resumeTask', { taskId: supervisorId }],
      ['resumeSupervisor', { contractId }],
      ['rewindConversation', { contractId }],
      ['answerQuestion', { questionId: question.id, text: 'on' }],
    ];
    for (const [name, input] of refusals)
      expect((await changesNothing(server, () => api.mutationRefused(name, input))).code, name).toBe(
        'INVALID_TRANSITION',
      );
    await rewindCopy(world);
    await rewinding;
    await api.mutate('resumeTask', { taskId: supervisorId }, 'task { status }');
  });

  test('when the daemon cannot do it, neither code nor conversation is rewound', async () => {
    const { contractId, supervisorId } = await talked();
    const input = { contractId, rewindCode: true };
    const refusing = api.mutationRefused('rewindConversation', input);
    const command = await daemon.command('REWIND_WORKTREE', supervisorId);
    await daemon.accept(command);
    await daemon.fail(command, 'TARGET_DIRTY', 'An ignored file is in the way.');
    expect(await refusing).toMatchObject({ code: 'TARGET_DIRTY', message: 'An ignored file is in the way.' });
    expect(await conversation(api, contractId)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('no checkpoint at or before the message: NO_CHECKPOINT', async () => {
    const { contractId } = await talked();
    const input = { contractId, byMessageCount: 3, rewindCode: true };
    const refused = await changesNothing(server, () => api.mutationRefused('rewindConversation', input));
    expect(refused.code).toBe('NO_CHECKPOINT');
  });

  test('while tasks work in its copy: COPY_IN_USE naming them; without code they are not in the way', async () => {
    const { contractId } = await talked();
    const sharer = await spawn(api, contractId, { useOwnWorktree: false });
    await daemon.start(sharer);
    const input = { contractId, byMessageCount: 1, rewindCode: true };
    const refused = await changesNothing(server, () => api.mutationRefused('rewindConversation', input));
    expect(refused).toMatchObject({ code: 'COPY_IN_USE', extensions: { taskIds: [sharer] } });
    await rewind(contractId, { byMessageCount: 1 });
  });

  test('with the daemon of the copy gone: NO_DAEMON', async () => {
    const gone = await HandDaemon.connect(api, { name: 'gone', agents: ['gone'] });
    const { contractId, supervisorId, worktreeId } = await supervised(api, gone, { agent: 'gone' });
    await gone.save(supervisorId, 1, worktreeId);
    await gone.report(supervisorId, 1, 'DONE');
    await gone.api.mutate('disconnectDaemon', { epoch: gone.epoch }, 'daemon { id }');
    const input = { contractId, rewindCode: true };
    const refused = await changesNothing(server, () => api.mutationRefused('rewindConversation', input));
    expect(refused.code).toBe('NO_DAEMON');
  });
});

test('the same request again gives the first answer and rewinds once', async () => {
  const { contractId } = await talked();
  const input = { contractId, requestId: `rewind ${contractId}` };
  const all = await Promise.all([1, 2, 3].map(() => api.mutate('rewindConversation', input, PAYLOAD)));
  expect(all).toEqual(Array(3).fill(all[0]));
  expect(await conversation(api, contractId)).toEqual(['a', 'b', 'c', '(d)']);
});

test('the log tells of a rewinding', async () => {
  const { contractId } = await talked();
  const events = api.subscribe(
    'subscription($id: ID!) { contractEvents(contractId: $id, afterSequence: 0, types: [CONVERSATION_REWOUND]) { ... on ConversationRewoundEvent { messagesRemoved newMessageCount undoCheckpoint { id } } } }',
    { id: contractId },
  );
  await rewind(contractId, { byMessageCount: 2 });
  expect(await events.count(1)).toEqual([{ messagesRemoved: 2, newMessageCount: 2, undoCheckpoint: null }]);
});

test('bad input is refused and changes nothing', async () => {
  const { contractId } = await talked();
  const other = await talked();
  const ids = await messageIds(api, other.contractId);
  const bare = await openContract(api, { startSupervisor: false });
  const starting = await openContract(api, { agent: 'nobody' });
  const cases: [object, object][] = [
    [
      { contractId, byMessageCount: 1, toMessageId: ids.a },
      { code: 'INVALID_INPUT', field: 'toMessageId' },
    ],
    [
      { contractId, byMessageCount: -1 },
      { code: 'INVALID_INPUT', field: 'byMessageCount' },
    ],
    [{ contractId, toMessageId: ids.a }, { code: 'NOT_FOUND' }],
    [
      { contractId, toMessageId: contractId },
      { code: 'INVALID_INPUT', field: 'toMessageId' },
    ],
    [{ contractId: bare.contractId }, { code: 'NO_SUPERVISOR' }],
    [{ contractId: starting.contractId }, { code: 'INVALID_TRANSITION' }],
  ];
  for (const [input, expected] of cases) {
    const refused = await changesNothing(server, () => api.mutationRefused('rewindConversation', input));
    expect(refused, JSON.stringify(input)).toMatchObject(expected);
  }
});
