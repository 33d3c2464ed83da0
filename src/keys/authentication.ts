import type { Id } from '../platform/ids.ts';
import type { Principal } from '../platform/principal.ts';

/** Who is calling, or why nobody is. */
export type Authentication = Authenticated | Refused;

export interface Authenticated {
  readonly principal: Principal;
  /** When it stops to count by itself; null: never. */
  readonly expiresAt: Date | null;
}

export interface Refused {
  readonly principal: null;
  readonly reason: RefusalReason;
  /** For the caller: what to do. */
  readonly message: string;
  /** The key, where it is one that was valid once: for the log. */
  readonly keyId?: Id<'key'>;
}

/** MISSING, where nothing was shown, is no failed attempt; all others are counted and logged. */
export type RefusalReason = 'MISSING' | 'UNKNOWN' | 'REVOKED' | 'EXPIRED' | 'OVER' | 'TOKEN' | 'STRANGER';

export function refused(reason: RefusalReason, message: string, keyId?: Id<'key'>): Refused {
  return { principal: null, reason, message, ...(keyId ? { keyId } : {}) };
}
