import { type GraphQLObjectType, getNamedType, isObjectType } from 'graphql';
import { afterAll, describe, expect, test } from 'vitest';
import { toUuid } from '../../src/platform/ids.ts';
import { schema } from '../../src/server/schema.ts';
import { type Answer, type Api, eventually } from '../support/api.ts';
import { StillClock } from '../support/clock.ts';
import type { HandDaemon } from '../support/daemon.ts';
import { startIdentityProvider } from '../support/identity-provider.ts';
import { startTestServer } from '../support/server.ts';
import { assemble } from './cast.ts';
import type { Furnished } from './furnish.ts';
import {
  type Expected,
  MUTATIONS,
  type Operation,
  QUERIES,
  SUBSCRIPTIONS,
  type World,
} from './operations.ts';
import { Ownership } from './ownership.ts';
import { AUDIENCES, type Audience, FIELDS, KEPT, type Role, TYPES, UNSEEN } from './types.ts';
import { everythingBelow, givenIn } from './walk.ts';

// Everything that can be asked is asked at once, for which no limit is meant.
const ANY = 1_000_000_000;
const NO_LIMIT = {
  length: ANY,
  tokens: ANY,
  nesting: ANY,
  depth: ANY,
  breadth: ANY,
  fields: ANY,
  aliases: ANY,
  directives: ANY,
  cost: ANY,
};
const provider = await startIdentityProvider();
const started = await startTestServer({
  clock: new StillClock(),
  logLevel: 'silent',
  access: { identityProvider: provider.config },
  limits: (limits) => ({ ...limits, document: NO_LIMIT, socket: { ...limits.socket, messageBytes: ANY } }),
});
const { server } = started;
const cast = await assemble(started);
const { callers, first, second, theirs, daemon, otherDaemon, theirDaemon } = cast;

for (const { owner, mark } of [first, theirs])
  await owner.mutate('linkIdentity', { token: await provider.token(`${mark} person`) }, '__typename');

/** Somebody who looks around as far as it goes. */
interface Explorer {
  readonly name: string;
  readonly role: Role;
  readonly api: Api;
  /** What they ask for: their own. */
  readonly world: World;
  readonly owner: string;
  /** A tool key's. */
  readonly contract: string | null;
}

const [ownerId, theirOwnerId] = await Promise.all([callers.user, callers.otherOwner].map(ownerOf));
function explorer(name: string, role: Role, api: Api, place: Furnished, of: HandDaemon): Explorer {
  const { contractId, taskId, finishedId, questionId, worktreeId, keyId } = place;
  const owner = place === theirs ? theirOwnerId : ownerId;
  const inContract = AUDIENCES.task.includes(role);
  return {
    name,
    role,
    api,
    world: {
      contractId,
      taskId,
      finishedId,
      questionId,
      worktreeId,
      keyId,
      daemonId: of.id,
      epoch: of.epoch,
      commandId: cast.world.commandId,
    },
    owner: toUuid(owner as never),
    contract: inContract ? toUuid(contractId as never) : null,
  };
}
async function ownerOf(api: Api): Promise<string> {
  return (await api.ask('{ viewer { owner { id } } }')).viewer.owner.id;
}

const EXPLORERS: readonly Explorer[] = [
  explorer('the owner', 'user', callers.user, first, daemon),
  explorer('the supervisor', 'supervisor', first.supervisor, first, daemon),
  explorer('a work task', 'workTask', first.worker, first, daemon),
  explorer('the red team', 'redTeam', first.redTeam, first, daemon),
  explorer('the daemon', 'daemon', daemon.api, first, daemon),
  explorer('the supervisor of another contract', 'supervisor', second.supervisor, second, daemon),
  explorer('another daemon', 'daemon', otherDaemon.api, first, otherDaemon),
  explorer('another owner', 'user', callers.otherOwner, theirs, theirDaemon),
  explorer("another owner's daemon", 'daemon', theirDaemon.api, theirs, theirDaemon),
];

/** Answers of daemons to what they are asked for meanwhile. */
const ANSWERS: Readonly<Record<string, object>> = {
  GET_TASK_DIFF: {
    patch: 'diff', linesAdded: 1, linesRemoved: 0, truncated: false, baseSha: '1'.repeat(40), headSha: '2'.repeat(40),
    files: [{ path: 'a', oldPath: null, status: 'ADDED', linesAdded: 1, linesRemoved: 0, binary: false }],
  },
  READ_FILE: { exists: true, content: 'text', encoding: 'UTF8', size: 4, truncated: false },
  MERGE_TASK: {
    outcome: 'CONFLICT', commitSha: null, message: 'conflict',
    conflicts: [{ path: 'a', kind: 'content', hunks: ['x'], oursCommit: null, theirsCommit: null }],
  },
}; // biome-ignore format: one glance
const stops = [daemon, otherDaemon, theirDaemon].map((each) => answerAll(each));
afterAll(() => {
  for (const stop of stops) stop();
});

function answerAll(each: HandDaemon): () => void {
  const answered = new Set<string>();
  const timer = setInterval(() => {
    for (const command of each.commands.received) {
      if (answered.has(command.id) || command.id === cast.world.commandId || command.type === 'SPAWN_TASK')
        continue;
      answered.add(command.id);
      void reply(each, command).catch(() => undefined);
    }
  }, 20);
  return () => clearInterval(timer);
}

async function reply(each: HandDaemon, command: Answer): Promise<void> {
  await each.accept(command);
  const result = ANSWERS[command.type];
  if (result) await each.complete(command, result);
  else await each.fail(command, 'COMMAND_FAILED', 'not in this test');
}

/** What a caller of the table is, of what is their own. */
function mayCall(expected: Expected, { role }: Explorer): boolean {
  return expected[role] === 'allowed';
}

function question(kind: string, operation: Operation, world: World): string {
  const root = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  }[kind];
  const type = getNamedType(root?.getFields()[operation.field]?.type)?.name ?? '';
  // As many as there are: the table asks for one, which is enough to be refused.
  const given = operation.arguments(world).replace('first: 1', 'first: 100');
  // What an object is asked for does not depend on the way to it: queries have walked all of it.
  const levels = kind === 'query' ? undefined : kind === 'mutation' ? 2 : 0;
  const below = operation.scalar ? '' : `{ ${everythingBelow(type, levels)} }`;
  return `${kind} { ${operation.field}${given ? `(${given})` : ''} ${below} }`;
}

/** All that each was ever sent, as text, and which fields of which types were in it. */
const sent = new Map<Explorer, string[]>(EXPLORERS.map((each) => [each, []]));
const given = new Map<Explorer, Set<string>>(EXPLORERS.map((each) => [each, new Set()]));
function note(each: Explorer, answer: unknown): void {
  sent.get(each)?.push(JSON.stringify(answer));
  for (const field of givenIn(answer)) given.get(each)?.add(field);
}

async function everyQuery(each: Explorer): Promise<void> {
  for (const operation of QUERIES)
    if (mayCall(operation.expected, each) || operation.field === 'checkpointPart')
      note(each, await each.api.post(question('query', operation, each.world)));
}

async function everySubscription(each: Explorer): Promise<void> {
  for (const operation of SUBSCRIPTIONS) {
    if (!mayCall(operation.expected, each)) continue;
    const live = each.api.subscribe(question('subscription', operation, each.world));
    const past =
      operation.arguments(each.world).includes('afterSequence: 0') || operation.field === 'questionAsked';
    if (past) await live.count(operation.field === 'contractEvents' ? await lastSequence(each) : 1);
    else if (operation.field === 'questionAnswered') following.push([each, live]);
    if (past || operation.field === 'daemonCommands') {
      if (each.api === daemon.api) await live.count(1);
      note(each, live.received);
      live.stop();
    }
  }
}
const following: [Explorer, ReturnType<Api['subscribe']>][] = [];

async function lastSequence({ api, world }: Explorer): Promise<number> {
  return (await api.ask(`{ contract(id: "${world.contractId}") { lastSequence } }`)).contract.lastSequence;
}

/** Whatever comes of them: they are asked one after the other, and what is done by one may be in the way of the next. */
async function everyMutation(each: Explorer): Promise<void> {
  for (const operation of MUTATIONS)
    if (mayCall(operation.expected, each) && !LAST.includes(operation.field))
      note(each, await each.api.post(question('mutation', operation, each.world)));
}
/** These end what the others are about. */
const LAST = [
  'cancelTask',
  'pauseTask',
  'retryTask',
  'completeContract',
  'archiveContract',
  'deleteContract',
  'finishTask',
  'disconnectDaemon',
  'registerDaemon',
  'answerQuestion',
];

for (const each of EXPLORERS) await everyQuery(each);
for (const each of EXPLORERS) await everySubscription(each);
// A subscription does not say when it has begun: questions are asked and answered until everybody has heard of one.
await eventually(async () => {
  for (const { supervisor, owner, mark } of [first, second, theirs]) {
    const asked = { question: `${mark} again?`, waitSeconds: 0 };
    const { question: fresh } = await supervisor.mutate('askQuestion', asked, 'question { id }');
    await owner.mutate('answerQuestion', { questionId: fresh.id, text: `${mark} answer` }, '__typename');
  }
  return following.every(([, live]) => live.received.length > 0);
});
for (const [each, live] of following) note(each, live.received);
for (const each of EXPLORERS) await everyMutation(each);
for (const field of LAST)
  for (const each of EXPLORERS)
    for (const operation of MUTATIONS)
      if (operation.field === field && mayCall(operation.expected, each))
        note(each, await each.api.post(question('mutation', operation, each.world)));
const ownership = await Ownership.read(server);

describe.each(EXPLORERS)('$name, who asked for everything that can be asked', (each) => {
  const text = sent.get(each)?.join('\n') ?? '';

  test('was given no id of another owner, and with a tool key none of another contract', () => {
    const foreign = [...ownership.idsIn(text)].filter(
      ([, { owner, contract }]) =>
        (owner !== null && owner !== each.owner) ||
        (each.contract !== null && contract !== null && contract !== each.contract),
    );
    expect(foreign).toEqual([]);
    expect([...ownership.idsIn(text)].length).toBeGreaterThan(1);
  });

  test('was given no text of another owner, and with a tool key none of another contract', () => {
    const marks = [first, second, theirs].filter(({ contractId, mark }) => {
      if (each.contract !== null) return contractId !== each.world.contractId;
      return (mark === 'THEIRS') !== (each.owner === toUuid(theirOwnerId as never));
    });
    expect(marks.filter(({ mark }) => text.includes(mark)).map(({ mark }) => mark)).toEqual([]);
  });

  test('was given no key but those that were made for it', () => {
    const keys = text.match(/tmk_[a-z]+_[\w-]{43}/g) ?? [];
    const made = each.role === 'user' || each.role === 'daemon';
    expect(made ? [] : keys).toEqual([]);
  });

  test('was given fields only that are for its kind', () => {
    const beyond = [...(given.get(each) ?? [])].filter(
      (field) => !AUDIENCES[audienceOf(field)].includes(each.role),
    );
    expect(beyond).toEqual([]);
  });
});

/** Types that carry others: they have the audience of what they carry. */
function carried(type: string): string {
  return type === 'PageInfo' ? type : type.replace(/(Connection|Edge)$/, '');
}

function audienceOf(field: string): Audience {
  const [type = ''] = field.split('.').map(carried);
  const object = schema.getType(type) as GraphQLObjectType;
  if (object.getInterfaces().some(({ name }) => name === 'ContractEvent'))
    return TYPES.ContractEvent as Audience;
  if (type.endsWith('Payload')) return 'everyone';
  return FIELDS[field] ?? (TYPES[type] as Audience);
}

const objects = Object.values(schema.getTypeMap())
  .filter(isObjectType)
  .filter(({ name }) => !name.startsWith('__') && !['Query', 'Mutation', 'Subscription'].includes(name));

test('the table has a row for every type of the schema', () => {
  const missing = objects.filter(({ name }) => {
    try {
      return audienceOf(`${name}.x`) === undefined;
    } catch {
      return true;
    }
  });
  expect(missing.map(({ name }) => name)).toEqual([]);
  const known = new Set(objects.map(({ name }) => name));
  const stale = [...Object.keys(TYPES), ...Object.keys(FIELDS).map((field) => field.split('.')[0] ?? '')];
  expect(stale.filter((name) => !known.has(name) && name !== 'ContractEvent')).toEqual([]);
});

/** The types of which somebody in a role was given anything. */
function seenBy(role: Role): Set<string> {
  const fields = EXPLORERS.filter((each) => each.role === role).flatMap((each) => [
    ...(given.get(each) ?? []),
  ]);
  return new Set(fields.map((field) => field.split('.')[0] ?? ''));
}

test.each(AUDIENCES.everyone)('nothing that is for a %s was kept from it', (role) => {
  const seen = seenBy(role);
  const kept = Object.entries(TYPES)
    .filter(
      ([type, audience]) => AUDIENCES[audience].includes(role) && schema.getType(type)?.astNode !== null,
    )
    .filter(
      ([type]) => isObjectType(schema.getType(type)) && !seen.has(type) && !(KEPT[role] ?? []).includes(type),
    );
  expect(kept.map(([type]) => type)).toEqual([]);
});

test('every field was given to somebody, so that it is known to whom; but for those that are listed', () => {
  const all = new Set([...given.values()].flatMap((fields) => [...fields]));
  const unseen = objects
    .filter(({ name }) => !name.endsWith('Payload'))
    .flatMap((type) => Object.keys(type.getFields()).map((name) => `${type.name}.${name}`))
    .filter((field) => !all.has(field));
  expect(unseen).toEqual([...UNSEEN].sort());
});
