import type { World } from './world.ts';

export type DatabaseKind = 'postgresql' | 'embedded';

/** A promise of docs/RELIABILITY.md, as a program that tries to break it. */
export interface Scenario {
  /** As given to `--only`. */
  readonly name: string;
  /** Its number among the promises. */
  readonly number: string;
  readonly promise: string;
  readonly databases: readonly DatabaseKind[];
  /** Where CI runs it, with smaller counts: all together in three minutes. */
  readonly quick: readonly DatabaseKind[];
  /** Does its worst, compares what was acknowledged with what is there, and tells the verdict what it found. */
  readonly run: (world: World) => Promise<void>;
}

export const BOTH: readonly DatabaseKind[] = ['postgresql', 'embedded'];
export const POSTGRESQL: readonly DatabaseKind[] = ['postgresql'];
export const EMBEDDED: readonly DatabaseKind[] = ['embedded'];
