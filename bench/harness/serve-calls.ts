interface Call {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

type Handler = (argument: never) => unknown;

/** The options a child was started with. */
export function childOptions<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T;
}

/** The other end of `Child`: answers calls by name, and ends the process when told to or when its parent is gone. */
export function serveCalls(handlers: Record<string, Handler>, stop: () => unknown = () => undefined): void {
  const end = async () => {
    await stop();
    process.exit(0);
  };
  process.on('disconnect', () => void end());
  process.on('message', async ({ id, name, argument }: Call) => {
    if (name === 'stop') return void end();
    try {
      const value = name === 'ready' ? null : await handlers[name]?.(argument as never);
      process.send?.({ id, value: value ?? null });
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
}

/** Memory once garbage is collected. Bytes. */
export function memoryNow(): { heap: number; rss: number } {
  for (let round = 0; round < 3; round += 1) (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}

/** Milliseconds on the clock that all processes of a machine share. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
