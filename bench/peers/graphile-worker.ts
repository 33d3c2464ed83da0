import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { childOptions, now, serveCalls } from '../harness/serve-calls.ts';

/**
 * graphile-worker as its documentation recommends: `run` with LISTEN/NOTIFY, ten jobs at once, its statements prepared
 * (its default). Without `work` it only sets up its schema.
 */
const { connectionString, work } = childOptions<{ connectionString: string; work: boolean }>();
const silent = new Logger(() => () => undefined);
const waiting = new Map<number, (at: number) => void>();
const started = new Map<number, number>();

const utils = await makeWorkerUtils({ connectionString, logger: silent });
await utils.migrate();
await utils.release();
const runner = work
  ? await run({
      pgPool: new pg.Pool({ connectionString, max: 12 }),
      concurrency: 10,
      noHandleSignals: true,
      logger: silent,
      taskList: {
        bench: (payload) => {
          const { number } = payload as { number: number };
          const at = now();
          started.set(number, at);
          waiting.get(number)?.(at);
        },
      },
    })
  : null;

serveCalls(
  {
    /** When the job began. */
    begun: (number: number) =>
      started.get(number) ?? new Promise<number>((resolve) => waiting.set(number, resolve)),
  },
  () => runner?.stop(),
);
