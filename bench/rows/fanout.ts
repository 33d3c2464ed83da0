import type { Row, Sample } from '../harness/row.ts';
import { now } from '../harness/serve-calls.ts';
import type { World } from '../harness/world.ts';

/** What `taskmesh task output --follow` selects. */
export const OUTPUT = `subscription($taskId: ID!, $after: Int) {
  taskOutput(taskId: $taskId, afterSequence: $after) {
    sequence occurredAt attempt messageId type content toolName toolInput isError isPartial task { id name role }
  }
}`;
/** Lines that an agent writes at once, and of a burst of the peer, which longer ones make no quicker. */
const BURST = 100;
const LINE = 'a line of output, as long as lines of a build usually are, 72 characters';
/** What one event is on the wire, for the peer that knows no GraphQL. */
const FRAME = JSON.stringify({
  id: '00000000-0000-4000-8000-000000000000',
  type: 'next',
  payload: {
    data: {
      taskOutput: {
        sequence: 10_000,
        occurredAt: '2026-11-24T12:00:00.000Z',
        attempt: 1,
        messageId: null,
        type: 'STDOUT',
        content: LINE,
        toolName: null,
        toolInput: null,
        isError: false,
        isPartial: false,
        task: { id: 'task_00000000000000000000000000', name: 'Task', role: 'WORK' },
      },
    },
  },
});
const TIMEOUT_MS = 120_000;

interface Counted {
  readonly received: number;
  readonly last: number;
}

/** Deliveries a second from when the first was sent until the last had arrived. */
const rate = ({ received, last }: Counted, from: number) => received / ((last - from) / 1_000);

async function prepare(world: World, name: string, count: number): Promise<() => Promise<Sample[]>> {
  const events = world.size(count === 100 ? 20_000 : 2_000, 100);
  const subscribers = world.size(count, Math.min(count, 100));
  const daemon = await world.daemon();
  const contractId = await world.contract();
  const taskId = await world.running(daemon, contractId);
  const ours = await world.child('clients/subscribers.ts', {
    url: world.owner.url.replace('http', 'ws'),
    key: world.owner.key,
  });
  const raw = await world.child('peers/raw-ws.ts');
  const rawClients = await world.child('clients/subscribers.ts', {
    ...(await raw.call<object>('where')),
    key: null,
  });
  const yoga = await world.child('peers/plain-yoga.ts');
  const yogaClients = await world.child('clients/subscribers.ts', {
    ...(await yoga.call<object>('where')),
    key: '',
  });
  const { contract } = await world.owner.ask('query($id: ID!) { contract(id: $id) { lastSequence } }', {
    id: contractId,
  });
  await ours.call('open', {
    count: subscribers,
    query: OUTPUT,
    variables: { taskId, after: contract.lastSequence },
  });
  await rawClients.call('open', { count: subscribers, query: null, variables: {} });
  await yogaClients.call('open', { count: subscribers, query: OUTPUT, variables: { taskId } });
  while ((await yoga.call<number>('listeners')) < subscribers)
    await new Promise((resolve) => setTimeout(resolve, 10));

  const output = await daemon.output(taskId);
  const entries = Array.from({ length: BURST }, () => ({
    type: 'STDOUT' as const,
    content: LINE,
    createdAt: new Date().toISOString(),
  }));
  const measureOurs = async (each: number) => {
    await ours.call('begin', { each });
    const from = now();
    for (let written = 0; written < each; written += BURST) await output.append(entries);
    return rate(await ours.call<Counted>('end', { timeoutMs: TIMEOUT_MS }), from);
  };
  const measureRaw = async (each: number, burst: number) => {
    await rawClients.call('begin', { each });
    const from = await raw.call<number>('broadcast', { text: FRAME, events: each, burst });
    return rate(await rawClients.call<Counted>('end', { timeoutMs: TIMEOUT_MS }), from);
  };
  const measureYoga = async (each: number) => {
    await yogaClients.call('begin', { each });
    const from = await yoga.call<number>('publish', { content: LINE, events: each, burst: 10 });
    return rate(await yogaClients.call<Counted>('end', { timeoutMs: TIMEOUT_MS }), from);
  };
  /** The slower a peer, the fewer it is given: its warm-up and its measurement are seconds all the same. */
  const share = (part: number) => Math.ceil(events / part / BURST) * BURST;
  await measureOurs(share(4));
  await measureRaw(share(4), 1);
  await measureYoga(share(16));
  return async () => {
    const mine = await measureOurs(events);
    return [
      { ours: mine, peer: await measureRaw(share(4), 1) },
      { name: `${name}-corked`, ours: mine, peer: await measureRaw(events, BURST) },
      { name: `${name}-yoga`, ours: mine, peer: await measureYoga(share(16)) },
    ];
  };
}

function fanout(count: number): Row {
  const name = `fanout-${count}`;
  const measure = (beside: string, ratio: number | null) => ({
    unit: 'deliveries/s',
    better: 'higher' as const,
    beside,
    target: ratio === null ? null : { ratio },
  });
  return {
    name,
    title: `One task's output to ${count} WebSocket subscribers, from the daemon's spool to the last receipt`,
    onEmbedded: true,
    measures: {
      [name]: measure('`ws`, the same bytes, one event at a time', 0.75),
      [`${name}-corked`]: measure(`\`ws\`, the same bytes in corked bursts of ${BURST}`, 0.7),
      [`${name}-yoga`]: measure('Yoga with graphql-ws and its in-memory pubsub', null),
    },
    prepare: (world) => prepare(world, name, count),
  };
}

export const fanout100 = fanout(100);
export const fanout1000 = fanout(1_000);
