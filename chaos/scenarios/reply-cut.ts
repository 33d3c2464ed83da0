import { createHash } from 'node:crypto';
import type { Answer, Api } from '../../test/support/api.ts';
import type { HandDaemon } from '../../test/support/daemon.ts';
import { type FaultyProxy, isSocket } from '../harness/faulty-proxy.ts';
import { insist } from '../harness/insist.ts';
import { BOTH, POSTGRESQL, type Scenario } from '../harness/scenario.ts';
import { giveCue, linesOf, speech } from '../harness/speech.ts';
import type { World } from '../harness/world.ts';

/** The reply to each call is cut off once, after the server has committed; the caller repeats the call as it is. */
export const replyCut: Scenario = {
  name: 'reply-cut',
  number: '2',
  promise:
    'The connection cut after commit, before the reply, 100 times for each of 12 calls: nothing doubled.',
  databases: BOTH,
  quick: POSTGRESQL,
  run: async (world) => {
    const server = await world.startServer();
    const proxy = await world.proxy(server.url);
    const far = world.api(proxy.url);
    const daemon = await world.handDaemon();
    const rounds = world.size(100, 5);
    for (let round = 0; round < rounds; round += 1) await playRound(world, proxy, far, daemon, round);
    await server.stop();
    await check(world, rounds);

    await server.start();
    const said = await throughBadLine(world, proxy);
    await server.stop();
    const output = await world.outputOf(said.taskId);
    world.verdict.sameList(
      'output over a bad line',
      said.lines,
      output.map(({ content }) => content),
    );
    await world.checkSequences();
    world.verdict.note(`${said.cuts} more replies of a daemon's cut`);
  },
};

async function playRound(
  world: World,
  proxy: FaultyProxy,
  far: Api,
  daemon: HandDaemon,
  round: number,
): Promise<void> {
  const hand = far.as(daemon.api.key);
  const call = async (api: Api, name: string, input: object, selection: string): Promise<Answer> => {
    const cut = cutNextReply(proxy);
    const payload = await insist(api, name, input, selection);
    world.verdict.check(cut.happened(), `the reply to ${name} was not cut`);
    world.verdict.ran();
    return payload;
  };
  const once = (name: string, input: object, selection = '__typename') =>
    call(far, name, { ...input, requestId: `${name} ${round}` }, selection);

  const { contract, supervisor } = await once(
    'createContract',
    {
      name: `Contract ${round}`,
      // Offered by no daemon: the supervisor stays where it is.
      agent: 'nobody',
      supervisorPlan: 'supervise',
      repositories: [{ localPath: world.repository, isPrimary: true }],
    },
    'contract { id } supervisor { id }',
  );
  const contractId = contract.id;
  await once('setDocument', { contractId, name: 'plan', content: 'one' });
  const spawned = { contractId, name: 'Task', plan: 'work', agent: 'shell', useOwnWorktree: true };
  const { task } = await once('spawnTask', spawned, 'task { id }');
  const command = await daemon.command('SPAWN_TASK', task.id);
  const { attempt } = command;
  const worktreeId = command.payload.worktree.id;
  const base = { taskId: task.id, attempt };
  const baseSha = '1'.repeat(40);
  const worktree = { id: worktreeId, path: '/copy', branch: 'b', baseBranch: 'main', baseSha };

  await call(hand, 'acceptCommand', { commandId: command.id, epoch: daemon.epoch }, 'toolKey');
  await call(hand, 'reportTask', { ...base, status: 'RUNNING', outputCount: 0, worktree }, 'task { status }');
  await call(
    hand,
    'completeCommand',
    { commandId: command.id, epoch: daemon.epoch, result: {} },
    '__typename',
  );
  const createdAt = new Date().toISOString();
  const entries = ['a', 'b', 'c'].map((content) => ({ type: 'STDOUT', content, createdAt }));
  await call(hand, 'appendTaskOutput', { ...base, firstIndex: 0, entries }, 'nextIndex');
  const uploadId = `upload ${round}`;
  const data = Buffer.from(uploadId).toString('base64');
  await call(hand, 'uploadCheckpointPart', { ...base, uploadId, index: 0, data }, 'received');
  const checkpoint = {
    ...base,
    worktreeId,
    commitSha: createHash('sha1').update(uploadId).digest('hex'),
    baseSha,
    branch: 'b',
    message: 'saved',
    filesChanged: 1,
    linesAdded: 1,
    linesRemoved: 0,
    uploadId,
    parts: 1,
    bytes: uploadId.length,
  };
  await call(hand, 'recordCheckpoint', checkpoint, 'created checkpoint { number }');
  await once('sendMessage', { taskId: supervisor.id, content: 'hello' });
  const asked = { contractId, question: 'Which?', choices: ['a', 'b'], nonBlocking: true };
  const { question } = await once('askQuestion', asked, 'question { id }');
  await once('answerQuestion', { questionId: question.id, choices: ['a'] });
  await call(hand, 'reportTask', { ...base, status: 'DONE', outputCount: 3 }, 'task { status }');
}

/** The next reply to a request is dropped, and its connection reset. */
function cutNextReply(proxy: FaultyProxy): { happened: () => boolean } {
  let isCut = false;
  proxy.onReply = (_bytes, link) => {
    if (isCut || isSocket(link)) return 'pass';
    isCut = true;
    return 'cut';
  };
  return { happened: () => isCut };
}

/** What each of the contracts must have, once. */
async function check(world: World, rounds: number): Promise<void> {
  const each: Record<string, number> = {
    'select count(*) from contract': 1,
    'select count(*) from document': 1,
    "select count(*) from task where role = 'WORK'": 1,
    "select count(*) from task where role = 'WORK' and status = 'DONE' and attempt = 1": 1,
    'select count(*) from task_attempt': 1,
    'select count(*) from command': 1,
    "select count(*) from contract_event where type = 'OUTPUT' and data->>'type' = 'STDOUT'": 3,
    "select count(*) from contract_event where type = 'TASK_CREATED'": 2,
    "select count(*) from contract_event where type = 'TASK_COMPLETED'": 1,
    "select count(*) from contract_event where type = 'CHECKPOINT_CREATED'": 1,
    "select count(*) from contract_event where type = 'QUESTION_ASKED'": 1,
    "select count(*) from contract_event where type = 'QUESTION_ANSWERED'": 1,
    'select count(*) from checkpoint': 1,
    'select count(*) from checkpoint_part': 1,
    'select count(*) from question': 1,
    // The one that was sent, and the answer, which nobody waited for.
    "select count(*) from task_message where sender = 'PERSON'": 2,
    "select count(*) from history where action = 'contract.created'": 1,
    "select count(*) from history where action = 'spawned'": 1,
    "select count(*) from history where action = 'question.asked'": 1,
    "select count(*) from history where action = 'question.answered'": 1,
  };
  const counts = Object.keys(each).map((sql, place) => `(${sql}) as c${place}`);
  const [row] = await world.database.query<Record<string, string | number>>(`select ${counts.join(', ')}`);
  for (const [place, [sql, count]] of Object.entries(each).entries()) {
    const expected = count * rounds;
    const actual = Number(row?.[`c${place}`]);
    world.verdict.doubled += Math.max(0, actual - expected);
    world.verdict.lost += Math.max(0, expected - actual);
    world.verdict.check(actual === expected, `${sql}: ${actual}, not ${expected}`);
  }
}

/** A real daemon and its agent, while one reply in five is cut. */
async function throughBadLine(
  world: World,
  proxy: FaultyProxy,
): Promise<{ taskId: string; lines: string[]; cuts: number }> {
  let cuts = 0;
  proxy.onReply = (_bytes, link) => {
    if (isSocket(link) || world.random() > 0.2) return 'pass';
    cuts += 1;
    return 'cut';
  };
  await world.startDaemon('machine', { serverUrl: proxy.url });
  const count = world.size(3_000, 300);
  const contractId = await world.contract();
  const plan = speech(world.directory, { parts: 1, linesEach: count, burst: 10, pause: 0.02 });
  const { daemons } = await world.api().ask('{ daemons { id name } }');
  const other = daemons.find(({ name }: Answer) => name !== 'machine');
  await world.api().mutate('drainDaemon', { daemonId: other.id }, '__typename');
  const taskId = await world.spawn(contractId, plan);
  giveCue(world.directory, 0);
  await world.untilTask(taskId, 'DONE', 120_000);
  return { taskId, lines: linesOf(count), cuts };
}
