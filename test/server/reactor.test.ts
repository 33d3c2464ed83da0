import { expect, test } from 'vitest';
import { Reactor } from '../../src/platform/reactor.ts';
import { eventually } from '../support/api.ts';
import { startTestServer } from '../support/server.ts';

test('a round that asks for it is followed by another, though nobody rings and no sweep is due', async () => {
  const { server } = await startTestServer();
  const rounds: boolean[] = [];
  const reactor = new Reactor(server.runtime, {
    name: 'test',
    topic: 'test',
    round: async (_, sweep) => {
      rounds.push(sweep);
      return rounds.length < 3 ? 10 : null;
    },
  });
  reactor.start();
  await eventually(() => rounds.length === 3);
  await reactor.close();
  expect(rounds).toEqual([true, false, false]);
});
