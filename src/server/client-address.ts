import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';

/**
 * Where calls come from: the other end of the connection, or, when that is a proxy that we were told to believe, the
 * last address in `X-Forwarded-For` that is not such a proxy. Everything before it, the caller could have made up.
 */
export class ClientAddresses {
  readonly #proxies = new BlockList();

  constructor(trustedProxies: readonly string[]) {
    for (const network of trustedProxies) {
      const [address = '', bits] = network.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      if (bits === undefined) this.#proxies.addAddress(address, family);
      else this.#proxies.addSubnet(address, Number(bits), family);
    }
  }

  /** For the history and the log; `unknown` where the socket is gone already. */
  of(request: IncomingMessage): string {
    const direct = plain(request.socket.remoteAddress ?? '');
    if (!this.#isProxy(direct)) return direct || 'unknown';
    const forwarded = String(request.headers['x-forwarded-for'] ?? '')
      .split(',')
      .map((entry) => plain(entry.trim()))
      .reverse();
    for (const address of forwarded) {
      if (isIP(address) === 0) break;
      if (!this.#isProxy(address)) return address;
    }
    return direct;
  }

  #isProxy(address: string): boolean {
    const version = isIP(address);
    return version !== 0 && this.#proxies.check(address, version === 6 ? 'ipv6' : 'ipv4');
  }
}

/** An IPv4 address as itself, also where IPv6 carries it. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** By what an address is counted: of IPv6, one household has the whole of a /64 to itself. */
export function countedAs(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const left = head.split(':').filter(Boolean);
  const right = (tail ?? '').split(':').filter(Boolean);
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  return `${[...left, ...Array<string>(Math.max(0, zeros)).fill('0'), ...right].slice(0, 4).join(':')}::/64`;
}
