import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Api } from '../test/support/api.ts';
import { undoAll } from '../test/support/cleanup.ts';
import { HandDaemon } from '../test/support/daemon.ts';
import { startCluster } from '../test/support/start-cluster.ts';
import { World } from './harness/world.ts';
import type { Census } from './soak/census.ts';
import { Load } from './soak/load.ts';
import { verdict } from './soak/verdict.ts';

/*
 * npm run soak [-- --minutes N --rate LINES_PER_SECOND --grow MIB_PER_HOUR --embedded]
 *
 * A server under a steady load for a long time. What it holds is counted every minute under load, and, for the verdict, at
 * rest: at the start, four times in between, and at the end. The exit code is 0 when its memory did not grow by more than
 * so much an hour, and nothing else grew at all.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    rate: { type: 'string', default: '50' },
    grow: { type: 'string', default: '16' },
    embedded: { type: 'boolean', default: false },
  },
});
const [minutes, rate, grow] = [Number(values.minutes), Number(values.rate), Number(values.grow)];
if (![minutes, rate, grow].every((number) => number > 0)) {
  console.error('npm run soak [-- --minutes N --rate LINES_PER_SECOND --grow MIB_PER_HOUR --embedded]');
  process.exit(2);
}
const MINUTE = 60_000;
const LEGS = 5;
/** Compiled code, caches and pools come in the first minutes, once. */
const WARM_UP_MS = Math.min(3, minutes / 5) * MINUTE;
/** A tail waits 5 s for its next subscriber, and the server keeps a client's unused HTTP connection for 65 s. */
const REST_MS = 75_000;

const cluster = await startCluster(['shared_buffers=128MB', 'max_wal_size=1GB']);
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    cluster.stop();
    process.exit(130);
  });
let failed = true;
try {
  failed = !(await soak());
} finally {
  cluster.stop();
}
process.exit(failed ? 1 : 0);

async function soak(): Promise<boolean> {
  const world = await World.open({
    clusterUrl: cluster.url,
    embedded: values.embedded,
    quick: false,
    profileDir: null,
  });
  try {
    const api = new Api(world.owner.url, world.owner.key);
    const daemon = (await HandDaemon.connect(api, { max: 1_000 })).alive();
    const load = new Load(api, daemon, rate);
    const startedAt = Date.now();
    const tell = (census: Census, when: string) => console.log(line(census, when, Date.now() - startedAt));
    const take = () => world.server.call<Census>('census');
    const rests: { at: number; census: Census }[] = [];
    const rest = async () => {
      await delay(REST_MS);
      const census = await take();
      rests.push({ at: Date.now(), census });
      tell(census, 'at rest');
    };
    await load.work(Date.now() + WARM_UP_MS);
    await rest();
    const every = setInterval(() => void take().then((census) => tell(census, 'at work')), MINUTE);
    for (let leg = 0; leg < LEGS; leg += 1) {
      await load.work(Date.now() + (minutes * MINUTE) / LEGS);
      await rest();
    }
    clearInterval(every);
    await undoAll();
    await api.close();
    const { faults, summary } = verdict(rests, grow, load.done);
    console.log(summary);
    for (const fault of faults) console.error(`FAILED: ${fault}`);
    return faults.length === 0;
  } finally {
    await world.close();
  }
}

function line({ heap, rss, ...counts }: Census, when: string, ms: number): string {
  const mib = (bytes: number) => `${(bytes / 1_048_576).toFixed(1)} MiB`;
  const rest = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  return [`${(ms / MINUTE).toFixed(1)} min`, when, `heap ${mib(heap)}`, `rss ${mib(rss)}`, ...rest].join(
    '  ',
  );
}
