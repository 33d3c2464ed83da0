import type { EntityManager } from '../platform/database.ts';
import type { Principal } from '../platform/principal.ts';
import { type Operation, type Runtime, requirePrincipal } from '../platform/runtime.ts';
import { Loaders } from './loaders.ts';

/** What resolvers get. One per operation; a plain object, since GraphQL servers copy it property by property. */
export interface Context {
  readonly runtime: Runtime;
  readonly loaders: Loaders;
  /** The call, with who is calling. @throws DomainError UNAUTHENTICATED when no valid key came with it */
  readonly operation: () => Operation;
  /** Each event of a subscription reads afresh. Events of one subscription are executed one after the other. */
  readonly startEvent: () => void;
}

export interface Caller {
  /** null without a valid key. */
  readonly principal: Principal | null;
  /** Why there is none: told to the caller. */
  readonly refusal?: string;
  readonly address: string | null;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
}

export function createContext(runtime: Runtime, { principal, refusal, address, signal }: Caller): Context {
  const loaders = new Loaders(runtime.db);
  let operation: Operation | undefined;
  return {
    runtime,
    loaders,
    operation: () =>
      (operation ??= makeOperation(
        runtime,
        requirePrincipal(principal, refusal ?? 'A valid key is needed.'),
        address,
        signal,
      )),
    startEvent: () => loaders.clear(),
  };
}

function makeOperation(
  runtime: Runtime,
  principal: Principal,
  address: string | null,
  signal: AbortSignal,
): Operation {
  let em: EntityManager | undefined;
  return {
    runtime,
    // Many operations need none.
    get em() {
      return (em ??= runtime.db.fork());
    },
    principal,
    address,
    signal,
  };
}
