import { expect, test } from 'vitest';
import { openDatabase } from '../../src/platform/database.ts';
import { isDatabaseAway } from '../../src/platform/database-failures.ts';
import { entities } from '../../src/server/entities.ts';
import { eventually } from '../support/api.ts';
import { onEnd } from '../support/cleanup.ts';
import { createTestDatabase, embedded } from '../support/database.ts';
import { CuttingProxy } from '../support/proxy.ts';

const PATIENCE = { lockMs: 400, restMs: 500, silentMs: 800 };

/** A pool of connections to PostgreSQL through something that can fall silent. */
async function opened() {
  const test = await createTestDatabase();
  onEnd(() => test.drop());
  const proxy = await CuttingProxy.open(test.databaseUrl ?? '');
  const definition = { entities, migrations: [] };
  const open = async (databaseUrl: string) => {
    const db = await openDatabase({ ...test, databaseUrl }, definition, PATIENCE);
    onEnd(() => db.close());
    return db;
  };
  const [far, near] = [await open(proxy.url), await open(test.databaseUrl ?? '')];
  // Before the pools, whose goodbyes would wait for an answer.
  onEnd(() => proxy.close());
  return { proxy, far, near };
}

test.skipIf(embedded)(
  'transactions of an instance that was cut off let go of their locks, those that rest on one and those in line for it',
  async () => {
    const { proxy, far, near } = await opened();
    await near.fork().execute('create table counter (last int)');
    await near.fork().execute('insert into counter values (0)');
    const count = 'update counter set last = last + 1';
    const over = Promise.withResolvers<void>();
    onEnd(() => over.resolve());
    const held = Array.from({ length: 5 }, () =>
      far.fork().transactional(async (em) => {
        await em.execute(count);
        await over.promise;
      }),
    );
    for (const each of held) each.catch(() => undefined);
    const waiting = "select 1 from pg_locks where not granted and locktype in ('tuple', 'transactionid')";
    await eventually(async () => (await near.fork().execute(waiting)).length >= 4);
    proxy.fallSilent();
    const startedAt = performance.now();
    // As our clients do.
    await eventually(() =>
      near
        .fork()
        .execute(count)
        .then(
          () => true,
          (error: unknown) => {
            expect(isDatabaseAway(error)).toBe(true);
            return false;
          },
        ),
    );
    // One after the other they would have held it five times as long.
    expect(performance.now() - startedAt).toBeLessThan(4 * PATIENCE.restMs);
  },
);

test.skipIf(embedded)(
  'connections that do not answer any more are replaced, all at once, and what was asked on one fails as passing',
  async () => {
    const { proxy, far } = await opened();
    await Promise.all(Array.from({ length: 5 }, () => far.fork().execute('select pg_sleep(0.05)')));
    proxy.fallSilent();
    const failure = await far
      .fork()
      .execute('select 1')
      .catch((error: unknown) => error);
    expect(isDatabaseAway(failure)).toBe(true);
    const again = () =>
      far
        .fork()
        .execute('select 1')
        .catch(() => null);
    await eventually(again, PATIENCE.silentMs / 2);
  },
);

test.skipIf(embedded)(
  'a connection that ends within a transaction, or at its beginning, is not missing afterwards',
  async () => {
    const { proxy, far } = await opened();
    const ended = () =>
      far.fork().transactional((em) => em.execute('select pg_terminate_backend(pg_backend_pid())'));
    // More than the pool has.
    for (let round = 0; round < 25; round += 1) await expect(ended()).rejects.toThrow();
    for (let round = 0; round < 25; round += 1) {
      await eventually(() =>
        far
          .fork()
          .execute('select 1')
          .catch(() => null),
      );
      proxy.cut();
      await expect(far.fork().transactional((em) => em.execute('select 1'))).rejects.toThrow();
    }
    expect(await far.fork().execute('select 1 as one')).toEqual([{ one: 1 }]);
  },
);
