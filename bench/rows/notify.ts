import { now } from '../harness/serve-calls.ts';
import type { World } from '../harness/world.ts';

const CHANNEL = 'bench';

/** NOTIFY on one connection until another one hears it: the least that news through PostgreSQL takes. Milliseconds. */
export async function notifyRoundTrips(world: World): Promise<((count: number) => Promise<number[]>) | null> {
  if (!world.databaseUrl) return null;
  const speaker = await world.connect(world.databaseUrl);
  const listener = await world.connect(world.databaseUrl);
  await listener.query(`LISTEN ${CHANNEL}`);
  return async (count) => {
    const times: number[] = [];
    for (let index = 0; index < count; index += 1) {
      const from = now();
      const heard = new Promise<void>((resolve) => listener.once('notification', () => resolve()));
      await speaker.query('SELECT pg_notify($1, $2)', [CHANNEL, String(index)]);
      await heard;
      times.push(now() - from);
    }
    return times;
  };
}
