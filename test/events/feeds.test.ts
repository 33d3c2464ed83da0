import { expect, test } from 'vitest';
import { eventually } from '../support/api.ts';
import { HandDaemon, openContract, spawn, untilStatus } from '../support/daemon.ts';
import { runningTask } from '../support/running-task.ts';
import { startTestServer } from '../support/server.ts';
import { SseSubscription } from '../support/sse.ts';

const { api, newOwner } = await startTestServer();
const daemon = await HandDaemon.connect(api, { max: 100 });

const ASKED =
  'subscription($contractId: ID) { questionAsked(contractId: $contractId) { id question status contract { id } } }';
const ANSWERED =
  'subscription($contractId: ID) { questionAnswered(contractId: $contractId) { id status response } }';

async function ask(from: typeof api, question: string, more: object = {}): Promise<string> {
  const payload = await from.mutate(
    'askQuestion',
    { question, waitSeconds: 0, ...more },
    'outcome question { id }',
  );
  expect(payload.outcome).toBe('PENDING');
  return payload.question.id;
}

test('questionAsked gives the pending ones first, then live, of all contracts or of one, and none of another owner', async () => {
  const [one, two] = [await runningTask(api, daemon), await runningTask(api, daemon)];
  const stranger = await newOwner();
  const strangers = await runningTask(stranger, await HandDaemon.connect(stranger));

  const answered = await ask(one.supervisor, 'answered before');
  await api.mutate('answerQuestion', { questionId: answered, text: 'yes' }, 'question { id }');
  await ask(one.supervisor, 'pending in one');
  await ask(strangers.supervisor, 'pending of a stranger');
  await ask(two.supervisor, 'pending in two');

  const all = [api.subscribe(ASKED), new SseSubscription(api, ASKED)];
  const ofOne = [
    api.subscribe(ASKED, { contractId: one.contractId }),
    one.agent.subscribe(ASKED, { contractId: one.contractId }),
  ];
  const theirs = stranger.subscribe(ASKED);
  for (const each of all) await each.count(2);
  for (const each of ofOne) await each.count(1);
  await theirs.count(1);

  await ask(strangers.supervisor, 'live of a stranger');
  await ask(two.supervisor, 'live in two');
  const id = await ask(one.supervisor, 'live in one');
  await api.mutate('answerQuestion', { questionId: id, text: 'now' }, 'question { id }');
  await ask(one.supervisor, 'last in one');

  const names = (received: { question: string }[]) => received.map(({ question }) => question);
  for (const each of all) {
    const expected = ['pending in one', 'pending in two', 'live in two', 'live in one', 'last in one'];
    expect(names(await each.count(5))).toEqual(expected);
  }
  for (const each of ofOne)
    expect(names(await each.count(3))).toEqual(['pending in one', 'live in one', 'last in one']);
  expect(names(await theirs.count(2))).toEqual(['pending of a stranger', 'live of a stranger']);
  for (const each of [...all, ...ofOne, theirs]) each.stop();

  const foreign = await stranger.subscribe(ASKED, { contractId: one.contractId }).refusal();
  expect(foreign.code).toBe('NOT_FOUND');
  const mismatch = await two.supervisor.subscribe(ASKED, { contractId: one.contractId }).refusal();
  expect(mismatch.code).toBe('CONTRACT_MISMATCH');
  expect((await one.agent.subscribe(ASKED).refusal()).code).toBe('FORBIDDEN');
});

test('questionAnswered gives each answer once, as it is given', async () => {
  const { supervisor, contractId } = await runningTask(api, daemon);
  const other = await runningTask(api, daemon);
  const before = await ask(supervisor, 'answered before');
  await api.mutate('answerQuestion', { questionId: before, text: 'early' }, 'question { id }');
  const all = api.subscribe(ANSWERED);
  const ofOne = api.subscribe(ANSWERED, { contractId });
  // What was answered before does not come, and nothing tells when a subscription has begun: answer until one has come.
  const given: string[] = [];
  while (all.received.length === 0 || ofOne.received.length === 0) {
    const id = await ask(supervisor, 'probe');
    await api.mutate('answerQuestion', { questionId: id, text: id }, 'question { id }');
    given.push(id);
  }
  const elsewhere = await ask(other.supervisor, 'elsewhere', { choices: ['a', 'b'] });
  await api.mutate('answerQuestion', { questionId: elsewhere, choices: ['b'] }, 'question { id }');
  const last = await ask(supervisor, 'last');
  await api.mutate('answerQuestion', { questionId: last, text: 'end' }, 'question { id }');
  const ends = (received: { id: string }[]) => received.at(-1)?.id === last;
  const fromAll = (await all.until(ends)).map(({ id }) => id);
  const fromOne = (await ofOne.until(ends)).map(({ id }) => id);
  expect(fromAll).toEqual([...given, elsewhere, last].slice(-fromAll.length));
  expect(fromOne).toEqual([...given, last].slice(-fromOne.length));
  expect(all.received.at(-2)).toEqual({ id: elsewhere, status: 'ANSWERED', response: 'b' });
});

test('daemonCommands gives the unanswered ones first and each once per connection', async () => {
  const owner = await newOwner();
  const worker = await HandDaemon.connect(owner);
  const { contractId, supervisorId } = await openContract(owner);
  const first = await worker.command('SPAWN_TASK', supervisorId);
  await worker.accept(first);
  const taskId = await spawn(owner, contractId);
  const second = await worker.command('SPAWN_TASK', taskId);

  const again = worker.listen();
  expect((await again.count(2)).map(({ id }) => id)).toEqual([first.id, second.id]);
  await worker.start(supervisorId);
  const third = await worker.command('SPAWN_TASK', await spawn(owner, contractId));
  expect((await again.count(3)).map(({ id }) => id)).toEqual([first.id, second.id, third.id]);
  expect(worker.commands.received.map(({ id }) => id)).toEqual([first.id, second.id, third.id]);

  // What has been answered does not come again.
  const later = worker.listen();
  expect((await later.count(2)).map(({ id }) => id)).toEqual([second.id, third.id]);
  await Promise.all([second, third].map((command) => worker.accept(command)));
  const sse = new SseSubscription(worker.api, COMMANDS, { daemonId: worker.id, epoch: worker.epoch });
  expect((await sse.count(2)).map(({ id }) => id)).toEqual([second.id, third.id]);
  sse.stop();
});

const COMMANDS =
  'subscription($daemonId: ID!, $epoch: Int!) { daemonCommands(daemonId: $daemonId, epoch: $epoch) { id } }';

test('when a daemon registers again its older connections end with STALE_EPOCH at once, over WebSocket and SSE', async () => {
  const owner = await newOwner();
  const worker = await HandDaemon.connect(owner);
  const old = worker.commands;
  const sse = new SseSubscription(worker.api, COMMANDS, { daemonId: worker.id, epoch: worker.epoch });
  const { supervisorId } = await openContract(owner);
  const spawned = await worker.command('SPAWN_TASK', supervisorId);
  await sse.count(1);
  const oldEpoch = worker.epoch;

  const registeredAt = performance.now();
  await worker.register();
  const refusal = await old.refusal();
  expect(refusal).toMatchObject({
    code: 'STALE_EPOCH',
    extensions: { reason: 'REPLACED', epoch: oldEpoch + 1 },
  });
  expect(await sse.refusalCode()).toBe('STALE_EPOCH');
  // Not only when the next poll comes, after 3 s.
  expect(performance.now() - registeredAt).toBeLessThan(2_500);

  expect((await worker.commands.count(1))[0].id).toBe(spawned.id);
  const stale = await worker.api.mutationRefused('acceptCommand', { commandId: spawned.id, epoch: oldEpoch });
  expect(stale.code).toBe('STALE_EPOCH');
  const late = await worker.api.subscribe(COMMANDS, { daemonId: worker.id, epoch: oldEpoch }).refusal();
  expect(late.code).toBe('STALE_EPOCH');
  expect((await worker.api.subscribe(COMMANDS, { daemonId: daemon.id, epoch: 1 }).refusal()).code).toBe(
    'NOT_FOUND',
  );
  await worker.start(supervisorId);
  await untilStatus(owner, supervisorId, 'RUNNING');
  await eventually(() => old.done);
});
