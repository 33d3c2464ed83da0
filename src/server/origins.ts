import type { IncomingHttpHeaders } from 'node:http';
import { isLoopback } from '../platform/access-config.ts';

/**
 * Which web pages may call. A browser says with `Origin` which page a call comes from, and with `Sec-Fetch-Site` whether
 * it is one of another site. Whatever is not a browser says neither, and holds a key.
 *
 * The server's own address is compared as it was configured and not as the `Host` of a request has it: a page that made
 * its own name point to this machine would else be taken for ours.
 */
export class Origins {
  readonly #allowed: ReadonlySet<string>;

  constructor(allowed: readonly string[], host: string, port: number) {
    const bare = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
    const own = isLoopback(host) ? ['localhost', '127.0.0.1', '[::1]', bare] : [bare];
    this.#allowed = new Set([...allowed, ...own.map((name) => new URL(`http://${name}:${port}`).origin)]);
  }

  /** Whether the call comes from no web page, or from one that may call. */
  allow(headers: IncomingHttpHeaders): boolean {
    const { origin } = headers;
    if (origin !== undefined) return this.#allowed.has(origin);
    const site = headers['sec-fetch-site'];
    // `none`: somebody typed the address. An image or a script of another site's page sends no `Origin`.
    return site === undefined || site === 'same-origin' || site === 'none';
  }
}

/** What a browser wants to be told before it lets a page of another origin call. Only for those that are allowed. */
export function corsHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const { origin } = headers;
  if (origin === undefined) return {};
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': 'authorization, content-type, x-tool-key',
    'access-control-expose-headers': 'retry-after',
    'access-control-max-age': '600',
  };
}
