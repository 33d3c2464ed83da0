import { parseArgs } from 'node:util';
import { alone } from './harness/alone.ts';
import type { World } from './harness/world.ts';

/*
 * node bench/log-size.ts [--lines N --chars N --tasks N]
 *
 * What a line of output, and a task without output, take in PostgreSQL, and how fast the log is pruned.
 */
const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '100000' },
    chars: { type: 'string', default: '100' },
    tasks: { type: 'string', default: '300' },
  },
});
const [lines, chars, tasks] = [Number(values.lines), Number(values.chars), Number(values.tasks)];
const BATCH = 200;

await alone(measure);

async function measure(world: World): Promise<void> {
  const db = await world.connect(world.databaseUrl ?? '');
  const one = async (sql: string) => Number((await db.query(`select (${sql}) as value`)).rows[0].value);
  const daemon = await world.daemon();
  const contractId = await world.contract();

  const everything = `select sum(pg_total_relation_size(c.oid)) from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace`;
  await db.query('vacuum full');
  const empty = await one(everything);
  for (let index = 0; index < tasks; index += 1) {
    const taskId = await world.running(daemon, contractId);
    await daemon.report(taskId, 'DONE', { outputSummary: 'done' });
  }
  await db.query('vacuum full');
  console.log(
    `a task without output: ${Math.round(((await one(everything)) - empty) / tasks)} bytes in all tables`,
  );

  const taskId = await world.running(daemon, contractId);
  const before = await one(`select count(*) from contract_event`);
  for (let firstIndex = 0; firstIndex < lines; firstIndex += BATCH) {
    const entries = Array.from({ length: BATCH }, (_, index) => ({
      type: 'STDOUT',
      content: `${firstIndex + index} `.padEnd(chars, 'lorem ipsum dolor sit amet '),
      createdAt: new Date().toISOString(),
    }));
    await daemon.caller.mutate('appendTaskOutput', { taskId, attempt: 1, firstIndex, entries }, 'nextIndex');
  }
  await daemon.report(taskId, 'DONE', { outputCount: lines });
  const rows = await one(`select count(*) from contract_event`);
  const per = async (sql: string) => ((await one(sql)) / rows).toFixed(0);
  console.log(
    `a line of ${chars} characters (${rows - before} of them): ${await per(`pg_total_relation_size('contract_event')`)} bytes, ` +
      `of which ${await per(`pg_relation_size('contract_event')`)} the row and ${await per(`pg_indexes_size('contract_event')`)} its indexes`,
  );

  const { owner } = world;
  await owner.mutate('completeContract', { contractId }, 'contract { id }');
  await db.query(`update contract set completed_at = completed_at - interval '40 days'`);
  await db.query(`update contract_event set occurred_at = occurred_at - interval '40 days'`);
  await db.query('vacuum contract_event');
  const { pruneDatabase } = await import('../src/server/prune.ts');
  const { serverConfig } = await import('../src/platform/config.ts');
  const config = { ...serverConfig({}, {}), databaseUrl: world.databaseUrl };
  const startedAt = performance.now();
  const [pruned] = await pruneDatabase(config, {
    before: new Date(Date.now() - 30 * 86_400_000),
    checkpoints: false,
    dryRun: false,
    signal: new AbortController().signal,
  });
  const events = pruned?.events ?? 0;
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(`pruned ${events} events in ${seconds.toFixed(1)} s: ${Math.round(events / seconds)} a second`);
}
