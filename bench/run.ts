import { parseArgs } from 'node:util';
import { startCluster } from '../test/support/start-cluster.ts';
import { stopChildren } from './harness/child.ts';
import { record } from './harness/record.ts';
import { type Result, summarize, table } from './harness/results.ts';
import type { Row } from './harness/row.ts';
import { World } from './harness/world.ts';
import { dispatch } from './rows/dispatch.ts';
import { fanout100, fanout1000 } from './rows/fanout.ts';
import { growth } from './rows/growth.ts';
import { ingest } from './rows/ingest.ts';
import { lineToEye } from './rows/line-to-eye.ts';
import { next } from './rows/next.ts';
import { replay } from './rows/replay.ts';
import { spawnRate } from './rows/spawn-rate.ts';
import { start } from './rows/start.ts';
import { subscriberMemory } from './rows/subscriber-memory.ts';
import { tree } from './rows/tree.ts';
import { wait } from './rows/wait.ts';
import { workingCopy } from './rows/working-copy.ts';

const ROWS: readonly Row[] = [
  fanout100,
  fanout1000,
  ingest,
  lineToEye,
  dispatch,
  spawnRate,
  wait,
  tree,
  replay,
  growth,
  next,
  workingCopy,
  subscriberMemory,
  start,
];
const ROUNDS = 5;
const ROW_LIMIT_MS = 10 * 60_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    embedded: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
});
const unknown = positionals.filter((name) => !ROWS.some((row) => row.name === name));
if (unknown.length > 0) {
  console.error(
    `No row is called ${unknown.join(', ')}. There are: ${ROWS.map(({ name }) => name).join(', ')}.`,
  );
  process.exit(2);
}
const chosen = ROWS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));

// As an installation has it: every commit is on disk before it is acknowledged.
const cluster = await startCluster(['shared_buffers=512MB', 'max_wal_size=4GB']);
const stopAtOnce = () => {
  cluster.stop();
  process.exit(130);
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stopAtOnce);
const results: Result[] = [];
let failed = false;
try {
  const runs = chosen.flatMap((row) => databasesOf(row).map((embedded) => ({ row, embedded })));
  // Whether they work can be seen of two at once; how fast they are cannot.
  const some = async () => {
    for (let run = runs.shift(); run; run = runs.shift()) await report(run.row, run.embedded);
  };
  await Promise.all(values.quick ? [some(), some()] : [some()]);
} finally {
  cluster.stop();
}
console.log(table(results));
if (!values.quick)
  record(results, positionals.length === 0 && !failed && !values.embedded && !values.profile);
process.exit(failed ? 1 : 0);

/** Whether to measure on the embedded database. */
function databasesOf(row: Row): boolean[] {
  if (values.embedded) return [true];
  return values.quick || values.profile || !row.onEmbedded ? [false] : [false, true];
}

async function report(row: Row, embedded: boolean): Promise<void> {
  try {
    const done = await measure(row, embedded);
    results.push(...done);
    for (const { name, ours, peer, ratio, unit } of done)
      console.error(`${name}: ${ours} ${unit}${peer === null ? '' : `, beside ${peer}: ${ratio}`}`);
  } catch (error) {
    failed = true;
    console.error(`${row.name}${embedded ? ', embedded' : ''}:`, error);
    if (!values.quick) await stopChildren();
  }
}

/** One row on one database: prepared, warmed up, and measured several times. */
async function measure(row: Row, embedded: boolean): Promise<Result[]> {
  const world = await World.open({
    clusterUrl: cluster.url,
    embedded,
    quick: values.quick,
    profileDir: values.profile ?? null,
  });
  const late = AbortSignal.timeout(ROW_LIMIT_MS);
  const limit = new Promise<never>((_, reject) => {
    late.addEventListener('abort', () => reject(new Error('it took too long')), { once: true });
  });
  const rounds = async () => {
    const once = await row.prepare(world);
    const all = [];
    for (let round = 0; round < (values.quick ? 1 : (row.rounds ?? ROUNDS)); round += 1)
      all.push(await once());
    return all;
  };
  try {
    return summarize(row, await Promise.race([rounds(), limit]), embedded ? ' (embedded)' : '');
  } finally {
    await world.close();
  }
}
