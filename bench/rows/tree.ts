import type { Row, Sample } from '../harness/row.ts';
import { now } from '../harness/serve-calls.ts';
import { median } from '../harness/statistics.ts';
import type { World } from '../harness/world.ts';
import { seedTree } from './seed.ts';

/** The tree with what a person sees of it: each task with its daemon and its checkpoints, and the questions. */
const TREE = `query($id: ID!) {
  contractTree(contractId: $id) {
    total counts { status count }
    nodes { depth task { id name role status attempt errorMessage createdAt completedAt daemon { name } checkpoints { number message } } }
  }
  questions(contractId: $id) { id question status }
}`;

async function prepare(world: World): Promise<() => Promise<Sample[]>> {
  if (!world.databaseUrl) throw new Error('tree is measured on PostgreSQL only');
  const client = await world.connect(world.databaseUrl);
  const daemon = await world.daemon();
  const small = await treeOf(10);
  const large = await treeOf(1_000);
  const statements = async (id: string) =>
    (
      await world.server.call<string[]>('statements', {
        key: world.owner.key,
        query: TREE,
        variables: { id },
      })
    ).length;

  async function treeOf(count: number): Promise<string> {
    const contractId = await world.contract();
    await seedTree(client, await world.running(daemon, contractId), count);
    return contractId;
  }
  const times = async (id: string) => {
    const took: number[] = [];
    for (let round = 0; round < world.size(20, 2); round += 1) {
      const from = now();
      await world.owner.ask(TREE, { id });
      took.push(now() - from);
    }
    return median(took);
  };
  await times(large);
  return async () => [
    { ours: await statements(large), peer: await statements(small) },
    { name: 'tree-ms', ours: await times(large), peer: null },
  ];
}

export const tree: Row = {
  name: 'tree',
  title: 'contractTree of 1,000 tasks with their daemons, checkpoints and questions',
  measures: {
    tree: {
      unit: 'SQL statements',
      better: 'lower',
      beside: 'the same for 10 tasks',
      target: { ours: 6, ratio: 1 },
    },
    'tree-ms': { unit: 'ms (p50)', better: 'lower', beside: '', target: { ours: 50 } },
  },
  prepare,
};
