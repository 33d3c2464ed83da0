import type { World } from './world.ts';

/** What one round measured: ours beside its peer, in the same minute. */
export interface Sample {
  /** A row of its own in the results; else the row's name. */
  readonly name?: string;
  readonly ours: number;
  /** null where the target is a figure and not a ratio. */
  readonly peer: number | null;
}

export interface Measure {
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** What it is measured beside. */
  readonly beside: string;
  /** What the ratio, or our figure, is to reach; null when it is only reported. */
  readonly target: { readonly ratio?: number; readonly ours?: number } | null;
}

export interface Row {
  readonly name: string;
  readonly title: string;
  /** By the name of the result. */
  readonly measures: Readonly<Record<string, Measure>>;
  /** Whether it is measured once more on the embedded database. */
  readonly onEmbedded?: boolean;
  /** How often it is measured; else five times. */
  readonly rounds?: number;
  /** Prepares, and returns what measures one round. Whatever it starts belongs to the world, which ends it. */
  readonly prepare: (world: World) => Promise<() => Promise<Sample[]>>;
}
