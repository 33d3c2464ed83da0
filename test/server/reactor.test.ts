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
    round: async (_, { sweep }) => {
      rounds.push(sweep);
      return rounds.length < 3 ? 10 : null;
    },
  });
  reactor.start();
  await eventually(() => rounds.length === 3);
  await reactor.close();
  expect(rounds).toEqual([true, false, false]);
});

test('a round is about what was rung; a ring of anything, too many of them, and a sweep make it about everything', async () => {
  const { server } = await startTestServer();
  const { doorbell } = server.runtime;
  const rounds: (readonly string[] | null)[] = [];
  let go = () => {};
  const reactor = new Reactor(server.runtime, {
    name: 'test',
    topic: 'test',
    round: async (_, { about }) => {
      rounds.push(about);
      // What is rung meanwhile is the next round's.
      await new Promise<void>((resolve) => {
        go = resolve;
      });
      return null;
    },
  });
  reactor.start();
  const next = async (...topics: string[]) => {
    const soFar = rounds.length;
    doorbell.ring(topics);
    go();
    await eventually(() => rounds.length > soFar);
    return rounds.at(-1);
  };
  await eventually(() => rounds.length === 1);
  expect(rounds).toEqual([null]);
  expect(await next('test:a', 'test:b', 'test:a', 'other:c')).toEqual(['a', 'b']);
  expect(await next('test:c')).toEqual(['c']);
  expect(await next('test:d', 'test')).toBeNull();
  expect(await next('test:e')).toEqual(['e']);
  expect(await next(...Array.from({ length: 200 }, (_, index) => `test:${index}`))).toBeNull();
  const swept = reactor.sweepNow();
  await eventually(() => {
    go();
    return rounds.length > 6 && rounds.at(-1) === null;
  });
  go();
  await swept;
  await reactor.close();
});

test('after a round that failed the next is about everything', async () => {
  const { server } = await startTestServer({ logLevel: 'silent' });
  const { doorbell } = server.runtime;
  const rounds: (readonly string[] | null)[] = [];
  const reactor = new Reactor(server.runtime, {
    name: 'test',
    topic: 'test',
    round: async (_, { about }) => {
      rounds.push(about);
      if (about?.includes('bad')) throw new Error('as if the database were away');
      return null;
    },
  });
  reactor.start();
  await eventually(() => rounds.length === 1);
  for (const about of ['good', 'bad', 'good', 'good']) {
    const soFar = rounds.length;
    doorbell.ring([`test:${about}`]);
    await eventually(() => rounds.length > soFar);
  }
  await reactor.close();
  expect(rounds).toEqual([null, ['good'], ['bad'], null, ['good']]);
});
