import { expect, test } from 'vitest';
import type { Answer, Api } from '../support/api.ts';
import { eventually } from '../support/api.ts';
import { TestClock } from '../support/clock.ts';
import { HandDaemon, openContract, readInbox, spawn, statusOf } from '../support/daemon.ts';
import { embedded } from '../support/database.ts';
import { moveClock } from '../support/passing-time.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing, countOf } from '../support/snapshot.ts';

const clock = new TestClock();
const { api, server, another } = await startTestServer({ clock });
const daemon = (await HandDaemon.connect(api, { max: 100 })).alive();

const ROLE = 'query($id: ID!) { tasks(contractId: $id, role: RED_TEAM) { nodes { id agent plan role } } }';
const redTeamOf = (contractId: string): Promise<Answer> =>
  eventually(async () => (await api.ask(ROLE, { id: contractId })).tasks.nodes[0]);

interface Watched {
  readonly contractId: string;
  readonly supervisorId: string;
  readonly supervisor: Api;
  readonly taskId: string;
  readonly redTeam: Api;
  readonly redTeamId: string;
  readonly spawned: Answer;
}
async function watched(): Promise<Watched> {
  const { contractId, supervisorId } = await openContract(api, {
    name: 'Watched',
    redTeamEnabled: true,
    redTeamPrompt: 'Look for SQL that is put together from input.',
  });
  const { agent: supervisor } = await daemon.start(supervisorId, 1, 's');
  const taskId = await spawn(api, contractId);
  await daemon.start(taskId);
  const { id: redTeamId } = await redTeamOf(contractId);
  const { agent: redTeam, command: spawned } = await daemon.start(redTeamId, 1, 'r');
  return { contractId, supervisorId, supervisor, taskId, redTeam, redTeamId, spawned };
}
const notify = (agent: Api, more: object = {}): Promise<Answer> =>
  agent.mutate(
    'notifySupervisor',
    { message: 'Passwords in the log', severity: 'HIGH', ...more },
    'duplicate',
  );

test('comes with the start of the first work task, local-only, without a working copy, told all it needs', async () => {
  const { contractId, supervisorId } = await openContract(api, {
    name: 'Payments',
    redTeamEnabled: true,
    redTeamPrompt: 'Mind the money.',
  });
  await daemon.start(supervisorId);
  await server.supervision.sweepNow();
  expect((await api.ask(ROLE, { id: contractId })).tasks.nodes).toEqual([]);
  await spawn(api, contractId);
  const { id, plan } = await redTeamOf(contractId);
  for (const told of [
    'red team',
    'notify_supervisor',
    'CRITICAL',
    'nitpicking',
    'Mind the money.',
    'Payments',
    'EXECUTE',
  ])
    expect(plan).toContain(told);
  const { payload } = await daemon.command('SPAWN_TASK', id);
  expect(payload).toMatchObject({
    role: 'RED_TEAM',
    worktree: null,
    repository: null,
    localOnly: true,
    briefing: plan,
    watch: { afterSequence: 0 },
  });
});

test('is spawned once per contract, however many tasks start at once and servers look', async () => {
  const second = embedded ? null : await another();
  const { contractId, supervisorId } = await openContract(api, { redTeamEnabled: true });
  await daemon.start(supervisorId);
  const ids = await Promise.all(Array.from({ length: 8 }, () => spawn(api, contractId)));
  await Promise.all(ids.map((id) => daemon.start(id)));
  await Promise.all([server.supervision.sweepNow(), second?.supervision.sweepNow()]);
  await redTeamOf(contractId);
  expect((await api.ask(ROLE, { id: contractId })).tasks.nodes).toHaveLength(1);
  await second?.close();
});

test('a contract that wants none gets none; one that wants it later gets it then', async () => {
  const { contractId, supervisorId } = await openContract(api);
  await daemon.start(supervisorId);
  await daemon.start(await spawn(api, contractId));
  await server.supervision.sweepNow();
  expect((await api.ask(ROLE, { id: contractId })).tasks.nodes).toEqual([]);
  const change = { contractId, redTeamEnabled: true, redTeamAgent: 'reviewer' };
  await api.mutate('updateContract', change, 'contract { redTeamEnabled }');
  expect((await redTeamOf(contractId)).agent).toBe('reviewer');
});

test('a red team that cannot be started leaves the work task alone', async () => {
  const { contractId, supervisorId } = await openContract(api, { redTeamEnabled: true });
  await daemon.start(supervisorId);
  const taskId = await spawn(api, contractId);
  await daemon.start(taskId);
  const { id } = await redTeamOf(contractId);
  await daemon.command('SPAWN_TASK', id);
  await daemon.report(id, 1, 'FAILED', { errorMessage: 'no such agent' });
  expect(await statusOf(api, taskId)).toBe('RUNNING');
});

test('sees the output of all work tasks of its contract, and of no other contract', async () => {
  const { contractId, taskId, redTeam } = await watched();
  const other = await watched();
  const watch =
    'subscription($id: ID!) { contractOutput(contractId: $id, afterSequence: 0, role: WORK) { content task { id } } }';
  const seen = redTeam.subscribe(watch, { id: contractId });
  await daemon.append(taskId, 1, 0, ['mine']);
  expect(await seen.count(1)).toEqual([{ content: 'mine', task: { id: taskId } }]);
  expect(await redTeam.subscribe(watch, { id: other.contractId }).refusal()).toMatchObject({
    code: 'CONTRACT_MISMATCH',
  });
  const spawning = { contractId, name: 'x', plan: 'x' };
  expect(await redTeam.mutationRefused('spawnTask', spawning)).toMatchObject({ code: 'NOT_SUPERVISOR' });
});

test('a warning is an event for the person and a message to the supervisor', async () => {
  const { contractId, supervisor, supervisorId, taskId, redTeam } = await watched();
  const warnings = api.subscribe(
    'subscription($id: ID!) { contractEvents(contractId: $id, afterSequence: 0, types: [RED_TEAM_NOTIFIED]) { ... on RedTeamNotifiedEvent { severity message file context task { id } } } }',
    { id: contractId },
  );
  const about = { taskId, file: 'src/login.ts', context: 'log(password)' };
  expect(await notify(redTeam, about)).toEqual({ duplicate: false });
  expect(await warnings.count(1)).toEqual([
    {
      severity: 'HIGH',
      message: 'Passwords in the log',
      file: 'src/login.ts',
      context: 'log(password)',
      task: { id: taskId },
    },
  ]);
  await daemon.command('SEND_MESSAGE', supervisorId);
  const [message] = await readInbox(supervisor);
  expect(message.sender).toBe('TASK');
  for (const part of ['HIGH', 'Passwords in the log', 'src/login.ts', taskId, 'log(password)'])
    expect(message.content).toContain(part);
});

test('a warning wakes a supervisor that waits', async () => {
  const { supervisorId, redTeam } = await watched();
  await daemon.report(supervisorId, 1, 'WAITING', { sessionId: 's' });
  await notify(redTeam);
  expect(await statusOf(api, supervisorId)).toBe('RUNNING');
});

test('ten equal ones at the same moment are one', async () => {
  const { redTeam, supervisor } = await watched();
  const all = await Promise.all(Array.from({ length: 10 }, () => notify(redTeam)));
  expect(all.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
  expect(await readInbox(supervisor)).toHaveLength(1);
});

test('below CRITICAL at most 30 an hour are told', async () => {
  const { redTeam } = await watched();
  for (let n = 0; n < 30; n += 1) await notify(redTeam, { message: `warning ${n}`, severity: 'LOW' });
  const more = { message: 'one more', severity: 'LOW' };
  const refused = await changesNothing(server, () => redTeam.mutationRefused('notifySupervisor', more));
  expect(refused.code).toBe('RATE_LIMITED');
  expect(await notify(redTeam, { message: 'the worst', severity: 'CRITICAL' })).toEqual({ duplicate: false });
});

test('a task of another contract, or a blank message, is refused', async () => {
  const { redTeam } = await watched();
  const other = await watched();
  for (const [input, field] of [
    [{ message: 'x', severity: 'LOW', taskId: other.taskId }, 'taskId'],
    [{ message: ' ', severity: 'LOW' }, 'message'],
  ] as const)
    expect(
      await changesNothing(server, () => redTeam.mutationRefused('notifySupervisor', input)),
    ).toMatchObject({
      code: 'INVALID_INPUT',
      field,
    });
});

test('started again, it goes on behind what it was told', async () => {
  const { redTeamId } = await watched();
  const createdAt = new Date().toISOString();
  const told = (upToSequence: number) => ({
    type: 'USER',
    content: 'output',
    toolInput: { upToSequence },
    createdAt,
  });
  const input = { taskId: redTeamId, attempt: 1, firstIndex: 0, entries: [told(7), told(12)] };
  await daemon.api.mutate('appendTaskOutput', input, 'nextIndex');
  await daemon.report(redTeamId, 1, 'INTERRUPTED', { outputCount: 2 });
  expect((await daemon.command('SPAWN_TASK', redTeamId, 2)).payload.watch).toEqual({ afterSequence: 12 });
});

test('ends with its contract, and does not hold up its completion', async () => {
  const { contractId, taskId, redTeamId } = await watched();
  await daemon.report(taskId, 1, 'DONE');
  await api.mutate('completeContract', { contractId }, 'contract { status }');
  expect((await daemon.command('CANCEL_TASK', redTeamId)).payload).toMatchObject({ outcome: 'DONE' });
  expect(await countOf(server, 'task', `role = 'RED_TEAM' and status = 'PENDING' and agent = 'shell'`)).toBe(
    0,
  );
});

// Last, since an hour of silence is noticed of every task.
test('an identical one within the hour is dropped; another, or one later, is not', async () => {
  const { redTeam, supervisor } = await watched();
  await notify(redTeam);
  expect(await changesNothing(server, () => notify(redTeam))).toEqual({ duplicate: true });
  expect(await notify(redTeam, { severity: 'CRITICAL' })).toEqual({ duplicate: false });
  expect(await notify(redTeam, { file: 'a' })).toEqual({ duplicate: false });
  await moveClock(server, clock, 3_600_001, daemon);
  expect(await notify(redTeam)).toEqual({ duplicate: false });
  expect(await readInbox(supervisor)).toHaveLength(4);
});
