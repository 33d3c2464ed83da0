import { undoAll } from '../../test/support/cleanup.ts';
import { randomOf } from '../../test/support/random.ts';
import type { Databases } from './databases.ts';
import { stopInsisting } from './insist.ts';
import { type Result, resultOf } from './report.ts';
import type { DatabaseKind, Scenario } from './scenario.ts';
import { Verdict } from './verdict.ts';
import { World } from './world.ts';

export interface Play {
  readonly scenario: Scenario;
  readonly kind: DatabaseKind;
  readonly seed: number;
  readonly isQuick: boolean;
  readonly databases: Databases;
}

/** Plays a scenario in a world of its own, and takes all of it down again, however it ends. */
export async function play(one: Play): Promise<Result> {
  const { scenario, kind, seed, isQuick, databases } = one;
  const verdict = new Verdict();
  const startedAt = performance.now();
  const setting = { kind, isQuick, random: randomOf(seed), verdict, databases };
  const ignoreNothing = hearFailures(verdict);
  let world: World | undefined;
  try {
    world = await World.open(setting);
    await within((isQuick ? 5 : 45) * 60_000, scenario.run(world));
  } catch (error) {
    verdict.check(false, `it could not be played to its end: ${words(error)}`);
  }
  const logs = verdict.held ? '' : world?.logs();
  stopInsisting();
  await undoAll();
  ignoreNothing();
  const result = resultOf(one, verdict, (performance.now() - startedAt) / 1_000);
  tell(result, logs ?? '', isQuick);
  return result;
}

/** What fails behind a scenario's back is its failure too, and never the end of the run: all must be stopped. */
function hearFailures(verdict: Verdict): () => void {
  const fail = (error: unknown) => verdict.check(false, `something failed meanwhile: ${words(error)}`);
  process.on('unhandledRejection', fail).on('uncaughtException', fail);
  return () => void process.off('unhandledRejection', fail).off('uncaughtException', fail);
}

/** A scenario that hangs is broken. */
function within(limitMs: number, done: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const limit = setTimeout(() => reject(new Error(`not done after ${limitMs / 60_000} minutes`)), limitMs);
  return Promise.race([done, promise]).finally(() => clearTimeout(limit));
}

function tell(result: Result, logs: string, isQuick: boolean): void {
  const { scenario, database, held, tookSeconds, notes, broken, seed } = result;
  console.error(
    `${scenario}, ${database}: ${held ? 'held' : 'BROKEN'} in ${tookSeconds} s. ${notes.join('; ')}`,
  );
  if (held) return;
  console.error([...broken, logs].join('\n'));
  const replay = `--seed ${seed} --only ${scenario} --database ${database}${isQuick ? ' --quick' : ''}`;
  console.error(`again with: npm run chaos -- ${replay}`);
}

function words(error: unknown): string {
  return error instanceof Error ? String(error.stack) : String(error);
}
