import { expect, test } from 'vitest';
import { LocalDoorbell } from '../../src/platform/doorbell.ts';

test('a ring calls those who wait for its topic, once for each registration, and nobody else', () => {
  const doorbell = new LocalDoorbell();
  const heard: string[] = [];
  const callback = () => void heard.push('a');
  const stops = [
    doorbell.onRing('a', callback),
    doorbell.onRing('a', callback),
    doorbell.onRing('b', () => void heard.push('b')),
  ];
  doorbell.ring(['a', 'nobody']);
  expect(heard).toEqual(['a', 'a']);
  stops[0]?.();
  doorbell.ring(['a', 'b']);
  expect(heard).toEqual(['a', 'a', 'a', 'b']);
  doorbell.ringAll();
  expect(heard).toEqual(['a', 'a', 'a', 'b', 'a', 'b']);
});

test('who listens without saying about what hears of all, and about what each is', () => {
  const doorbell = new LocalDoorbell();
  const heard: (string | null)[] = [];
  doorbell.onRing('a', (about) => void heard.push(about));
  doorbell.onRing('a:one', () => void heard.push('told'));
  doorbell.ring(['a:one', 'a:two', 'b:one', 'a']);
  expect(heard).toEqual(['told', 'one', 'two', null]);
  doorbell.ringAll();
  expect(heard.slice(4)).toEqual([null, 'told', 'one']);
});

test('stopping twice counts once, and one that stops during a ring does not keep the others from hearing it', () => {
  const doorbell = new LocalDoorbell();
  const heard: number[] = [];
  const stop = doorbell.onRing('a', () => {
    heard.push(1);
    stop();
    stop();
  });
  doorbell.onRing('a', () => void heard.push(2));
  expect(doorbell.listeners).toBe(2);
  doorbell.ring(['a']);
  doorbell.ring(['a']);
  expect(heard).toEqual([1, 2, 2]);
  expect(doorbell.listeners).toBe(1);
});

test('who stops and registers again at another time is heard once, and after closing nobody is', async () => {
  const doorbell = new LocalDoorbell();
  const heard: string[] = [];
  const stop = doorbell.onRing('a', () => void heard.push('first'));
  stop();
  const stopSecond = doorbell.onRing('a', () => void heard.push('second'));
  stop();
  doorbell.ring(['a']);
  expect(heard).toEqual(['second']);
  await doorbell.close();
  doorbell.ring(['a']);
  expect(heard).toEqual(['second']);
  expect(doorbell.listeners).toBe(0);
  stopSecond();
  expect(doorbell.listeners).toBe(0);
});
