import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../test/support/api.ts';
import { insist } from '../harness/insist.ts';
import { readFrom } from '../harness/reader.ts';
import { POSTGRESQL, type Scenario } from '../harness/scenario.ts';
import type { Server } from '../harness/server.ts';
import { branchCount, superviseOn } from '../harness/supervise.ts';
import { checkWritten, writeThrough } from '../harness/two-instances.ts';
import type { World } from '../harness/world.ts';

const SEEN_WITHIN_MS = 15_000;
const DONE_WITHIN_MS = 60_000;

/** Two instances, each with clients of its own, are restarted one after the other while all goes on. */
export const rollingRestart: Scenario = {
  name: 'rolling-restart',
  number: '22',
  promise:
    "Two instances restarted one after the other, 20 times: clients at either see everything, a daemon's command reaches it whichever instance took the call, nothing is lost.",
  databases: POSTGRESQL,
  quick: POSTGRESQL,
  run: async (world) => {
    const servers = [await world.startServer(), await world.startServer()];
    const urls = servers.map(({ url }) => url);
    // A real daemon behind what a balancer does: it sends to an instance that is there.
    const balancer = await world.proxy(urls[0] ?? '');
    await world.startDaemon('machine', { serverUrl: balancer.url, maxTasks: 20 });
    const supervisor = await superviseOn(world);
    const { contractId, writers, stop } = await writeThrough(world, urls);
    const over = new AbortController();
    const readers = urls.map((url) => readFrom(world, url, contractId, over.signal));
    const rounds = world.size(20, 2);
    for (let round = 0; round < rounds; round += 1) {
      const [leaving, staying] = round % 2 === 0 ? servers : [...servers].reverse();
      if (!leaving || !staying) return;
      // Before, while one is away, and after: whichever takes it, the daemon is at the one or the other.
      await command(world, leaving, supervisor.contractId, `${round}-before`);
      balancer.retarget(staying.url);
      const during = command(world, staying, supervisor.contractId, `${round}-during`);
      const { code, tookMs } = await leaving.stop();
      world.verdict.check(code === 0, `an instance ended with code ${code}`);
      world.verdict.recovered('stopping', tookMs, 10_000);
      await during;
      await leaving.start();
      world.verdict.ran();
      await command(world, leaving, supervisor.contractId, `${round}-after`);
      const last = await world.lastSequence(contractId);
      const at = performance.now();
      await eventually(() => readers.every(({ sequences }) => (sequences.at(-1) ?? 0) >= last), 60_000);
      world.verdict.recovered('seeing what the others did', performance.now() - at, SEEN_WITHIN_MS);
    }
    await stop();
    const last = await world.lastSequence(contractId);
    await eventually(() => readers.every(({ sequences }) => (sequences.at(-1) ?? 0) >= last), 60_000);
    over.abort();
    await Promise.all(readers.map(({ done }) => done));
    for (const server of servers) await server.stop();

    const all = Array.from({ length: last }, (_, index) => String(index + 1));
    for (const [number, { sequences }] of readers.entries())
      world.verdict.sameList(`what the reader at instance ${number} got`, all, sequences.map(String));
    await checkWritten(world, writers);
    for (let round = 0; round < rounds; round += 1)
      for (const when of ['before', 'during', 'after']) await checkOnce(world, `${round}-${when}`);
    world.verdict.note(`${last} events to each of ${readers.length} readers`);
  },
};

/** Has a task run, and a branch made, by a call to this instance. */
async function command(world: World, server: Server, contractId: string, name: string): Promise<void> {
  const api = world.api(server.url);
  const startedAt = performance.now();
  const file = join(world.directory, `started-${name}`);
  const spawned = { contractId, name, agent: 'shell', plan: `echo "$TASKMESH_RUN_ID" >> '${file}'` };
  const patience = { timeoutMs: 70_000 };
  const branch = { contractId, branchName: `branch-${name}`, requestId: `branch ${name}` };
  await insist(
    api,
    'spawnTask',
    { ...spawned, useOwnWorktree: true, requestId: name },
    'task { id }',
    patience,
  );
  await insist(api, 'createBranch', branch, 'branchName', patience);
  await eventually(() => existsSync(file), DONE_WITHIN_MS);
  world.verdict.recovered(`command ${name}`, performance.now() - startedAt, DONE_WITHIN_MS);
}

async function checkOnce(world: World, name: string): Promise<void> {
  const starts = readFileSync(join(world.directory, `started-${name}`), 'utf8')
    .trim()
    .split('\n').length;
  const branches = branchCount(world.repository, `branch-${name}`);
  world.verdict.doubled += Math.max(0, starts - 1) + Math.max(0, branches - 1);
  world.verdict.lost += starts === 0 ? 1 : 0;
  world.verdict.lost += branches === 0 ? 1 : 0;
  world.verdict.check(starts === 1 && branches === 1, `${name}: ${starts} starts, ${branches} branches`);
}
