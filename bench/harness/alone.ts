import { startCluster } from '../../test/support/start-cluster.ts';
import { World } from './world.ts';

/** Measures one thing by itself, at a server on a PostgreSQL cluster of its own; both end with it. */
export async function alone(measure: (world: World) => Promise<void>): Promise<void> {
  const cluster = await startCluster(['shared_buffers=128MB', 'max_wal_size=1GB', 'fsync=off']);
  try {
    const world = await World.open({
      clusterUrl: cluster.url,
      embedded: false,
      quick: false,
      profileDir: null,
    });
    try {
      await measure(world);
    } finally {
      await world.close();
    }
  } finally {
    cluster.stop();
  }
}
