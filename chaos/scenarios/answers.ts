import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, type Api, eventually } from '../../test/support/api.ts';
import { openContract } from '../../test/support/daemon.ts';
import { numbered } from '../../test/support/running-task.ts';
import { insist } from '../harness/insist.ts';
import { BOTH, POSTGRESQL, type Scenario } from '../harness/scenario.ts';
import type { World } from '../harness/world.ts';

/** After so long an answer that nobody acknowledged has become a message. Milliseconds. */
const TOLD_MS = 17_000;

/** Many answer at once; who waits for an answer is cut while it commits. */
export const answers: Scenario = {
  name: 'answers',
  number: '12',
  promise:
    '100 concurrent answers to one question: one wins. A waiting asker cut as the answer commits, 200 times: the answer is there on return, and given once.',
  databases: BOTH,
  quick: POSTGRESQL,
  run: async (world) => {
    const servers = [await world.startServer()];
    if (world.kind === 'postgresql') servers.push(await world.startServer());
    const owners = servers.map((server) => world.api(server.url));
    const owner = owners[0] as Api;
    const daemon = await world.handDaemon();
    const { contractId, supervisorId } = await openContract(owner, {
      repositories: [{ localPath: world.repository, isPrimary: true }],
    });
    const { toolKey } = await daemon.start(supervisorId);

    for (let race = world.size(5, 1); race > 0; race -= 1) await raceAnswers(world, owners, contractId);
    await cutAskers(world, owners, servers.at(-1)?.url ?? '', toolKey);
    for (const server of servers) await server.stop();
    await world.checkSequences();
  },
};

async function raceAnswers(world: World, owners: readonly Api[], contractId: string): Promise<void> {
  const asked = { contractId, question: 'Which?', nonBlocking: true };
  const { question } = await (owners[0] as Api).mutate('askQuestion', asked, 'question { id }');
  const query =
    'mutation($input: AnswerQuestionInput!) { answerQuestion(input: $input) { question { response } } }';
  const tries = await Promise.all(
    numbered('answer', 100).map(async (text, index) => {
      const api = owners[index % owners.length] as Api;
      return { text, answer: await api.post(query, { input: { questionId: question.id, text } }) };
    }),
  );
  const won = tries.filter(({ answer }) => !answer.errors);
  const codes = new Set(tries.flatMap(({ answer }) => answer.errors?.[0]?.extensions.code ?? []));
  world.verdict.doubled += Math.max(0, won.length - 1);
  world.verdict.check(won.length === 1, `${won.length} answers won`);
  world.verdict.check([...codes].join() === 'QUESTION_CLOSED', `the others were told ${[...codes]}`);
  const stored = await (owners[0] as Api).ask(
    'query($id: ID!) { node(id: $id) { ... on Question { response } } }',
    {
      id: question.id,
    },
  );
  world.verdict.check(
    stored.node.response === won[0]?.text,
    'another answer is stored than the one that won',
  );
  world.verdict.ran();
}

async function cutAskers(world: World, owners: readonly Api[], url: string, toolKey: string): Promise<void> {
  const proxy = await world.proxy(url);
  const agent = world.api(proxy.url).as(toolKey);
  const direct = world.api(url).as(toolKey);
  await readAll(direct);
  const neverBack: string[] = [];
  const rounds = world.size(200, 10);
  for (let round = 0; round < rounds; round += 1) {
    const name = `question ${round}`;
    const response = `response ${round}`;
    const waiting = agent.mutate(
      'askQuestion',
      { question: name, requestId: name, waitSeconds: 50 },
      'outcome question { id response }',
    );
    waiting.catch(() => undefined);
    const id = await pendingId(owners[0] as Api, name);
    const isCutAtReply = world.random() < 0.5;
    proxy.onReply = () => (isCutAtReply ? 'cut' : 'pass');
    const answered = (owners[round % owners.length] as Api).mutate(
      'answerQuestion',
      { questionId: id, text: response },
      'question { id }',
    );
    await delay(world.between(0, 8));
    if (!isCutAtReply) proxy.cut();
    await answered;
    const heard = await Promise.race([waiting.catch(() => null), delay(2_000)]);
    proxy.onReply = () => 'pass';
    world.verdict.ran();
    if (heard) {
      world.verdict.check(heard.outcome === 'ANSWERED', `a waiting asker got ${heard.outcome}`);
    } else if (world.random() < 0.15) {
      neverBack.push(response);
      continue;
    }
    const again: Answer =
      heard ??
      (await insist(
        agent,
        'awaitAnswer',
        { questionId: id, timeoutSeconds: 5 },
        'outcome question { response }',
      ));
    const isThere = again.outcome === 'ANSWERED' && again.question.response === response;
    world.verdict.lost += isThere ? 0 : 1;
    world.verdict.check(isThere, `on return to ${name}: ${JSON.stringify(again)}`);
    await insist(agent, 'acknowledgeAnswer', { questionId: id }, '__typename');
  }
  await delay(TOLD_MS);
  const told = (await readAll(direct)).map((content) => /Answer: (.*)/.exec(content)?.[1] ?? content);
  world.verdict.sameList('answers told as messages', neverBack, told);
  world.verdict.note(`${neverBack.length} answers were told as messages`);
}

async function pendingId(owner: Api, name: string): Promise<string> {
  return eventually(async () => {
    const { pendingQuestions } = await owner.ask('{ pendingQuestions { id question } }');
    return pendingQuestions.find(({ question }: { question: string }) => question === name)?.id;
  });
}

async function readAll(agent: Api): Promise<string[]> {
  const { inbox } = await agent.ask('{ inbox(timeoutSeconds: 0) { number content } }');
  if (inbox.length > 0)
    await agent.mutate('acknowledgeMessages', { upTo: inbox.at(-1).number }, 'acknowledged');
  return inbox.map(({ content }: { content: string }) => content);
}
