import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer } from '../../test/support/api.ts';
import { git } from '../../test/support/processes.ts';
import { isSocket } from '../harness/faulty-proxy.ts';
import { insist } from '../harness/insist.ts';
import { BOTH, POSTGRESQL, type Scenario } from '../harness/scenario.ts';
import { branchCount, mergeCount, type Supervised, superviseOn } from '../harness/supervise.ts';
import type { World } from '../harness/world.ts';
import { checkpointCount } from './command-not-pushed.ts';

/** The daemon dies when it has done what a command says and has not said so. */
export const answerNotSent: Scenario = {
  name: 'answer-not-sent',
  number: '11',
  promise: 'Daemon killed after executing a command and before answering, 50 times: not executed again.',
  databases: BOTH,
  quick: POSTGRESQL,
  run: async (world) => {
    const server = await world.startServer();
    const proxy = await world.proxy(server.url);
    let answering = Promise.withResolvers<void>();
    proxy.onRequest = (bytes, link) => {
      if (isSocket(link) || !isArmed || !bytes.includes('DaemonCompleteCommand')) return 'pass';
      answering.resolve();
      return 'swallow';
    };
    let isArmed = false;
    const daemon = await world.startDaemon('machine', { serverUrl: proxy.url, maxTasks: 20 });
    const supervisor = await superviseOn(world);
    const rounds = world.size(50, 4);
    const checks: (() => Promise<number>)[] = [];
    let attempt = 0;
    for (let round = 0; round < rounds; round += 1) {
      const prepare = KINDS[round % KINDS.length] as Kind;
      attempt = await revived(world, supervisor, attempt);
      const { ask, count } = await prepare(world, supervisor, round);
      answering = Promise.withResolvers();
      isArmed = true;
      const done = ask();
      done.catch(() => undefined);
      await answering.promise;
      await daemon.kill();
      isArmed = false;
      world.verdict.ran();
      const killedAt = performance.now();
      await daemon.start();
      await done;
      world.verdict.recovered('answering the command', performance.now() - killedAt, 60_000);
      checks.push(count);
    }
    await server.stop();
    for (const [round, count] of checks.entries()) {
      const times = await count();
      world.verdict.lost += times === 0 ? 1 : 0;
      world.verdict.doubled += Math.max(0, times - 1);
      world.verdict.check(times === 1, `what round ${round} was to do was done ${times} times`);
    }
    await world.checkSequences();
  },
};

/**
 * Waits until the supervisor, whose agent died with its daemon, runs again. Its retries are not endless, so it is resumed.
 * @returns its attempt
 */
async function revived(world: World, { id, contractId }: Supervised, before: number): Promise<number> {
  for (;;) {
    const { status, attempt } = await world.task(id);
    if (status === 'RUNNING' && attempt > before) return attempt;
    if (status === 'FAILED')
      await insist(world.api(), 'resumeSupervisor', { contractId, mode: 'CONTINUE' }, 'status');
    await delay(50);
  }
}

interface Asked {
  readonly ask: () => Promise<unknown>;
  /** How often it was done, once all is over. */
  readonly count: () => Promise<number>;
}
type Kind = (world: World, supervisor: Supervised, round: number) => Promise<Asked>;

const daemonCall = (world: World, name: string, input: object, selection: string): Promise<Answer> =>
  insist(world.api(), name, input, selection, { timeoutMs: 70_000, withinMs: 120_000 });

const KINDS: readonly Kind[] = [
  async (world, { contractId }, round) => {
    const file = join(world.directory, `started-${round}`);
    const input = { contractId, name: `round ${round}`, agent: 'shell', useOwnWorktree: true };
    const plan = `echo "$TASKMESH_RUN_ID" >> '${file}'; sleep 1`;
    return {
      ask: async () => {
        const { task } = await world.api().mutate('spawnTask', { ...input, plan }, 'task { id }');
        await world.untilTask(task.id, 'DONE');
      },
      // An agent that died with its daemon is started anew, as another attempt: each attempt once.
      count: async () => {
        const starts = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
        return starts.length === 0 ? 0 : 1 + starts.length - new Set(starts).size;
      },
    };
  },
  async (world, { contractId }, round) => ({
    ask: () => daemonCall(world, 'createBranch', { contractId, branchName: `round-${round}` }, 'branchName'),
    count: async () => branchCount(world.repository, `round-${round}`),
  }),
  async (world, { id, path }, round) => {
    appendFileSync(join(path, 'work.txt'), `round ${round}\n`);
    const message = `round ${round}`;
    let saved = { message: '', commitSha: '' };
    return {
      ask: async () => {
        const input = { taskId: id, message };
        const selection = 'checkpoint { message commitSha }';
        saved = (await daemonCall(world, 'createCheckpoint', input, selection)).checkpoint;
      },
      // One that was made at the supervisor's end may have the same files already: then that is the answer, if it has.
      count: async () => {
        const isSaved = fileIn(world, saved.commitSha, 'work.txt').includes(`${message}\n`);
        world.verdict.check(isSaved, `the checkpoint of ${message} does not have its file`);
        const times = await checkpointCount(world, message);
        return times === 0 && isSaved && saved.message !== message ? 1 : times;
      },
    };
  },
  async (world, { contractId }, round) => {
    const taskId = await world.spawn(contractId, `echo ${round} > merged-${round}.txt`);
    await world.untilTask(taskId, 'DONE');
    return {
      ask: async () => {
        const merged = await daemonCall(
          world,
          'mergeTask',
          { taskId, targetBranch: 'main' },
          'outcome message',
        );
        world.verdict.check(merged.outcome === 'MERGED', `a merge ended as ${JSON.stringify(merged)}`);
      },
      count: async () => mergeCount(world.repository, 'main', taskId),
    };
  },
];

/** A file as a checkpoint on the daemon has it; empty when there is no such commit. */
function fileIn(world: World, commitSha: string, file: string): string {
  const mirrors = join(world.daemons[0]?.dataDir ?? '', 'mirrors');
  for (const mirror of readdirSync(mirrors)) {
    try {
      return `${git(join(mirrors, mirror), 'show', `${commitSha}:${file}`)}\n`;
    } catch {
      // In another one.
    }
  }
  return '';
}
