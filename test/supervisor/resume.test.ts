import { describe, expect, test } from 'vitest';
import { TASK_STATUSES, type TaskStatus } from '../../src/tasks/task.states.ts';
import type { Answer } from '../support/api.ts';
import { StillClock } from '../support/clock.ts';
import { HandDaemon, openContract, spawn, statusOf } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing, rowsOf } from '../support/snapshot.ts';
import { conversation, supervised } from './support.ts';

// Many a start here is never accepted: with time, the scheduler would take it back while a refusal is looked at.
const { api, server } = await startTestServer({ clock: new StillClock() });
const daemon = (await HandDaemon.connect(api, { max: 100 })).alive();
const PAYLOAD =
  'task { id status attempt } daemon { id } status resumedFrom { phase lastActivity messageCount }';
const resume = (contractId: string, more: object = {}): Promise<Answer> =>
  api.mutate('resumeSupervisor', { contractId, ...more }, PAYLOAD);
const end = (supervisorId: string, outputCount: number, status = 'DONE') =>
  daemon.report(supervisorId, 1, status, { outputCount });

describe('a supervisor that is', () => {
  /** Whether resumeSupervisor starts it, by its state, with its daemon connected. */
  const RESUMED: Record<TaskStatus, true | string> = {
    PENDING: true,
    STARTING: 'ALREADY_RUNNING',
    RUNNING: 'ALREADY_RUNNING',
    PAUSED: true,
    WAITING: true,
    INTERRUPTED: true,
    CANCELLING: 'INVALID_TRANSITION',
    CANCELLED: true,
    DONE: true,
    FAILED: true,
    MERGED: true,
  };
  test.each(TASK_STATUSES.map((status) => [status, RESUMED[status]] as const))(
    '%s: %s',
    async (status, expected) => {
      const { contractId, supervisorId } = await supervised(api, daemon);
      const name = `resume ${status}`;
      await api.mutate('updateContract', { contractId, name }, 'contract { id }');
      // A profile that nobody offers keeps the scheduler from starting it meanwhile.
      const set = `status = '${status}', agent = '${status === 'PENDING' ? 'nobody' : 'shell'}'`;
      const which = `contract_id = (select id from contract where name = '${name}') and role = 'SUPERVISOR'`;
      await rowsOf(server, `update task set ${set} where ${which}`);
      if (expected !== true) {
        const input = { contractId };
        const refused = await changesNothing(server, () => api.mutationRefused('resumeSupervisor', input));
        expect(refused.code).toBe(expected);
        return;
      }
      const resumed = await resume(contractId);
      expect(resumed.task.id).toBe(supervisorId);
      if (status === 'PENDING') expect(resumed.status).toBe('PENDING');
      else
        expect(resumed).toMatchObject({
          status: 'STARTING',
          daemon: { id: daemon.id },
          task: { attempt: 2 },
        });
    },
  );
});

test('CONTINUE goes on in the same session with the whole conversation, and says from where', async () => {
  const { contractId, supervisorId } = await supervised(api, daemon);
  await daemon.say(supervisorId, 1, 0, ['USER: a', 'ASSISTANT: b']);
  await end(supervisorId, 2);
  const resumed = await resume(contractId);
  expect(resumed.resumedFrom).toEqual({
    phase: 'EXECUTE',
    lastActivity: expect.any(String),
    messageCount: 2,
  });
  const { payload } = await daemon.command('SPAWN_TASK', supervisorId, 2);
  expect(payload).toMatchObject({
    session: { id: 'session' },
    conversation: [{ content: 'a' }, { content: 'b' }],
  });
  // What it had declared of its end is not about this start.
  await daemon.start(supervisorId, 2, 'session');
  await daemon.report(supervisorId, 2, 'DONE', { outputSummary: 'second' });
  expect(await statusOf(api, supervisorId)).toBe('DONE');
});

test('RESTART_PHASE empties the conversation and keeps phase and code: a new session that is told nothing', async () => {
  const { contractId, supervisorId, worktreeId } = await supervised(api, daemon);
  await api.mutate('setContractPhase', { contractId, phase: 'PLAN' }, 'contract { id }');
  await daemon.say(supervisorId, 1, 0, ['USER: a', 'ASSISTANT: b']);
  await end(supervisorId, 2, 'FAILED');
  const resumed = await resume(contractId, { mode: 'RESTART_PHASE' });
  expect(resumed.resumedFrom).toMatchObject({ phase: 'PLAN', messageCount: 0 });
  const { payload } = await daemon.command('SPAWN_TASK', supervisorId, 2);
  expect(payload).toMatchObject({
    session: null,
    conversation: [],
    worktree: { id: worktreeId, restore: null },
  });
  expect(await conversation(api, contractId)).toEqual(['(a)', '(b)']);
});

test('FROM_CHECKPOINT takes code and conversation to that moment, in a copy made from it; nothing later is lost', async () => {
  const { contractId, supervisorId, worktreeId } = await supervised(api, daemon);
  await daemon.say(supervisorId, 1, 0, ['USER: a', 'ASSISTANT: b']);
  const early = await daemon.save(supervisorId, 1, worktreeId);
  await daemon.say(supervisorId, 1, 2, ['USER: c', 'ASSISTANT: d']);
  const late = await daemon.save(supervisorId, 1, worktreeId);
  await end(supervisorId, 4);
  await resume(contractId, { mode: 'FROM_CHECKPOINT', checkpointId: early.id });
  const { payload } = await daemon.command('SPAWN_TASK', supervisorId, 2);
  expect(payload.conversation.map(({ content }: Answer) => content)).toEqual(['a', 'b']);
  expect(payload.session).toBeNull();
  expect(payload.worktree.id).not.toBe(worktreeId);
  expect(payload.worktree.restore).toMatchObject({ number: 3, commitSha: early.commitSha, parts: 1 });
  // The data of the checkpoint is there under its new number too.
  const { checkpointId } = payload.worktree.restore;
  const part = 'query($id: ID!) { checkpointPart(checkpointId: $id, index: 0) }';
  await daemon.accept(await daemon.command('SPAWN_TASK', supervisorId, 2));
  expect((await daemon.api.ask(part, { id: checkpointId })).checkpointPart).toBe(
    (await daemon.api.ask(part, { id: early.id })).checkpointPart,
  );
  expect(await conversation(api, contractId)).toEqual(['a', 'b', '(c)', '(d)']);
  await daemon.report(supervisorId, 2, 'FAILED');
  // And back again to what was left: the messages of that time count again.
  await resume(contractId, { mode: 'FROM_CHECKPOINT', checkpointId: late.id });
  expect(await conversation(api, contractId)).toEqual(['a', 'b', 'c', 'd']);
});

test('a paused one is ended before it is started anew, so that there are never two', async () => {
  const { contractId, supervisorId } = await supervised(api, daemon);
  await api.mutate('pauseTask', { taskId: supervisorId }, 'task { id }');
  await resume(contractId);
  expect((await daemon.command('CANCEL_TASK', supervisorId, 1)).payload).toMatchObject({ graceSeconds: 0 });
  expect((await daemon.command('SPAWN_TASK', supervisorId, 2)).attempt).toBe(2);
  const stale = { taskId: supervisorId, attempt: 1, status: 'CANCELLED', outputCount: 0 };
  expect(await daemon.api.mutationRefused('reportTask', stale)).toMatchObject({ code: 'STALE_ATTEMPT' });
});

test('RUNNING on a daemon that is silent for longer than its lease is not running', async () => {
  const silent = await HandDaemon.connect(api, { name: 'silent', agents: ['silent'] });
  const { contractId, supervisorId } = await supervised(api, silent, { agent: 'silent' });
  const refused = await api.mutationRefused('resumeSupervisor', { contractId });
  expect(refused.code).toBe('ALREADY_RUNNING');
  await rowsOf(
    server,
    "update daemon set last_heartbeat_at = last_heartbeat_at - interval '25 seconds' where name = 'silent'",
  );
  const resumed = await resume(contractId);
  expect(resumed.task).toMatchObject({ id: supervisorId });
  expect(['PENDING', 'STARTING']).toContain(resumed.status);
  await silent.register({ name: 'silent', agents: ['silent'] });
});

test('the same request again gives the first answer and starts nothing twice', async () => {
  const { contractId, supervisorId } = await supervised(api, daemon);
  await daemon.say(supervisorId, 1, 0, ['USER: a']);
  await end(supervisorId, 1);
  const input = { contractId, requestId: 'once more' };
  const all = await Promise.all(
    [1, 2, 3].map(() =>
      api.mutate('resumeSupervisor', input, 'resumedFrom { messageCount } task { attempt }'),
    ),
  );
  expect(all).toEqual(Array(3).fill({ resumedFrom: { messageCount: 1 }, task: { attempt: 2 } }));
});

test('what cannot be resumed is refused and changes nothing', async () => {
  const { contractId } = await openContract(api, { startSupervisor: false });
  const other = await supervised(api, daemon);
  const foreign = await daemon.save(other.supervisorId, 1, other.worktreeId);
  const ended = await supervised(api, daemon);
  await end(ended.supervisorId, 0);
  const closed = await supervised(api, daemon);
  await api.mutate('completeContract', { contractId: closed.contractId }, 'contract { id }');
  const busy = await supervised(api, daemon);
  const checkpoint = await daemon.save(busy.supervisorId, 1, busy.worktreeId);
  const sharer = await spawn(api, busy.contractId, { useOwnWorktree: false });
  await daemon.start(sharer);
  await end(busy.supervisorId, 0);
  const cases: [object, object][] = [
    [{ contractId }, { code: 'NO_SUPERVISOR' }],
    [{ contractId: closed.contractId }, { code: 'CONTRACT_CLOSED' }],
    [
      { contractId: ended.contractId, mode: 'FROM_CHECKPOINT' },
      { code: 'INVALID_INPUT', field: 'checkpointId' },
    ],
    [
      { contractId: ended.contractId, checkpointId: foreign.id },
      { code: 'INVALID_INPUT', field: 'checkpointId' },
    ],
    [
      { contractId: ended.contractId, mode: 'FROM_CHECKPOINT', checkpointId: foreign.id },
      { code: 'NOT_FOUND' },
    ],
    [
      { contractId: busy.contractId, mode: 'FROM_CHECKPOINT', checkpointId: checkpoint.id },
      { code: 'COPY_IN_USE', extensions: { taskIds: [sharer] } },
    ],
  ];
  for (const [input, expected] of cases) {
    const refused = await changesNothing(server, () => api.mutationRefused('resumeSupervisor', input));
    expect(refused, JSON.stringify(input)).toMatchObject(expected);
  }
});

test('without a connected daemon: NO_DAEMON, and conversation and code are as before', async () => {
  const { contractId, supervisorId } = await supervised(api, daemon);
  await daemon.say(supervisorId, 1, 0, ['USER: a']);
  await end(supervisorId, 1);
  const { daemons } = await api.ask('{ daemons { id status } }');
  for (const { id, status } of daemons)
    if (status === 'CONNECTED') await api.mutate('drainDaemon', { daemonId: id }, 'daemon { id }');
  const input = { contractId, mode: 'RESTART_PHASE' };
  const refused = await changesNothing(server, () => api.mutationRefused('resumeSupervisor', input));
  expect(refused.code).toBe('NO_DAEMON');
  expect(await conversation(api, contractId)).toEqual(['a']);
});
