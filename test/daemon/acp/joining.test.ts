import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { MessageJoiner } from '../../../src/daemon/agents/acp/message-joiner.ts';
import { pieces, shortened } from '../../../src/daemon/agents/acp/texts.ts';
import { Transcript } from '../../../src/daemon/agents/acp/transcript.ts';
import { UsageMeter } from '../../../src/daemon/agents/acp/usage-meter.ts';
import type { OutputEntry } from '../../../src/daemon/output.ts';

function joiner(flushMs: number) {
  const written: OutputEntry[] = [];
  const said: string[] = [];
  let gate = Promise.resolve();
  const made = new MessageJoiner({
    flushMs,
    onSaid: (text) => said.push(text),
    append: async (entries) => {
      await gate;
      written.push(...entries);
    },
  });
  const brief = () =>
    written.map(({ type, content, messageId, isPartial }) => [
      type,
      content,
      messageId ?? null,
      isPartial ?? null,
    ]);
  return { joiner: made, written, said, brief, hold: (until: Promise<void>) => (gate = until) };
}

describe('joining the chunks of messages', () => {
  it('makes one entry without a messageId of what ends before it is due', async () => {
    const { joiner: made, brief, said } = joiner(1_000);
    for (const chunk of ['a', 'b', 'c']) await made.add('ASSISTANT', null, chunk);
    await made.end();
    expect(brief()).toEqual([['ASSISTANT', 'abc', null, null]]);
    expect(said).toEqual(['abc']);
  });

  it('gives every message an id of its own, also when an agent uses one twice', async () => {
    const { joiner: made, brief } = joiner(10);
    for (const round of [1, 2]) {
      await made.add('ASSISTANT', 'same', `round ${round}`);
      await delay(50);
      await made.end();
    }
    const ids = brief().map(([, , id]) => id);
    expect(ids).toEqual(['message-1', 'message-1', 'message-2', 'message-2']);
    expect(brief().map(([, , , isPartial]) => isPartial)).toEqual([true, false, true, false]);
  });

  it('begins a new message when the kind or the agent’s id changes, and not when the agent names none', async () => {
    const { joiner: made, brief } = joiner(1_000);
    await made.add('THOUGHT', null, 'hm');
    await made.add('ASSISTANT', 'one', 'a');
    await made.add('ASSISTANT', null, 'b');
    await made.add('ASSISTANT', 'two', 'c');
    await made.end();
    expect(brief().map(([type, content]) => `${type} ${content}`)).toEqual([
      'THOUGHT hm',
      'ASSISTANT ab',
      'ASSISTANT c',
    ]);
  });

  it('says nothing of a message without a word', async () => {
    const { joiner: made, written, said } = joiner(1_000);
    await made.add('ASSISTANT', null, '');
    await made.end();
    await made.add('ASSISTANT', null, ' \n');
    await made.end();
    expect(written).toHaveLength(1);
    expect(said).toEqual([]);
  });

  it('takes no more while what it has cannot be stored, and loses none of it', async () => {
    const { joiner: made, written, hold } = joiner(5);
    const stored = Promise.withResolvers<void>();
    hold(stored.promise);
    await made.add('ASSISTANT', null, 'first ');
    await delay(30);
    let taken = 0;
    const rest = (async () => {
      for (let n = 0; n < 100; n += 1) {
        await made.add('ASSISTANT', null, `${n} `);
        taken += 1;
      }
      await made.end();
    })();
    await delay(50);
    expect(taken).toBe(0);
    stored.resolve();
    await rest;
    expect(written.map(({ content }) => content).join('')).toBe(
      `first ${Array.from({ length: 100 }, (_, n) => `${n} `).join('')}`,
    );
  });
});

describe('texts', () => {
  it('are cut between characters, and what is left out is counted', () => {
    expect(pieces('ab😀cd', 3)).toEqual(['ab', '😀c', 'd']);
    expect(pieces('', 3)).toEqual(['']);
    expect(shortened('ab😀cd', 3)).toBe('ab\n[4 more characters are left out here]');
    expect(shortened('abc', 3)).toBe('abc');
  });
});

describe('what a new session is told', () => {
  const entry = (
    type: OutputEntry['type'],
    content: string,
    more: Partial<OutputEntry> = {},
  ): OutputEntry => ({
    type,
    content,
    createdAt: '2026-01-01T00:00:00Z',
    ...more,
  });

  it('is what was said before and since, the pieces of a message joined, and nothing else', () => {
    const transcript = new Transcript([{ role: 'USER', content: 'before' }]);
    transcript.take([
      entry('ASSISTANT', 'one ', { messageId: 'm', isPartial: true }),
      entry('TOOL_CALL', 'ls'),
      entry('ASSISTANT', 'two', { messageId: 'm', isPartial: false }),
      entry('ASSISTANT', 'three'),
      entry('STDERR', 'x'),
    ]);
    expect(transcript.told()).toEqual([
      { role: 'USER', content: 'before' },
      { role: 'ASSISTANT', content: 'one two' },
      { role: 'ASSISTANT', content: 'three' },
    ]);
  });

  it('is the latest of it that fits', () => {
    const transcript = new Transcript([]);
    for (let n = 0; n < 30; n += 1) transcript.take([entry('USER', `${n} ${'x'.repeat(10_000)}`)]);
    const told = transcript.told();
    expect(told[0]).toEqual({ role: 'SYSTEM', content: 'Earlier messages are left out here.' });
    expect(told.at(-1)?.content.slice(0, 3)).toBe('29 ');
    expect(told.length).toBeLessThan(22);
    transcript.take([entry('ASSISTANT', 'y'.repeat(500_000))]);
    expect(transcript.told()[1]?.content).toHaveLength(200_000);
  });
});

describe('what an agent used', () => {
  it.each([
    ['the cost of its session so far', [0.1, 0.25, 0.25], 0.25],
    ['what it counts from the start of its process', [1, 0.2, 0.5], 1.5],
    ['nothing that is no number', [Number.NaN, -1, Number.POSITIVE_INFINITY, 0.5], 0.5],
  ])('is %s', (_, amounts, total) => {
    const meter = new UsageMeter();
    for (const amount of amounts) meter.sessionCosts(amount);
    expect(meter.total.costUsd).toBeCloseTo(total);
  });

  it('is without what the session had cost before it was taken up', () => {
    const meter = new UsageMeter();
    meter.isCostBefore(3);
    meter.sessionCosts(3.5);
    expect(meter.total.costUsd).toBeCloseTo(0.5);
  });
});
