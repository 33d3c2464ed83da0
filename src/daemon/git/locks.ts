/*
 * Locks inside this process, by name. One daemon owns its data directory, so no other process is kept out here.
 * Order, so that two operations never wait for each other: target or working copy, the mirror's gate, the mirror.
 * Nobody passes one gate twice: `alone`, waiting in between, would never begin.
 */

const tails = new Map<string, Promise<void>>();

/** Runs the work after all earlier work under the same name has ended, whether it failed or not. */
export async function exclusively<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  const before = tails.get(name) ?? Promise.resolve();
  const { promise: done, resolve: release } = Promise.withResolvers<void>();
  const tail = before.then(() => done);
  tails.set(name, tail);
  await before;
  try {
    return await work();
  } finally {
    release();
    if (tails.get(name) === tail) tails.delete(name);
  }
}

interface Gate {
  readers: number;
  idle: (() => void) | undefined;
}

const gates = new Map<string, Gate>();

/** Many of these run side by side under one name, but never during `alone` of that name. */
export async function together<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  const gate = await exclusively(`gate ${name}`, async () => {
    const found = gates.get(name) ?? { readers: 0, idle: undefined };
    gates.set(name, found);
    found.readers += 1;
    return found;
  });
  try {
    return await work();
  } finally {
    gate.readers -= 1;
    if (gate.readers === 0) {
      gate.idle?.();
      gates.delete(name);
    }
  }
}

/** Waits until no `together` of that name runs, and keeps new ones waiting until the work has ended. */
export async function alone<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  return exclusively(`gate ${name}`, async () => {
    const gate = gates.get(name);
    if (gate && gate.readers > 0) {
      await new Promise<void>((resolve) => {
        gate.idle = resolve;
      });
    }
    return work();
  });
}

/**
 * Waits for all of the work, also when some of it fails, so that nothing goes on after a lock is given up.
 * @throws the first failure
 */
export async function sideBySide<Results extends readonly unknown[]>(
  ...work: { [At in keyof Results]: Promise<Results[At]> }
): Promise<Results> {
  await Promise.allSettled(work);
  return Promise.all(work) as unknown as Promise<Results>;
}
