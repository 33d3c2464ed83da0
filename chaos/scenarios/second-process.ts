import { once } from 'node:events';
import { EMBEDDED, type Scenario } from '../harness/scenario.ts';

const REFUSED_WITHIN_MS = 2_000;

/** A second server is started on the directory of an embedded database that is in use. */
export const secondProcess: Scenario = {
  name: 'second-process',
  number: '15',
  promise: 'A second process on the embedded directory: refused within 2 s, naming the pid of the first.',
  databases: EMBEDDED,
  quick: EMBEDDED,
  run: async (world) => {
    const first = await world.startServer();
    const contracts: string[] = [];
    for (let round = world.size(20, 2); round > 0; round -= 1) {
      const second = await world.server({ dataDir: first.dataDir });
      const startedAt = performance.now();
      second.launch();
      const { child } = second.program;
      await once(child, 'exit');
      world.verdict.recovered('refusing', performance.now() - startedAt, REFUSED_WITHIN_MS);
      world.verdict.ran();
      const names = second.log.includes(`process ${first.pid} `);
      world.verdict.check(child.exitCode !== 0 && names, `it said ${second.log}, code ${child.exitCode}`);
      contracts.push(await world.contract({ name: `round ${round}` }));
      // Whoever was refused must not have taken the lock along, nor does a killed process leave it behind.
      if (round % 2 === 0) await first.kill();
      if (round % 2 === 0) await first.start();
    }
    await first.stop();
    const stored = await world.database.query<{ name: string }>('select name from contract');
    world.verdict.sameSet(
      'contracts',
      contracts.map((_, index) => `round ${contracts.length - index}`),
      stored.map(({ name }) => name),
    );
  },
};
