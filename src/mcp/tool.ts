import type { z } from 'zod';
import type { Call } from './call.ts';

/** Whose key the server runs with: that of a task by its role, or that of a person. */
export const ROLES = ['SUPERVISOR', 'WORK', 'RED_TEAM', 'USER'] as const;
export type Role = (typeof ROLES)[number];

/** What a tool came to: a model is shown this as text, or as it is. Undefined and null fields are left out. */
export type Data = Readonly<Record<string, unknown>>;

export interface Outcome {
  readonly data: Data;
  /** The same call again takes this one up, and does nothing twice. */
  readonly unresolved?: boolean;
  /** What is to be done once the client has the result. */
  readonly onDelivered?: () => Promise<unknown>;
}

/** What a tool does to the world, for clients that ask their user first. */
export type Effect = 'reads' | 'changes' | 'destroys';

export interface Tool {
  readonly name: string;
  readonly title: string;
  /** For the model: what it is for, when to use it, what comes back. */
  readonly description: string;
  readonly roles: readonly Role[];
  readonly effect: Effect;
  /** It is about a contract: a task's key implies its own, a person names one. */
  readonly isOfContract: boolean;
  readonly input: z.ZodObject;
  readonly run: (input: never, call: Call) => Promise<Outcome>;
}

type Definition<Shape extends z.ZodRawShape> = Omit<Tool, 'input' | 'run' | 'isOfContract'> & {
  readonly isOfContract?: boolean;
  readonly input: z.ZodObject<Shape>;
  readonly run: (input: z.output<z.ZodObject<Shape>>, call: Call) => Promise<Outcome>;
};

/** A tool, with what it takes known to what it does. */
export function tool<Shape extends z.ZodRawShape>(definition: Definition<Shape>): Tool {
  return { isOfContract: false, ...definition };
}

/** For those who run a contract: its supervisor, and a person in its place. */
export const SUPERVISION: readonly Role[] = ['SUPERVISOR', 'USER'];
