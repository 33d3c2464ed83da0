import { expect, test } from 'vitest';
import type { Answer, Api } from '../support/api.ts';
import { HandDaemon, openContract, spawn } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';

const { api, newOwner } = await startTestServer();
const daemon = await HandDaemon.connect(api);
const { contractId, supervisorId } = await openContract(api);
await daemon.start(supervisorId, 1, 's');
await daemon.say(supervisorId, 1, 0, ['USER: a', 'ASSISTANT: b', 'USER: c', 'ASSISTANT: d', 'USER: e']);
for (let n = 1; n <= 4; n += 1) {
  await spawn(api, contractId, { agent: 'nobody' });
  await openContract(api, { startSupervisor: false });
}
await openContract(await newOwner(), { startSupervisor: false });

/** Field, its other arguments, and whether the newest comes first. */
const CONNECTIONS: [string, string, boolean][] = [
  ['contracts', '', true],
  ['tasks', `contractId: "${contractId}",`, false],
  ['conversation', `contractId: "${contractId}",`, false],
  ['taskOutput', `taskId: "${supervisorId}",`, false],
  ['history', '', true],
];

test.each(CONNECTIONS)(
  '%s gives pages in order, each behind the one before, to the last',
  async (field, of, falls) => {
    const page = async (more: string): Promise<Answer> => {
      const selection =
        'edges { cursor } nodes { createdAt } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';
      return (await api.ask(`{ ${field}(${of} ${more}) { ${selection} } }`))[field];
    };
    const cursorsOf = ({ edges }: Answer): string[] => edges.map(({ cursor }: Answer) => cursor);
    const all = await page('first: 100');
    const cursors = cursorsOf(all);
    expect(cursors.length).toBeGreaterThanOrEqual(5);
    const times = all.nodes.map(({ createdAt }: Answer) => createdAt);
    expect(times).toEqual(falls ? [...times].sort().reverse() : [...times].sort());
    const seen: string[] = [];
    for (let after = ''; ; ) {
      const next = await page(`first: 2${after && `, after: "${after}"`}`);
      seen.push(...cursorsOf(next));
      const { hasNextPage, hasPreviousPage, startCursor, endCursor } = next.pageInfo;
      expect([startCursor, endCursor]).toEqual([cursorsOf(next)[0], cursorsOf(next).at(-1)]);
      expect(hasPreviousPage).toBe(after !== '');
      if (!hasNextPage) break;
      expect(next.nodes).toHaveLength(2);
      after = endCursor;
    }
    expect(seen).toEqual(cursors);
  },
);

test.each([
  ['tasks', `contractId: "${contractId}", status: [PENDING]`, 4],
  ['tasks', `contractId: "${contractId}", role: SUPERVISOR`, 1],
  ['contracts', 'status: ACTIVE', 5],
  ['contracts', 'status: COMPLETED', 0],
])('%s with %s gives those only', async (field, more, count) => {
  const of = async (by: Api) => (await by.ask(`{ ${field}(${more}) { nodes { id } } }`))[field].nodes;
  expect(await of(api)).toHaveLength(count);
});
