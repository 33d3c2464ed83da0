import { appendFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { Journal } from '../../src/daemon/journal.ts';
import { smallDisk } from '../support/small-disk.ts';
import { scratch, until } from './support.ts';

async function open(file: string, now?: number): Promise<Journal> {
  const journal = await Journal.open(file, now === undefined ? {} : { now });
  onTestFinished(() => journal.close());
  return journal;
}

const command = (id: string) => ({ id, type: 'MERGE_TASK', taskId: 'task_1', attempt: 1 });

describe('the journal of commands', () => {
  it('tells after a restart how far each command had come', async () => {
    const file = join(scratch(), 'journal.jsonl');
    const journal = await open(file);
    await journal.record({ ...command('a'), state: 'received' });
    await journal.record({ ...command('b'), state: 'accepted' });
    await journal.record({ ...command('b'), state: 'finished', outcome: { result: { x: 1 } } });
    // Not closed: as after a kill.
    const again = await open(file);
    expect(again.open().map(({ id, state }) => [id, state])).toEqual([
      ['a', 'received'],
      ['b', 'finished'],
    ]);
    expect(again.get('b')?.outcome).toEqual({ result: { x: 1 } });
  });

  it('is on disk when record resolves, also when many are recorded at once', async () => {
    const file = join(scratch(), 'journal.jsonl');
    const journal = await open(file);
    await Promise.all(
      Array.from({ length: 100 }, async (_, number) => {
        await journal.record({ ...command(`c${number}`), state: 'accepted' });
        expect(readFileSync(file, 'utf8')).toContain(`"c${number}"`);
      }),
    );
    expect((await open(file)).open()).toHaveLength(100);
  });

  it('ignores a torn last line, and writes on after it', async () => {
    const file = join(scratch(), 'journal.jsonl');
    const journal = await open(file);
    await journal.record({ ...command('a'), state: 'accepted' });
    appendFileSync(
      file,
      JSON.stringify({ ...command('a'), state: 'finished', at: 1, outcome: {} }).slice(0, 50),
    );
    const second = await open(file);
    expect(second.get('a')?.state).toBe('accepted');
    await second.record({ ...command('b'), state: 'received' });
    expect((await open(file)).open().map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('forgets answered commands after a day or beyond 1,000, and never one that is open', async () => {
    const file = join(scratch(), 'journal.jsonl');
    const journal = await open(file);
    await journal.record({ ...command('open'), state: 'accepted' });
    const all = Array.from({ length: 1_200 }, (_, number) => `c${number}`);
    for (const id of all) await journal.record({ ...command(id), state: 'answered' });
    const later = await open(file);
    expect(all.filter((id) => later.get(id))).toHaveLength(1_000);
    expect(later.get('open')?.state).toBe('accepted');
    const nextDay = await open(file, Date.now() + 25 * 60 * 60 * 1_000);
    expect(all.filter((id) => nextDay.get(id))).toEqual([]);
    expect(nextDay.get('open')?.state).toBe('accepted');
  });

  it('compacts itself while it runs', async () => {
    const file = join(scratch(), 'journal.jsonl');
    const journal = await open(file);
    const outcome = { result: { text: 'x'.repeat(60_000) } };
    for (let round = 0; round < 300; round += 1)
      await journal.record({ ...command('same'), state: 'finished', outcome });
    expect(statSync(file).size).toBeLessThan(9 * 1024 * 1024);
    expect((await open(file)).get('same')?.outcome).toEqual(outcome);
  });

  it('does not keep a long answer once the server has it', async () => {
    const file = join(scratch(), 'journal.jsonl');
    const journal = await open(file);
    await journal.record({ ...command('a'), state: 'answered', outcome: { result: 'x'.repeat(100_000) } });
    await journal.record({ ...command('b'), state: 'answered', outcome: { result: 'short' } });
    expect(journal.get('a')?.outcome).toBeUndefined();
    expect(journal.get('b')?.outcome).toEqual({ result: 'short' });
  });

  const disk = smallDisk(64 * 1024);
  afterAll(() => disk?.remove());
  if (disk) {
    it('waits on a full disk, so that nothing is done that it does not know of, and says so', async () => {
      const file = join(disk.directory, 'journal.jsonl');
      let told = 0;
      const journal = await Journal.open(file, { onWriteError: () => void (told += 1) });
      await journal.record({ ...command('before'), state: 'accepted' });
      const filler = join(disk.directory, 'filler');
      expect(() => writeFileSync(filler, 'x'.repeat(100_000))).toThrow(/ENOSPC/);
      const outcome = { result: { text: 'x'.repeat(5_000) } };
      let isDone = false;
      const recorded = journal.record({ ...command('on'), state: 'finished', outcome }).then(() => {
        isDone = true;
      });
      await until('it says so', () => told > 0);
      expect(isDone).toBe(false);
      rmSync(filler);
      await recorded;
      await journal.record({ ...command('after'), state: 'received' });
      await journal.close();
      const again = await open(file);
      expect(again.open().map(({ id, state }) => [id, state])).toEqual([
        ['before', 'accepted'],
        ['on', 'finished'],
        ['after', 'received'],
      ]);
      expect(again.get('on')?.outcome).toEqual(outcome);
    });
  }
});
