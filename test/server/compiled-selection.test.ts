import {
  executeSubscriptionEvent,
  type GraphQLOutputType,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isObjectType,
  isRequiredArgument,
  parse,
  validate,
  validateSubscriptionArgs,
} from 'graphql';
import { expect, test } from 'vitest';
import { readEvents } from '../../src/events/read.ts';
import { createContext } from '../../src/graphql/context.ts';
import { authenticate } from '../../src/keys/authenticate.ts';
import type { Id } from '../../src/platform/ids.ts';
import { CompiledSelection } from '../../src/server/compiled-selection.ts';
import { schema } from '../../src/server/schema.ts';
import { HandDaemon, spawn } from '../support/daemon.ts';
import { randomOf } from '../support/random.ts';
import { runningTask } from '../support/running-task.ts';
import { startTestServer } from '../support/server.ts';
import { SseSubscription } from '../support/sse.ts';

const { api, server } = await startTestServer();
const { runtime } = server;
const daemon = await HandDaemon.connect(api, { max: 10 });
const { contractId, taskId, supervisor } = await runningTask(api, daemon);
await spawn(api, contractId, { description: 'waits', agent: 'nobody has it' });
await daemon.append(taskId, 1, 0, ['', 'a "quoted" \\ line', 'né 漢 🦊 \u2028 \u0007', '{"json":[1,2]}']);
await api.mutate('sendMessage', { taskId, content: 'Look here.' }, 'message { id }');
const asked = await supervisor.mutate(
  'askQuestion',
  { question: 'Which?', choices: ['a', 'b'], waitSeconds: 0 },
  'question { id }',
);
await api.mutate('answerQuestion', { questionId: asked.question.id, text: 'a' }, 'question { id }');
await daemon.report(taskId, 1, 'DONE', { outputSummary: 'ok', outputCount: 4 });
/** How long a task has been at work is of the moment. */
const now = new Date();
const clock = { ...runtime.clock, now: () => now };
const em = () => runtime.db.fork();
const events = await readEvents(em(), contractId as Id<'contract'>, 0, 1_000);

async function contextOf() {
  const caller = await authenticate(runtime, String(api.key));
  if (!('principal' in caller)) throw new Error(JSON.stringify(caller));
  const { principal } = caller;
  const context = createContext({ ...runtime, clock }, { principal, address: null, signal: runtime.closing });
  return { ...context, startEvent: () => undefined };
}

function validated(document: string, variableValues: Record<string, unknown> = {}) {
  const args = validateSubscriptionArgs({ schema, document: parse(document), variableValues });
  if (!('schema' in args)) throw new Error(`${document}: ${JSON.stringify(args)}`);
  return args;
}

const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Any fields, in any depth, under any names, of interfaces and of what implements them. */
function selection(type: GraphQLOutputType, depth: number, random: () => number): string {
  const named = getNamedType(type);
  if (!isCompositeType(named)) return '';
  const parts = ['__typename'];
  const directive = () => {
    const chance = random();
    if (chance < 0.85) return '';
    return ` @${chance < 0.92 ? 'skip' : 'include'}(if: ${random() < 0.5 ? '$yes' : 'false'})`;
  };
  if (isObjectType(named) || 'getFields' in named)
    for (const field of Object.values(named.getFields())) {
      if (random() > 0.4 || field.args.some(isRequiredArgument)) continue;
      const isLeaf = !isCompositeType(getNamedType(field.type));
      if (!isLeaf && depth === 0) continue;
      const alias = random() < 0.3 ? `${random() < 0.5 ? 'a' : 'b'}_${field.name}: ` : '';
      parts.push(`${alias}${field.name}${directive()} ${selection(field.type, depth - 1, random)}`);
      // The same field twice: what is selected in each is joined.
      if (random() < 0.2) parts.push(`${alias}${field.name} ${selection(field.type, depth - 1, random)}`);
    }
  if (isAbstractType(named))
    for (const possible of schema.getPossibleTypes(named))
      parts.push(`... on ${possible.name}${directive()} ${selection(possible, depth, random)}`);
  else if (random() < 0.3) parts.push(`...${directive()} ${selection(named, depth, random)}`);
  parts.sort(() => random() - 0.5);
  return `{ ${parts.join(' ')} }`;
}

test('a compiled selection gives, to the letter, what graphql-js gives, for any selection and any event', async () => {
  const random = randomOf(seed);
  const root = schema.getSubscriptionType()?.getFields().contractEvents?.type as GraphQLOutputType;
  let [tried, compiled] = [0, 0];
  for (let round = 0; round < 200 && tried < 40; round += 1) {
    const spread = `fragment Named on ContractEvent ${selection(root, 0, random)}`;
    const text = `subscription($yes: Boolean = true) { contractEvents(contractId: "${contractId}") { ...Named ...Named ... on ContractEvent ${selection(root, 2, random)} } } ${spread}`;
    if (validate(schema, parse(text)).length > 0) continue;
    tried += 1;
    const contextValue = await contextOf();
    const args = { ...validated(text), contextValue };
    const selected = new CompiledSelection(args);
    for (const event of events) {
      const result = await executeSubscriptionEvent({ ...args, rootValue: event });
      const json = selected.json(event, contextValue);
      if (json === null) continue;
      compiled += 1;
      expect(json, `seed ${seed}, event ${event.type}: ${text}`).toBe(JSON.stringify(result.data));
    }
  }
  expect(tried).toBeGreaterThan(20);
  // Else nothing would have been compared.
  expect(compiled / (tried * events.length), `seed ${seed}`).toBeGreaterThan(0.1);
});

test('what has to be loaded, fails or is null where nothing may be is left to graphql-js', async () => {
  const context = await contextOf();
  const output = events.find(({ type }) => type === 'OUTPUT');
  if (!output) throw new Error('there is no output');
  const json = (fields: string, event: object = output) =>
    new CompiledSelection(
      validated(`subscription { contractOutput(contractId: "${contractId}") { ${fields} } }`),
    ).json(event, context);
  expect(json('content')).toBe('{"contractOutput":{"content":""}}');
  expect(json('sequence task { name }')).toBeNull();
  await context.loaders.get((await import('../../src/tasks/task.entity.ts')).Task, taskId);
  expect(json('task { id }')).toBe(`{"contractOutput":{"task":{"id":"${taskId}"}}}`);
  expect(json('content', { ...output, data: { ...output.data, content: null } })).toBeNull();
  expect(json('isError', { ...output, data: null })).toBeNull();
  expect(json('type', { ...output, data: { ...output.data, type: 'NONE' } })).toBeNull();
  expect(json('content', { ...output, type: 'TASK_CREATED' })).toBeNull();
  expect(
    json('content', { ...output, data: { ...output.data, content: Promise.reject(new Error()) } }),
  ).toBeNull();
  expect(json('content', { ...output, data: { ...output.data, content: new Error() } })).toBeNull();
});

test('of a list of promises none is left alone with its failure', async () => {
  const context = await contextOf();
  const left: unknown[] = [];
  const hear = (reason: unknown) => left.push(reason);
  process.on('unhandledRejection', hear);
  const changed = events.find(({ type }) => type === 'TASK_UPDATED');
  const selected = new CompiledSelection(
    validated(
      `subscription { contractEvents(contractId: "${contractId}") { ... on TaskUpdatedEvent { updatedFields } } }`,
    ),
  );
  const updatedFields = [
    Promise.resolve('a'),
    Promise.reject(new Error('one')),
    Promise.reject(new Error('two')),
  ];
  expect(selected.json({ ...changed, data: { ...changed?.data, updatedFields } }, context)).toBeNull();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', hear);
  expect(left).toEqual([]);
});

test('WebSocket and server-sent events give the same of a log, line by line', async () => {
  const query = `subscription($id: ID!) { contractEvents(contractId: $id, afterSequence: 0) {
    sequence eventType occurredAt ... on OutputEntry { content toolInput isError task { id name status } }
    ... on TaskUpdatedEvent { status updatedFields task { attempt checkpoints { number } } } ... on MessageSentEvent { message { content } }
  } }`;
  const [socket, sse] = [
    api.subscribe(query, { id: contractId }),
    new SseSubscription(api, query, { id: contractId }),
  ];
  await Promise.all([socket.count(events.length), sse.count(events.length)]);
  expect(socket.received).toEqual(sse.received);
  socket.stop();
  sse.stop();
});
