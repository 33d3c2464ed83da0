import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { ApiError } from '../../src/client/errors.ts';
import type { AppendTaskOutputInput } from '../../src/client/generated/graphql.ts';
import { OutputSender } from '../../src/daemon/sender.ts';
import { Spool, type SpoolOptions } from '../../src/daemon/spool.ts';
import { smallDisk } from '../support/small-disk.ts';
import { scratch, silent } from './support.ts';

const MIB = 1024 * 1024;
const entry = (content: string) => ({
  type: 'STDOUT' as const,
  content,
  createdAt: '2026-01-01T00:00:00.000Z',
});

/** The rule of the server: each index once, in order, a gap refused. */
class Log {
  readonly contents: string[] = [];
  readonly batches: number[] = [];
  take(input: AppendTaskOutputInput): { nextIndex: number; stale: boolean } {
    if (input.firstIndex > this.contents.length) {
      throw new ApiError('gap', { code: 'OUTPUT_GAP', nextIndex: this.contents.length });
    }
    this.batches.push(input.entries.length);
    const known = this.contents.length - input.firstIndex;
    this.contents.push(...input.entries.slice(known).map(({ content }) => content));
    return { nextIndex: this.contents.length, stale: false };
  }
}

function sender(
  spool: Spool,
  append: (input: AppendTaskOutputInput) => Promise<{ nextIndex: number; stale: boolean }>,
  onStale: () => void = () => undefined,
) {
  const stop = new AbortController();
  const options = {
    taskId: 'task_1',
    attempt: 1,
    spool,
    append,
    onStale,
    logger: silent,
    signal: stop.signal,
  };
  return { stop, sender: new OutputSender(options) };
}

async function open(dir: string, options: Partial<SpoolOptions> = {}): Promise<Spool> {
  const spool = await Spool.open({ dir, limitBytes: 256 * MIB, ...options });
  onTestFinished(() => spool.close());
  return spool;
}
const onDisk = (dir: string) =>
  readdirSync(dir)
    .sort()
    .map((name) => readFileSync(join(dir, name), 'utf8'))
    .join('');
const numbers = (count: number) => Array.from({ length: count }, (_, number) => `line ${number}`);

describe('the spool', () => {
  it('sends everything in order, in batches of at most 1,000', async () => {
    const log = new Log();
    const spool = await open(scratch());
    const { sender: sending } = sender(spool, async (input) => log.take(input));
    for (const content of numbers(2_000)) await spool.append([entry(content)]);
    await sending.flush();
    expect(log.contents).toEqual(numbers(2_000));
    expect(Math.max(...log.batches)).toBeLessThanOrEqual(1_000);
    expect(spool.count).toBe(2_000);
  });

  it('has an entry on disk before it is sent', async () => {
    const dir = scratch();
    const spool = await open(dir);
    const { sender: sending } = sender(spool, async (input) => {
      expect(onDisk(dir)).toContain('first words');
      return { nextIndex: input.firstIndex + input.entries.length, stale: false };
    });
    await spool.append([entry('first words')]);
    await sending.flush();
    expect.assertions(1);
  });

  it('loses and doubles nothing when the daemon is killed with entries sent, unanswered and unsent', async () => {
    const log = new Log();
    const dir = scratch();
    const spool = await open(dir);
    let calls = 0;
    const first = sender(spool, async (input) => {
      const answer = log.take(input);
      calls += 1;
      // The third batch arrives, its answer never does.
      if (calls === 3) await new Promise(() => undefined);
      return answer;
    });
    await spool.append(numbers(5_000).map(entry));
    while (calls < 3) await delay(5);
    first.stop.abort();
    appendFileSync(join(dir, readdirSync(dir)[0] ?? ''), '{"type":"STDOUT","content":"torn by the cra');

    const again = await open(dir);
    expect(again.count).toBe(5_000);
    const second = sender(again, async (input) => log.take(input));
    await again.append([entry('after the restart')]);
    await second.sender.flush();
    expect(log.contents).toEqual([...numbers(5_000), 'after the restart']);
  });

  it('goes back to what the server misses', async () => {
    const log = new Log();
    const spool = await open(scratch());
    let isForgotten = false;
    const { sender: sending } = sender(spool, async (input) => {
      if (log.contents.length === 3_000 && !isForgotten) {
        isForgotten = true;
        log.contents.length = 750;
      }
      return log.take(input);
    });
    await spool.append(numbers(5_000).map(entry));
    await sending.flush();
    expect(isForgotten).toBe(true);
    expect(log.contents).toEqual(numbers(5_000));
  });

  it('makes the reader wait while too much is unsent, and goes on when it was sent', async () => {
    const log = new Log();
    const spool = await open(scratch(), { limitBytes: 64 * 1024 });
    const gate = Promise.withResolvers<void>();
    const { sender: sending } = sender(spool, async (input) => {
      await gate.promise;
      return log.take(input);
    });
    let appended = 0;
    const writing = (async () => {
      for (const content of numbers(100)) {
        await spool.append([entry(content.padEnd(4_096, '.'))]);
        appended += 1;
      }
    })();
    await delay(200);
    expect(appended).toBeGreaterThan(5);
    expect(appended).toBeLessThan(20);
    gate.resolve();
    await writing;
    await sending.flush();
    expect(log.contents).toHaveLength(100);
  });

  it('does not keep on disk what was acknowledged long ago', async () => {
    const dir = scratch();
    const log = new Log();
    const spool = await open(dir);
    const { sender: sending } = sender(spool, async (input) => log.take(input));
    const big = 'x'.repeat(60_000);
    for (let round = 0; round < 10; round += 1) {
      await spool.append(Array.from({ length: 20 }, (_, number) => entry(`${round * 20 + number} ${big}`)));
      await sending.flush();
    }
    expect(onDisk(dir).length).toBeLessThan(9 * MIB);
    const again = await open(dir);
    expect(again.count).toBe(200);
    expect(log.contents.map((content) => Number(content.split(' ')[0]))).toEqual([...Array(200).keys()]);
  });

  it('sends an entry that is longer than one reading', async () => {
    const log = new Log();
    const spool = await open(scratch());
    const { sender: sending } = sender(spool, async (input) => log.take(input));
    await spool.append([entry('small'), entry('y'.repeat(3 * MIB)), entry('small again')]);
    await sending.flush();
    expect(log.contents.map(({ length }) => length)).toEqual([5, 3 * MIB, 11]);
  });

  it('replaces the one entry that the server refuses, and sends the others', async () => {
    const log = new Log();
    const spool = await open(scratch());
    const { sender: sending } = sender(spool, async (input) => {
      if (input.entries.some(({ content }) => content === 'line 7'))
        throw new ApiError('no', { code: 'INVALID_INPUT' });
      return log.take(input);
    });
    await spool.append(numbers(20).map(entry));
    await sending.flush();
    expect(log.contents.filter((content) => content.startsWith('line'))).toHaveLength(19);
    expect(log.contents[7]).toMatch(/refused/);
  });

  it('tells when the attempt is not the current one, and still sends its output', async () => {
    const log = new Log();
    const spool = await open(scratch());
    let told = 0;
    const { sender: sending } = sender(
      spool,
      async (input) => ({ ...log.take(input), stale: true }),
      () => {
        told += 1;
      },
    );
    await spool.append(numbers(3).map(entry));
    await sending.flush();
    expect(told).toBe(1);
    expect(log.contents).toEqual(numbers(3));
  });

  it('goes on with the numbers of the server when its own end was lost with the disk', async () => {
    const spool = await open(scratch());
    const firstIndexes: number[] = [];
    const { sender: sending } = sender(spool, async (input) => {
      firstIndexes.push(input.firstIndex);
      return { nextIndex: Math.max(5, input.firstIndex + input.entries.length), stale: false };
    });
    await spool.append([entry('sent before')]);
    await sending.flush();
    await spool.append([entry('new')]);
    await sending.flush();
    expect(firstIndexes).toEqual([0, 5]);
    expect(spool.count).toBe(6);
  });

  it('deletes what was acknowledged also while more keeps coming', async () => {
    const dir = scratch();
    const log = new Log();
    const spool = await open(dir, { segmentBytes: 10_000 });
    // Each reply comes when there is more to send already: the spool is never empty.
    const { sender: sending } = sender(spool, async (input) => {
      const more = Math.min(3_000, input.firstIndex + input.entries.length + 50);
      while (spool.count < more) await delay(1);
      return log.take(input);
    });
    let most = 0;
    for (const content of numbers(3_000)) {
      await spool.append([entry(content.padEnd(100, '.'))]);
      while (spool.count - spool.acknowledged > 400) await delay(1);
      // One that is deleted between the two looks has no size any more.
      const sizes = readdirSync(dir).map(
        (name) => statSync(join(dir, name), { throwIfNoEntry: false })?.size,
      );
      most = Math.max(
        most,
        sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0),
      );
    }
    await sending.flush();
    expect(log.contents.map((content) => content.replaceAll('.', ''))).toEqual(numbers(3_000));
    expect(most).toBeLessThan(150_000);
  });

  it('goes on after a crash where the server stands, when that is further than the disk', async () => {
    const dir = scratch();
    const spool = await open(dir);
    await spool.append(numbers(10).map(entry));
    await spool.close();
    const again = await open(dir, { firstIndex: 12 });
    expect(again.count).toBe(12);
    await again.append([entry('after the restart')]);
    expect(await again.read(10)).toMatchObject({
      firstIndex: 12,
      entries: [{ content: 'after the restart' }],
    });
    expect(onDisk(dir)).not.toContain('line 9');
  });

  const disk = smallDisk(256 * 1024);
  afterAll(() => disk?.remove());
  if (disk) {
    it('waits on a full disk, says so, and frees it by what the server has: nothing is lost', async () => {
      const log = new Log();
      const gate = Promise.withResolvers<void>();
      let told = 0;
      const onWriteError = () => void (told += 1);
      const spool = await open(join(disk.directory, 'spool'), { segmentBytes: 64 * 1024, onWriteError });
      const { sender: sending } = sender(spool, async (input) => {
        await gate.promise;
        return log.take(input);
      });
      let appended = 0;
      const writing = (async () => {
        for (const content of numbers(200)) {
          await spool.append([entry(content.padEnd(4_096, '.'))]);
          appended += 1;
        }
      })();
      while (told === 0) await delay(10);
      const before = appended;
      await delay(300);
      expect(appended).toBe(before);
      expect(before).toBeGreaterThan(30);
      // Nothing of the disk is left even for a name.
      const filler = join(disk.directory, 'filler');
      for (let size = 65_536; size >= 1; size /= 2) {
        try {
          writeFileSync(filler, 'x'.repeat(size), { flag: 'a' });
        } catch {
          // Full.
        }
      }
      gate.resolve();
      await writing;
      await sending.flush();
      expect(log.contents.map((content) => content.replaceAll('.', ''))).toEqual(numbers(200));
    });
  }
});
