import type { EventEmitter } from 'node:events';
import { sql } from 'kysely';
import pg from 'pg';
import { expect, test } from 'vitest';
import { logEvent } from '../../src/events/append.ts';
import { kysely, openDatabase } from '../../src/platform/database.ts';
import { isDatabaseAway } from '../../src/platform/database-failures.ts';
import { newId } from '../../src/platform/ids.ts';
import { COMMITTING, PipeliningClient } from '../../src/platform/pipelining-client.ts';
import { transact } from '../../src/platform/transaction.ts';
import { entities } from '../../src/server/entities.ts';
import { onEnd } from '../support/cleanup.ts';
import { createTestDatabase, embedded } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';

const { server } = await startTestServer();
const { runtime } = server;
const execute = (text: string) => runtime.db.fork().execute(text);
await execute('create table sheet (n int primary key, once int unique deferrable initially deferred)');
await execute('insert into sheet values (1, 1)');
const rows = async () =>
  (await runtime.db.fork().execute<{ n: number }[]>('select n from sheet order by n')).map(({ n }) => n);
/** What rang while a transaction was carried out. */
async function ringsDuring(work: () => Promise<unknown>): Promise<number> {
  let rings = 0;
  const stop = runtime.doorbell.onRing('sheet', () => {
    rings += 1;
  });
  await work().finally(stop);
  return rings;
}

test('what a transaction writes along with its end is there when the call returns', async () => {
  for (let n = 10; n < 20; n += 1) {
    await transact(runtime, async (tx) => {
      tx.write(sql`insert into sheet values (${n}, null)`);
    });
    expect(await rows()).toContain(n);
  }
});

test.each(['write', 'ride'] as const)(
  'a last statement (%s) that fails undoes the whole transaction, is what the caller hears of, and rings nobody',
  async (way) => {
    const before = await rows();
    let failure: unknown = null;
    const rings = await ringsDuring(async () => {
      failure = await transact(runtime, async (tx) => {
        await sql`insert into sheet values (2, 2)`.execute(kysely(tx.em));
        const change = sql`insert into sheet values (1, 3)`;
        if (way === 'write') tx.write(change);
        else tx.ride(() => change);
        tx.ring('sheet');
      }).catch((error: unknown) => error);
    });
    expect(String(failure)).toContain('sheet_pkey');
    expect(rings).toBe(0);
    expect(await rows()).toEqual(before);
  },
);

test('a commit that fails undoes the transaction and is what the caller hears of', async () => {
  const before = await rows();
  const attempt = transact(runtime, async (tx) => {
    tx.write(sql`insert into sheet values (2, 1)`);
  });
  await expect(attempt).rejects.toThrow('sheet_once_key');
  expect(await rows()).toEqual(before);
});

test('work that throws undoes what it had written, whatever it was about to write at its end', async () => {
  const before = await rows();
  const attempt = transact(runtime, async (tx) => {
    await sql`insert into sheet values (2, 2)`.execute(kysely(tx.em));
    tx.ride(() => sql`insert into sheet values (3, 3)`);
    throw new Error('of the work');
  });
  await expect(attempt).rejects.toThrow('of the work');
  expect(await rows()).toEqual(before);
});

test('a log that cannot be appended undoes what went along with it', async () => {
  const before = await rows();
  const attempt = transact(runtime, async (tx) => {
    tx.ride(() => sql`insert into sheet values (2, 2)`);
    logEvent(tx, newId('contract'), { type: 'TASK_STARTED', taskId: null, data: {} } as never);
  });
  await expect(attempt).rejects.toThrow('contract_event');
  expect(await rows()).toEqual(before);
});

test.skipIf(embedded)(
  'a transaction whose work took no notice of a statement that failed is not told to be there',
  async () => {
    const before = await rows();
    const attempt = transact(runtime, async (tx) => {
      await sql`insert into sheet values (2, 2)`.execute(kysely(tx.em));
      await sql`select 1 / 0`.execute(kysely(tx.em)).catch(() => undefined);
    });
    await expect(attempt).rejects.toThrow('undone at its commit');
    expect(await rows()).toEqual(before);
  },
);

test.skipIf(embedded)(
  'a last statement with a value that the driver cannot write undoes the transaction',
  async () => {
    const before = await rows();
    const unwritable = {
      toPostgres: () => {
        throw new Error('cannot be written');
      },
    };
    const attempt = transact(runtime, async (tx) => {
      await sql`insert into sheet values (2, 2)`.execute(kysely(tx.em));
      tx.write(sql`insert into sheet values (3, ${unwritable}::int)`);
    });
    await expect(attempt).rejects.toThrow('cannot write');
    expect(await rows()).toEqual(before);
  },
);

test.skipIf(embedded)('nothing is done outside of a transaction when it could not begin', async () => {
  const database = await createTestDatabase();
  onEnd(() => database.drop());
  const config = { connectionString: database.databaseUrl ?? '' };
  const [ours, other] = [new PipeliningClient(config), new pg.Client(config)];
  await Promise.all([ours.connect(), other.connect()]);
  onEnd(() => other.end());
  onEnd(() => ours.end());
  await other.query('create table sheet (n int)');
  // Within one already, `begin` is no more than a warning: of what makes it fail, this is what leaves the connection.
  await ours.query('begin');
  await expect(ours.query('select 1 / 0')).rejects.toThrow('division by zero');
  await ours.query('begin');
  await expect(ours.query(`${COMMITTING}insert into sheet values (1)`)).rejects.toThrow('aborted');
  await ours.query('rollback');
  // What writes is not even sent before it is known that there is a transaction.
  await ours.query('begin');
  await expect(ours.query('select 1 / 0')).rejects.toThrow('division by zero');
  const { connection } = ours as unknown as { connection: EventEmitter };
  let failures = 0;
  connection.on('errorMessage', () => {
    failures += 1;
  });
  await ours.query('begin');
  await expect(ours.query('insert into sheet values (1)')).rejects.toThrow('aborted');
  expect(failures).toBe(1);
  // Nor is anything that relies on locks which were not held.
  await ours.query('rollback');
  await ours.query('begin');
  await expect(ours.query('select 1 / 0')).rejects.toThrow('division by zero');
  await ours.query('begin');
  await expect(ours.query('select 1')).rejects.toThrow('aborted');
  await expect(ours.query(`${COMMITTING}insert into sheet values (1)`)).rejects.toThrow('aborted');
  expect(failures).toBe(4);
  await ours.query('rollback');
  await ours.query('begin');
  await expect(ours.query({ text: 'insert into sheet values (1)' })).rejects.toThrow('only texts');
  await ours.query(`${COMMITTING}insert into sheet values (2)`);
  // Nor behind the last statement.
  await expect(ours.query('insert into sheet values (1)')).rejects.toThrow('Behind the last statement');
  await ours.query('commit');
  // And nothing overtakes what waits for the beginning.
  await ours.query('begin');
  const [, found] = await Promise.all([
    ours.query('insert into sheet values (4)'),
    ours.query('select n from sheet'),
  ]);
  expect(found.rows).toEqual([{ n: 2 }, { n: 4 }]);
  await ours.query('rollback');
  // A commit of a transaction that sent its own is not another one; the next rollback is one of the next transaction.
  await ours.query('begin');
  await ours.query('insert into sheet values (3)');
  await ours.query('rollback');
  expect((await other.query('select n from sheet')).rows).toEqual([{ n: 2 }]);
});

test.skipIf(embedded)(
  'a connection that is cut before the answer to the last statement fails as one that passes, and is not missing',
  async () => {
    const database = await createTestDatabase();
    onEnd(() => database.drop());
    const db = await openDatabase(database, { entities, migrations: [] });
    onEnd(() => db.close());
    await db.fork().execute('create table sheet (n int)');
    const cut = { ...runtime, db };
    for (let round = 0; round < 25; round += 1) {
      const attempt = transact(cut, async (tx) => {
        tx.write(
          sql`insert into sheet select ${round}::int where not pg_terminate_backend(pg_backend_pid())`,
        );
      });
      const failure = await attempt.catch((error: unknown) => error);
      expect(isDatabaseAway(failure), String(failure)).toBe(true);
    }
    expect(await db.fork().execute('select n from sheet')).toEqual([]);
  },
);
