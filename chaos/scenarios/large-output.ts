import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { MemoryWatch } from '../harness/memory.ts';
import { BOTH, type Scenario } from '../harness/scenario.ts';
import type { World } from '../harness/world.ts';

const MEMORY_MB = 200;
const MEGABYTE = 1_024 * 1_024;
/** As docs/PROTOCOL.md says: a longer line comes in pieces. */
const PIECE = 64 * 1_024;
const PAGE = 4_000;

/** An agent that prints a file, which stays there to be compared. Random, so that nothing gets smaller on its way. */
const PLANS = {
  'a line': (file: string, bytes: number) =>
    `head -c ${Math.floor((bytes * 3) / 4)} /dev/urandom | base64 -w 0 > '${file}'; echo >> '${file}'; cat '${file}'`,
  lines: (file: string, bytes: number) =>
    `head -c ${Math.floor((bytes * 3) / 4)} /dev/urandom | base64 -w 8000 > '${file}'; cat '${file}'`,
};

/** An agent says much more than anybody reads. */
export const largeOutput: Scenario = {
  name: 'large-output',
  number: '19',
  promise:
    'A 50 MiB line and a 1 GiB task output: stored whole, the line in pieces; server memory +200 MB at most.',
  databases: BOTH,
  quick: [],
  run: async (world) => {
    const server = await world.startServer();
    await world.startDaemon('machine');
    const contractId = await world.contract();
    // A server that has worked: what it takes to be one at all does not count.
    const first = await world.spawn(contractId, 'head -c 3000000 /dev/urandom | base64 -w 8000');
    await world.untilTask(first, 'DONE', 60_000);
    const memory = new MemoryWatch(server.pid);
    const before = memory.peak;
    const sizes = { 'a line': world.size(50, 10) * MEGABYTE, lines: world.size(1_024, 64) * MEGABYTE };
    const said: { what: string; taskId: string; file: string }[] = [];
    for (const what of ['a line', 'lines'] as const) {
      const file = join(world.directory, what);
      const taskId = await world.spawn(contractId, PLANS[what](file, sizes[what]));
      const startedAt = performance.now();
      const { attempt } = await world.untilTask(taskId, 'DONE', 2_400_000);
      world.verdict.check(attempt === 1, `the task that said ${what} was started again`);
      const seconds = (performance.now() - startedAt) / 1_000;
      const speed = Math.round(sizes[what] / MEGABYTE / seconds);
      world.verdict.note(
        `${what} of ${sizes[what] / MEGABYTE} MiB in ${Math.round(seconds)} s (${speed} MiB/s)`,
      );
      world.verdict.ran();
      said.push({ what, taskId, file });
    }
    memory.stop();
    const grown = memory.peak - before;
    world.verdict.check(grown <= MEMORY_MB, `the server grew by ${Math.round(grown)} MB`);
    world.verdict.note(`memory ${Math.round(before)} MB, +${Math.round(grown)} MB`);
    await server.stop();
    for (const { what, taskId, file } of said) {
      const isWhole = (await hashOfFile(file)) === (await hashOfOutput(world, contractId, taskId));
      world.verdict.lost += isWhole ? 0 : 1;
      world.verdict.check(isWhole, `${what}: what is stored is not what was said`);
    }
    await world.checkSequences();
  },
};

async function hashOfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}

/** Of the lines in storage, the pieces of one put together, read page by page. */
async function hashOfOutput(world: World, contractId: string, taskId: string): Promise<string> {
  const hash = createHash('sha256');
  for (let after = 0; ; ) {
    const rows = await world.database.query<{ sequence: number; content: string; partial: boolean | null }>(`
      select sequence, data->>'content' as content, (data->>'isPartial')::boolean as partial from contract_event
      where contract_id = '${world.uuid(contractId)}' and task_id = '${world.uuid(taskId)}' and type = 'OUTPUT' and data->>'type' = 'STDOUT' and sequence > ${after}
      order by sequence limit ${PAGE}`);
    for (const { content, partial } of rows) {
      world.verdict.check(Buffer.byteLength(content) <= PIECE, 'a piece is longer than it may be');
      hash.update(partial ? content : `${content}\n`);
    }
    after = rows.at(-1)?.sequence ?? 0;
    if (rows.length < PAGE) return hash.digest('hex');
  }
}
