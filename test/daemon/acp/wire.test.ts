import { PassThrough } from 'node:stream';
import { setImmediate as tick } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openWire } from '../../../src/daemon/agents/acp/wire.ts';

function wire(onUpdate: (params: unknown) => Promise<void> = async () => undefined) {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const noise: string[] = [];
  const onNoise = async (line: string) => void noise.push(line);
  const opened = openWire({ stdin, stdout, onUpdate, onNoise });
  const reader = opened.stream.readable.getReader();
  const writer = opened.stream.writable.getWriter();
  const send = (message: unknown) => stdout.write(`${JSON.stringify(message)}\n`);
  return { stdin, stdout, noise, opened, reader, writer, send };
}

const update = (n: number) => ({ jsonrpc: '2.0', method: 'session/update', params: { n } });
const request = { jsonrpc: '2.0' as const, id: 1, method: 'session/prompt', params: {} };

describe('the line to an agent', () => {
  it('hands on an answer only when every update before it was taken', async () => {
    const taken: number[] = [];
    const { reader, writer, send } = wire(async (params) => {
      for (let n = 0; n < 5; n += 1) await tick();
      taken.push((params as { n: number }).n);
    });
    await writer.write(request);
    for (const n of [1, 2, 3]) send(update(n));
    send({ jsonrpc: '2.0', id: 1, result: {} });
    expect((await reader.read()).value).toMatchObject({ id: 1 });
    expect(taken).toEqual([1, 2, 3]);
  });

  it('reads no further while an update is not taken', async () => {
    const stored = Promise.withResolvers<void>();
    let taken = 0;
    const { reader, stdout } = wire(async () => {
      taken += 1;
      await stored.promise;
    });
    const read = reader.read();
    const line = `${JSON.stringify({ ...update(1), filler: 'x'.repeat(10_000) })}\n`;
    let written = 0;
    while (written < 1_000 && stdout.write(line)) {
      written += 1;
      await tick();
    }
    expect(written).toBeLessThan(100);
    expect(taken).toBe(1);
    stored.resolve();
    stdout.end();
    expect(await read).toEqual({ value: undefined, done: true });
    expect(taken).toBe(written + 1);
  });

  it('takes messages apart however they are cut, also in the middle of a character', async () => {
    const got: unknown[] = [];
    const { reader, stdout } = wire(async (params) => void got.push(params));
    const bytes = Buffer.from(
      `${JSON.stringify({ ...update(1), params: 'é😀' })}\n\n${JSON.stringify(update(2))}`,
    );
    const read = reader.read();
    for (const byte of bytes) {
      stdout.write(Buffer.from([byte]));
      await tick();
    }
    stdout.end();
    await read;
    expect(got).toEqual(['é😀', { n: 2 }]);
  });

  it('takes what is no message, and no answer to a question of ours, as noise', async () => {
    const { reader, writer, send, stdout, noise } = wire();
    await writer.write(request);
    stdout.write('hello\n42\n');
    send({ jsonrpc: '2.0', id: 2, result: {} });
    send({ jsonrpc: '2.0', id: 1, result: {} });
    send({ jsonrpc: '2.0', id: 1, result: {} });
    send({ jsonrpc: '2.0', id: 9, method: 'fs/read_text_file' });
    expect((await reader.read()).value).toMatchObject({ id: 1 });
    expect((await reader.read()).value).toMatchObject({ id: 9 });
    expect(noise).toHaveLength(4);
  });

  it('breaks at a message that is too long, without waiting for its end', async () => {
    const { reader, stdout } = wire();
    const read = reader.read();
    read.catch(() => undefined);
    const chunk = 'x'.repeat(1024 * 1024);
    for (let n = 0; n < 17; n += 1) {
      stdout.write(chunk);
      await tick();
    }
    await expect(read).rejects.toThrow(/more than 16 MiB/);
  });
});
