import { authenticate } from '../keys/authenticate.ts';
import type { Authentication, refused } from '../keys/authentication.ts';
import { hashKey } from '../keys/key.service.ts';
import type { Runtime } from '../platform/runtime.ts';
import { countedAs } from './client-address.ts';
import type { Limits } from './limits.ts';
import { TokenBuckets } from './token-buckets.ts';

/** How many credentials are remembered to have been good. */
const MAX_KNOWN = 10_000;
/** Of failed attempts of one address, so many are logged one by one, and then one a minute with their number. */
const LOGGED = { perSecond: 1 / 60, burst: 20 };

/** What the door has counted since the server started. */
export interface DoorCounters {
  failedAuthentications: number;
  rateLimited: number;
  foreignOrigins: number;
}

/** Authenticates callers, and keeps those who fail again and again from costing more than they are worth. */
export class Callers {
  readonly #runtime: Runtime;
  readonly #counters: DoorCounters;
  readonly #failures: TokenBuckets;
  readonly #logged = new TokenBuckets(LOGGED);
  readonly #silent = new Map<string, number>();
  /** Hashes of credentials that were good: their holders are let in also from an address where others fail. */
  readonly #known = new Set<string>();

  constructor(runtime: Runtime, limits: Limits, counters: DoorCounters) {
    this.#runtime = runtime;
    this.#counters = counters;
    this.#failures = new TokenBuckets(limits.address.failures);
  }

  /** @returns the number of seconds to wait instead, when too many attempts from there have failed */
  async authenticate(credential: string, address: string): Promise<Authentication | number> {
    if (credential === '') return authenticate(this.#runtime, credential);
    const from = countedAs(address);
    const hash = hashKey(credential);
    if (!this.#known.has(hash) && !this.#failures.has(from)) return this.#failures.take(from);
    const authentication = await authenticate(this.#runtime, credential);
    if (authentication.principal) {
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      this.#known.add(hash);
      return authentication;
    }
    this.#known.delete(hash);
    this.#failures.take(from);
    this.#counters.failedAuthentications += 1;
    this.#log(from, address, authentication);
    return authentication;
  }

  #log(from: string, address: string, { reason, keyId }: ReturnType<typeof refused>): void {
    const silent = this.#silent.get(from) ?? 0;
    if (this.#logged.take(from) > 0) {
      if (this.#silent.size < MAX_KNOWN) this.#silent.set(from, silent + 1);
      return;
    }
    this.#silent.delete(from);
    this.#runtime.logger.warn(
      { address, reason, ...(keyId ? { keyId } : {}), ...(silent ? { unlogged: silent } : {}) },
      'an authentication failed',
    );
  }
}
