import type { IdentityProviderConfig } from './access-config.ts';
import type { Clock } from './clock.ts';
import type { Database, EntityManager } from './database.ts';
import type { Doorbell } from './doorbell.ts';
import { DomainError } from './errors.ts';
import type { Logger } from './logger.ts';
import type { Principal } from './principal.ts';

/** What one server instance runs on. Tests pass their own clock. */
export interface Runtime {
  readonly db: Database;
  readonly doorbell: Doorbell;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted when the instance stops: whoever waits is told, and waits on at another one. */
  readonly closing: AbortSignal;
  /** Whose tokens are taken besides keys; null: keys only. */
  readonly identityProvider: IdentityProviderConfig | null;
}

/** One call of the API: who, from where, and until when. Services take it first. */
export interface Operation {
  readonly runtime: Runtime;
  /** For reads. Each transaction has an EntityManager of its own: see transaction.ts. */
  readonly em: EntityManager;
  readonly principal: Principal;
  /** The client's network address, for the history. */
  readonly address: string | null;
  /** Aborted when the client goes away: whoever waits ends with it. */
  readonly signal: AbortSignal;
}

/**
 * @param refusal what the caller is told when nobody is
 * @throws DomainError UNAUTHENTICATED when no valid key came with the call
 */
export function requirePrincipal(principal: Principal | null, refusal: string): Principal {
  if (principal) return principal;
  throw new DomainError('UNAUTHENTICATED', refusal);
}
