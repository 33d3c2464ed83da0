/** What the running test file started: undone after it, the last first. */
const started: (() => unknown)[] = [];

/** Registers how to undo something, from wherever in a test file it was done. */
export function onEnd(undo: () => unknown): void {
  started.push(undo);
}

export async function undoAll(): Promise<void> {
  for (let undo = started.pop(); undo; undo = started.pop()) await undo();
}
