import { eventually } from '../../test/support/api.ts';
import { openContract, spawn } from '../../test/support/daemon.ts';
import { RawSubscriber } from '../harness/raw-subscriber.ts';
import { BOTH, POSTGRESQL, type Scenario } from '../harness/scenario.ts';

const LIVE_WITHIN_MS = 10_000;
const QUERY =
  'subscription($id: ID!, $after: Int) { taskOutput(taskId: $id, afterSequence: $after) { sequence content } }';

/** All clients of a server are cut, or it is started anew, and all come back in the same moment, with their cursors. */
export const reconnectAtOnce: Scenario = {
  name: 'reconnect-at-once',
  number: '18',
  promise: '1,000 clients reconnect at once: all live within 10 s, no error.',
  databases: BOTH,
  quick: POSTGRESQL,
  run: async (world) => {
    const server = await world.startServer();
    const daemon = await world.handDaemon();
    const { contractId } = await openContract(world.api(), {
      repositories: [{ localPath: world.repository, isPrimary: true }],
      startSupervisor: false,
    });
    const taskId = await spawn(world.api(), contractId);
    await daemon.start(taskId);
    const clients = world.size(1_000, 100);
    const got = Array.from({ length: clients }, () => [] as string[]);
    const cursors = new Array<number>(clients).fill(0);
    const connect = (client: number) =>
      new RawSubscriber(world.api(), QUERY, { id: taskId, after: cursors[client] }, (event) => {
        got[client]?.push(event.content);
        cursors[client] = event.sequence;
      });
    const said: string[] = [];
    const say = async (what: string) => {
      await daemon.append(taskId, 1, said.length, [what]);
      said.push(what);
    };
    const allHave = () => got.every((each) => each.length >= said.length);
    await say('before');
    let subscribers = got.map((_, client) => connect(client));
    await eventually(allHave, 60_000);
    const rounds = world.size(6, 2);
    for (let round = 0; round < rounds; round += 1) {
      if (round % 2 === 0) for (const subscriber of subscribers) subscriber.cut();
      else await server.stop();
      if (round % 2 === 1) await server.start();
      const at = performance.now();
      subscribers = got.map((_, client) => connect(client));
      // What is said while they come back must reach those who have, and those who have not.
      await say(`round ${round}`);
      await say(`round ${round}, again`);
      await eventually(allHave, 120_000);
      world.verdict.recovered('being live again', performance.now() - at, LIVE_WITHIN_MS);
      world.verdict.ran(clients);
      const failed = subscribers.filter(({ ended }) => ended !== null);
      world.verdict.check(failed.length === 0, `${failed.length} failed, first with ${failed[0]?.ended}`);
    }
    for (const each of got) world.verdict.sameList('what a client got', said, each);
    await server.stop();
    await world.checkSequences();
  },
};
