import { toUuid } from '../../src/platform/ids.ts';
import type { Row, Sample } from '../harness/row.ts';
import { now } from '../harness/serve-calls.ts';
import type { World } from '../harness/world.ts';

const DAEMONS = 4;
const BATCH = 100;
/** The least that appends a batch to a log with dense sequences: the counter's row, and the rows. */
export const APPEND = `
  with counter as (update contract_counter set last = last + $2 where contract_id = $1 returning last)
  insert into contract_event (contract_id, sequence, type, task_id, data, occurred_at)
  select $1, counter.last - $2 + row.ordinality, 'OUTPUT', $3::uuid, row.value, now()
  from counter, jsonb_array_elements($4::jsonb) with ordinality as row`;

export function lines(count: number): object[] {
  return Array.from({ length: count }, (_, index) => ({
    type: 'STDOUT',
    content: `line ${index} of output, as long as lines of a build usually are, 72 characters`,
    createdAt: new Date().toISOString(),
  }));
}

async function prepare(world: World): Promise<() => Promise<Sample[]>> {
  const batches = world.size(100, 5);
  const contractId = await world.contract();
  const senders: { append: () => Promise<unknown> }[] = [];
  for (let index = 0; index < DAEMONS; index += 1) {
    const daemon = await world.daemon(`daemon ${index}`, 1);
    const taskId = await world.running(daemon, contractId);
    let firstIndex = 0;
    const append = async () => {
      const input = { taskId, attempt: 1, firstIndex, entries: lines(BATCH) };
      await daemon.caller.mutate('appendTaskOutput', input, 'nextIndex stale');
      firstIndex += BATCH;
    };
    senders.push({ append });
  }
  const peers = await rawSenders(world);
  /** Rows a second of all senders together, each with one batch under way. */
  const rate = async (all: readonly { append: () => Promise<unknown> }[]) => {
    const from = now();
    await Promise.all(
      all.map(async ({ append }) => {
        for (let sent = 0; sent < batches; sent += 1) await append();
      }),
    );
    return (all.length * batches * BATCH) / ((now() - from) / 1_000);
  };
  await rate(senders);
  if (peers) await rate(peers);
  return async () => [{ ours: await rate(senders), peer: peers && (await rate(peers)) }];
}

/** The same batches by the raw statement, prepared, on connections of their own, to a log of their own. */
async function rawSenders(world: World) {
  if (!world.databaseUrl) return null;
  const contract = toUuid((await world.contract()) as never);
  const senders: { append: () => Promise<unknown> }[] = [];
  for (let index = 0; index < DAEMONS; index += 1) {
    const client = await world.connect(world.databaseUrl);
    const append = () => {
      const entries = lines(BATCH).map((line) => ({ ...line, attempt: 1, role: 'WORK' }));
      return client.query({
        name: 'append',
        text: APPEND,
        values: [contract, BATCH, contract, JSON.stringify(entries)],
      });
    };
    senders.push({ append });
  }
  return senders;
}

export const ingest: Row = {
  name: 'ingest',
  title: `Output through appendTaskOutput in batches of ${BATCH}, ${DAEMONS} daemons in one contract`,
  onEmbedded: true,
  measures: {
    ingest: {
      unit: 'rows/s',
      better: 'higher',
      beside: 'the one SQL statement, prepared, by `pg`',
      target: { ratio: 0.4 },
    },
  },
  prepare,
};
