import { isIP } from 'node:net';
import { z } from 'zod';

/** Who may reach the server, from where, and how much of it: a part of the server's configuration. */

const origin = z
  .string()
  .transform((text) => (URL.canParse(text) ? new URL(text).origin : ''))
  .refine((text) => /^https?:/.test(text), 'must be an origin such as https://mesh.example.com');

const network = z.string().refine((text) => {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  return (
    version !== 0 && rest.length === 0 && (bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= most))
  );
}, 'must be an address, or a network such as 10.0.0.0/8');

const count = z.coerce.number().int().min(1).max(1_000_000_000);

const identityProviderSchema = z.object({
  /** Where the provider's public keys are. In clear only from this machine: whoever can change them is everybody. */
  jwksUrl: z.string().refine((url) => {
    if (!URL.canParse(url)) return false;
    const { protocol, hostname } = new URL(url);
    return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
  }, 'must be an https:// URL'),
  issuer: z.string().min(1),
  audience: z.string().min(1),
  /** Seconds by which the clocks of the provider and of this machine may differ. */
  clockSkew: z.coerce.number().int().min(0).max(600),
  /** Whether somebody who comes for the first time becomes an owner. */
  signup: z.boolean(),
});
export type IdentityProviderConfig = z.infer<typeof identityProviderSchema>;

export const accessSchema = z.object({
  /** Origins of web pages that may call, beside the server's own address. */
  allowedOrigins: z.array(origin),
  /** Somebody has acknowledged that TLS ends in front of this server, which may then listen beyond this machine. */
  behindTls: z.boolean(),
  /** Proxies whose `X-Forwarded-For` is believed. */
  trustedProxies: z.array(network),
  introspection: z.boolean(),
  graphiql: z.boolean(),
  identityProvider: identityProviderSchema.nullable(),
  /** What an operator may set of the limits in server/limits.ts; left out: the defaults there. */
  limits: z.object({
    requestsPerSecond: count.optional(),
    sockets: count.optional(),
    subscriptions: count.optional(),
    cost: count.optional(),
  }),
});
export type AccessConfig = z.infer<typeof accessSchema>;

/** The settings of the environment, to be checked with the rest of the configuration. */
export function accessSettings(env: NodeJS.ProcessEnv, production: boolean): unknown {
  const provider = env.TASKMESH_JWKS_URL || env.TASKMESH_JWT_ISSUER || env.TASKMESH_JWT_AUDIENCE;
  return {
    allowedOrigins: list(env.TASKMESH_ALLOWED_ORIGINS),
    behindTls: flag(env.TASKMESH_BEHIND_TLS, false),
    trustedProxies: list(env.TASKMESH_TRUSTED_PROXIES),
    introspection: flag(env.TASKMESH_INTROSPECTION, !production),
    graphiql: flag(env.TASKMESH_GRAPHIQL, !production),
    identityProvider: provider
      ? {
          jwksUrl: env.TASKMESH_JWKS_URL ?? '',
          issuer: env.TASKMESH_JWT_ISSUER ?? '',
          audience: env.TASKMESH_JWT_AUDIENCE ?? '',
          clockSkew: env.TASKMESH_JWT_CLOCK_SKEW || 30,
          signup: flag(env.TASKMESH_JWT_SIGNUP, false),
        }
      : null,
    limits: {
      requestsPerSecond: env.TASKMESH_LIMIT_REQUESTS || undefined,
      sockets: env.TASKMESH_LIMIT_SOCKETS || undefined,
      subscriptions: env.TASKMESH_LIMIT_SUBSCRIPTIONS || undefined,
      cost: env.TASKMESH_LIMIT_COST || undefined,
    },
  };
}

/** Whether only this machine can reach an address that is listened on. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}

function list(text: string | undefined): string[] {
  return (text ?? '').split(/[\s,]+/).filter(Boolean);
}

/** Left as it is when it is neither: the check then says which setting is wrong. */
function flag(text: string | undefined, fallback: boolean): unknown {
  if (text === undefined || text === '') return fallback;
  if (/^(true|1|yes|on)$/i.test(text)) return true;
  if (/^(false|0|no|off)$/i.test(text)) return false;
  return text;
}
