import pg from 'pg';
import { expect, test } from 'vitest';
import { LocalDoorbell } from '../../src/platform/doorbell.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { PostgresDoorbell } from '../../src/platform/postgres-doorbell.ts';
import { eventually } from '../support/api.ts';
import { createTestDatabase, embedded } from '../support/database.ts';

const heardOnce = 'what one instance rings the others hear once, without hearing their own twice';

if (embedded) {
  test(heardOnce, () => {
    const doorbell = new LocalDoorbell();
    let heard = 0;
    doorbell.onRing('a', () => void (heard += 1));
    doorbell.ring(['a', 'b']);
    expect(heard).toBe(1);
  });
} else {
  const database = await createTestDatabase();
  const url = String(database.databaseUrl);
  const logger = createLogger('silent');

  async function open(count: number): Promise<PostgresDoorbell[]> {
    const doorbells = Array.from({ length: count }, () => new PostgresDoorbell(url, logger));
    for (const doorbell of doorbells) await doorbell.open();
    return doorbells;
  }

  /** Counts rings of each topic. */
  function listen(doorbell: PostgresDoorbell, topics: string[]): Map<string, number> {
    const heard = new Map(topics.map((topic) => [topic, 0]));
    for (const topic of topics)
      doorbell.onRing(topic, () => void heard.set(topic, (heard.get(topic) ?? 0) + 1));
    return heard;
  }

  /** Ends the connection of the doorbell that was opened first, or of all. */
  async function terminate(which: 'first' | 'all'): Promise<void> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(
      `select pg_terminate_backend(pid) from (select pid from pg_stat_activity where application_name = 'taskmesh doorbell'
       and datname = current_database() order by backend_start ${which === 'first' ? 'limit 1' : ''}) as doorbells`,
    );
    await client.end();
  }

  test(heardOnce, async () => {
    const [one, two] = (await open(2)) as [PostgresDoorbell, PostgresDoorbell];
    const heard = [listen(one, ['a', 'b', 'end']), listen(two, ['a', 'b', 'end'])];
    one.ring(['a']);
    one.ring(['a', 'nobody']);
    two.ring(['end']);
    await eventually(() => heard.every((each) => each.get('end') === 1) && heard[1]?.get('a'));
    expect(heard[0]).toEqual(
      new Map([
        ['a', 2],
        ['b', 0],
        ['end', 1],
      ]),
    );
    // Rings of one turn are sent together.
    expect(heard[1]).toEqual(
      new Map([
        ['a', 1],
        ['b', 0],
        ['end', 1],
      ]),
    );
    await Promise.all([one.close(), two.close()]);
  });

  test('more topics than fit into one notification all arrive', async () => {
    const [one, two] = (await open(2)) as [PostgresDoorbell, PostgresDoorbell];
    const topics = Array.from(
      { length: 1_000 },
      (_, index) => `c:contract_${String(index).padStart(26, '0')}`,
    );
    const heard = listen(two, topics);
    one.ring(topics);
    await eventually(() => [...heard.values()].every((count) => count > 0));
    expect([...heard.values()].every((count) => count === 1)).toBe(true);
    await Promise.all([one.close(), two.close()]);
  });

  test('after the connection was lost everything that is waited for is rung, since rings may have been missed', async () => {
    const [one, two] = (await open(2)) as [PostgresDoorbell, PostgresDoorbell];
    const heard = listen(two, ['quiet', 'other']);
    await terminate('all');
    await eventually(() => [...heard.values()].every((count) => count > 0));
    one.ring(['other']);
    const before = heard.get('other') ?? 0;
    await eventually(() => (heard.get('other') ?? 0) > before);
    await Promise.all([one.close(), two.close()]);
  });

  test('what is rung while the connection of the ringer dies reaches the others all the same', async () => {
    for (let round = 0; round < 5; round += 1) {
      const [one, two] = (await open(2)) as [PostgresDoorbell, PostgresDoorbell];
      const names = Array.from({ length: 40 }, (_, index) => `topic-${index}`);
      const heard = listen(two, names);
      const dying = terminate('first');
      for (const name of names) {
        one.ring([name]);
        await new Promise((resolve) => setImmediate(resolve));
        if (Number(name.split('-')[1]) % 8 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      }
      await dying;
      one.ring(['topic-0']);
      await eventually(() => [...heard.values()].every((count) => count > 0), 5_000).catch(() => {
        expect.fail(`never heard: ${names.filter((name) => heard.get(name) === 0)}`);
      });
      await Promise.all([one.close(), two.close()]);
    }
    await database.drop();
  });
}
