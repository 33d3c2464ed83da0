import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authenticated, Authentication } from '../keys/authentication.ts';
import type { AccessConfig } from '../platform/access-config.ts';
import type { Runtime } from '../platform/runtime.ts';
import { Callers, type DoorCounters } from './callers.ts';
import { ClientAddresses, countedAs } from './client-address.ts';
import { watchCredential } from './credential-watch.ts';
import { type Limits, limitsFor } from './limits.ts';
import { corsHeaders, Origins } from './origins.ts';
import { FOREIGN_ORIGIN, type Refusal, rateLimited, refuse } from './refusals.ts';
import { putParsed, readBody } from './request-body.ts';
import { secure } from './security-headers.ts';
import { Slots, TokenBuckets } from './token-buckets.ts';

/** A request that may go on, and who sent it. */
export interface Admission {
  readonly authentication: Authentication;
  readonly address: string;
}

/** A socket that may be used, until it is left. */
export interface Entry {
  readonly authenticated: Authenticated;
  /** Takes a place for an operation. @returns how to give it back, or why there is none */
  begin(): (() => void) | Refusal;
  leave(): void;
}

/**
 * What stands between the network and the API: it knows who calls and from where, and lets in what may come in, in the
 * measure that limits.ts gives. HTTP passes `admit`; a WebSocket passes `refuseUpgrade`, then `enter` with its key.
 */
export class Door {
  readonly counters: DoorCounters = { failedAuthentications: 0, rateLimited: 0, foreignOrigins: 0 };
  readonly limits: Limits;
  readonly #runtime: Runtime;
  readonly #access: AccessConfig;
  readonly #addresses: ClientAddresses;
  readonly #callers: Callers;
  #origins: Origins;
  readonly #strangers: TokenBuckets;
  /** By what may be done a second: the kinds of keys that share it share the buckets. */
  readonly #requests: Readonly<Record<'USER' | 'TASK' | 'DAEMON', TokenBuckets>>;
  readonly #strangeSockets = new Slots();
  readonly #sockets = new Slots();
  readonly #subscriptions = new Slots();

  constructor(runtime: Runtime, access: AccessConfig, limits: Limits) {
    this.limits = limits;
    this.#runtime = runtime;
    this.#access = access;
    this.#addresses = new ClientAddresses(access.trustedProxies);
    this.#callers = new Callers(runtime, limits, this.counters);
    this.#origins = new Origins(access.allowedOrigins, 'localhost', 0);
    this.#strangers = new TokenBuckets(limits.address.requests);
    const { USER, TASK, DAEMON } = limits.keys;
    this.#requests = {
      USER: new TokenBuckets(USER.requests),
      TASK: new TokenBuckets(TASK.requests),
      DAEMON: new TokenBuckets(DAEMON.requests),
    };
  }

  /** Tells it the address that the server listens on: pages from there are its own. */
  opened(host: string, port: number): void {
    this.#origins = new Origins(this.#access.allowedOrigins, host, port);
  }

  addressOf(request: IncomingMessage): string {
    return this.#addresses.of(request);
  }

  /** @returns null when the request was answered here */
  async admit(request: IncomingMessage, response: ServerResponse): Promise<Admission | null> {
    const { headers, method } = request;
    secure(response, this.#access.graphiql && isPageVisit(request));
    if (!this.#origins.allow(headers)) return this.#turnAway(response, FOREIGN_ORIGIN);
    for (const [name, value] of Object.entries(corsHeaders(headers))) response.setHeader(name, value);
    if (method === 'OPTIONS') {
      response.writeHead(204).end();
      return null;
    }
    const wrong = wrongForm(request);
    if (wrong) return this.#turnAway(response, wrong);

    const address = this.addressOf(request);
    const credential = credentialOf(request);
    const authentication = await this.#callers.authenticate(credential, address);
    if (typeof authentication === 'number')
      return this.#turnAway(
        response,
        rateLimited(authentication, 'failed authentications from this address'),
      );
    const wait = this.#wait(authentication, address);
    if (wait > 0) return this.#turnAway(response, rateLimited(wait, 'requests'));

    if (method === 'POST') {
      const limit = authentication.principal
        ? limitsFor(this.limits, authentication.principal).bodyBytes
        : this.limits.address.bodyBytes;
      const body = await readBody(request, limit);
      if (!body) return this.#turnAway(response, tooLarge(limit));
      const fault = putParsed(request, body);
      if (fault) return this.#turnAway(response, { status: 400, code: 'INVALID_INPUT', message: fault });
    }
    if (headers.accept?.includes('text/event-stream') && authentication.principal) {
      const refusal = this.#openStream(credential, authentication, response);
      if (refusal) return this.#turnAway(response, refusal);
    }
    return { authentication, address };
  }

  /** Whether a WebSocket may not even be opened. A place for it is taken until `enter`, or until it closes. */
  refuseUpgrade(request: IncomingMessage): Refusal | null {
    if (!this.#origins.allow(request.headers)) return this.#counted(FOREIGN_ORIGIN);
    const release = this.#strangeSockets.take(
      countedAs(this.addressOf(request)),
      this.limits.address.sockets,
    );
    if (!release) return this.#counted(rateLimited(5, 'sockets from this address'));
    const { socket } = request;
    strangers.set(request, release);
    socket.once('close', release);
    return null;
  }

  /** Lets in the holder of a key. @returns why not; a string when it is not authenticated */
  async enter(request: IncomingMessage, credential: string): Promise<Entry | Refusal | string> {
    const authentication = await this.#callers.authenticate(credential, this.addressOf(request));
    if (typeof authentication === 'number')
      return this.#counted(rateLimited(authentication, 'failed authentications from this address'));
    if (!authentication.principal) return authentication.message;
    strangers.get(request)?.();
    const { principal } = authentication;
    const limits = limitsFor(this.limits, principal);
    const leave = this.#sockets.take(principal.keyId, limits.sockets);
    if (!leave) return this.#counted(rateLimited(5, `sockets for one key: ${limits.sockets} are open`));
    return {
      authenticated: authentication,
      begin: () => {
        const wait = this.#wait(authentication, '');
        if (wait > 0) return this.#counted(rateLimited(wait, 'operations'));
        return this.#subscribe(authentication);
      },
      leave,
    };
  }

  #openStream(credential: string, authenticated: Authenticated, response: ServerResponse): Refusal | null {
    const release = this.#subscribe(authenticated);
    if (typeof release !== 'function') return release;
    // Cut, not ended: the client then comes back, and is told why it may not.
    const stop = watchCredential(this.#runtime, credential, authenticated, () => response.destroy());
    response.once('close', () => {
      release();
      stop();
    });
    return null;
  }

  #subscribe({ principal }: Authenticated): (() => void) | Refusal {
    const limit = limitsFor(this.limits, principal).subscriptions;
    const release = this.#subscriptions.take(principal.keyId, limit);
    return release ?? this.#counted(rateLimited(5, `subscriptions for one key: ${limit} are open`));
  }

  /** Takes a request from whoever it counts for. @returns seconds to wait instead */
  #wait({ principal }: Authentication, address: string): number {
    if (!principal) return this.#strangers.take(countedAs(address));
    const { kind, keyId } = principal;
    return this.#requests[kind === 'USER' || kind === 'DAEMON' ? kind : 'TASK'].take(keyId);
  }

  #turnAway(response: ServerResponse, refusal: Refusal): null {
    refuse(response, this.#counted(refusal));
    return null;
  }

  #counted(refusal: Refusal): Refusal {
    if (refusal.status === 429) this.counters.rateLimited += 1;
    if (refusal === FOREIGN_ORIGIN) this.counters.foreignOrigins += 1;
    return refusal;
  }
}

/** How to give back the place of a socket that has not said yet whose it is. */
const strangers = new WeakMap<IncomingMessage, () => void>();

/** A browser that asks for a page, not for data. */
function isPageVisit({ method, headers, url }: IncomingMessage): boolean {
  return method === 'GET' && Boolean(headers.accept?.includes('text/html')) && !url?.includes('query=');
}

/**
 * Only JSON may be posted: a browser asks before it sends that to another site, and sends forms and plain text without.
 */
function wrongForm({ method, headers }: IncomingMessage): Refusal | null {
  if (method !== 'GET' && method !== 'POST') {
    return {
      status: 405,
      code: 'INVALID_INPUT',
      message: 'Queries come by POST or GET, mutations by POST, subscriptions by WebSocket or SSE.',
      headers: { allow: 'GET, POST, OPTIONS' },
    };
  }
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (method === 'GET' || type === 'application/json') return null;
  return {
    status: 415,
    code: 'INVALID_INPUT',
    message: 'The body must be JSON, with the header content-type: application/json.',
  };
}

/** `Authorization: Bearer …`, or `X-Tool-Key`; empty when there is neither. Another scheme is left as it is: no key. */
function credentialOf({ headers }: IncomingMessage): string {
  const authorization = headers.authorization?.trim();
  if (authorization) return authorization.replace(/^Bearer +/i, '');
  return String(headers['x-tool-key'] ?? '').trim();
}

function tooLarge(limit: number): Refusal {
  return {
    status: 413,
    code: 'PAYLOAD_TOO_LARGE',
    message: `The body has more than ${limit} bytes, which is all that this key may send at once.`,
    // What was sent of it is still on its way: the connection cannot be used again.
    headers: { connection: 'close' },
  };
}
