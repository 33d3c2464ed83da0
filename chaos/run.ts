import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { undoAll } from '../test/support/cleanup.ts';
import { Databases } from './harness/databases.ts';
import { play } from './harness/play.ts';
import { keep, type Result, table } from './harness/report.ts';
import type { Scenario } from './harness/scenario.ts';
import { SCENARIOS } from './scenarios.ts';

/*
 * npm run chaos [-- --only NAME[,NAME…] --database postgresql|embedded --seed N --time SECONDS --quick]
 *
 * Plays every scenario once (in the quick form those that fit into three minutes, with smaller counts), or, with --time,
 * those chosen again and again, with one seed after the other, until the time is up. The exit code is 0 when everything held.
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    database: { type: 'string' },
    seed: { type: 'string' },
    time: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});
const isQuick = values.quick;
const firstSeed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed);
const names = values.only?.split(',') ?? [];
const isKnown = names.every((name) => SCENARIOS.some((scenario) => scenario.name === name));
if (!isKnown || !Number.isInteger(firstSeed) || Number.isNaN(Number(values.time ?? 0))) {
  console.error('npm run chaos [-- --seed N --time SECONDS --quick --database KIND --only NAME[,NAME…]]');
  console.error(`scenarios: ${SCENARIOS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const chosen = SCENARIOS.filter(({ name }) => names.length === 0 || names.includes(name));
/** One that is asked for by name is also played where the quick form leaves it out. */
const kindsOf = (scenario: Scenario) =>
  (isQuick && names.length === 0 ? scenario.quick : scenario.databases).filter(
    (kind) => values.database === undefined || values.database === kind,
  );

const databases = new Databases();
const endAtOnce = () => {
  setTimeout(() => process.exit(130), 20_000).unref();
  void undoAll().finally(() => {
    databases.close();
    process.exit(130);
  });
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, endAtOnce);

const file = fileURLToPath(new URL('results.json', import.meta.url));
const results: Result[] = [];
const giveUpAt = Date.now() + Number(values.time ?? 0) * 1_000;
console.error(`seed ${firstSeed}`);
for (let seed = firstSeed; seed === firstSeed || Date.now() < giveUpAt; seed += 1) {
  for (const scenario of chosen) {
    for (const kind of kindsOf(scenario)) {
      const result = await play({ scenario, kind, seed, isQuick, databases });
      results.push(result);
      keep(file, [result]);
    }
  }
}
databases.close();
console.log(table(results));
// A scenario that was broken off may have left a client that goes on trying.
process.exit(results.every(({ held }) => held) ? 0 : 1);
