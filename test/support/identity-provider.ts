import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import type { IdentityProviderConfig } from '../../src/platform/access-config.ts';
import { onEnd } from './cleanup.ts';

export interface TokenOptions {
  readonly issuer?: string | null;
  readonly audience?: string | null;
  /** Seconds from now. */
  readonly expiresIn?: number | null;
  readonly claims?: JWTPayload;
  /** Sign with this instead of the provider's own key. */
  readonly key?: CryptoKey | Uint8Array;
  readonly algorithm?: string;
  readonly keyId?: string;
}

/** An identity provider as our server sees one: public keys at a URL, and tokens that were signed with them. */
export async function startIdentityProvider(settings: Partial<IdentityProviderConfig> = {}) {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };
  let isDown = false;
  const http = createServer((_request, response) => {
    if (isDown) response.writeHead(503).end();
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  onEnd(() => void http.close());
  const config: IdentityProviderConfig = {
    jwksUrl: `http://127.0.0.1:${(http.address() as AddressInfo).port}/jwks`,
    issuer: 'https://id.example.com/',
    audience: 'taskmesh',
    clockSkew: 0,
    signup: false,
    ...settings,
  };

  async function token(subject: string | null, options: TokenOptions = {}): Promise<string> {
    const { issuer = config.issuer, audience = config.audience, expiresIn = 600 } = options;
    const jwt = new SignJWT(options.claims ?? {}).setProtectedHeader({
      alg: options.algorithm ?? 'ES256',
      kid: options.keyId ?? 'one',
    });
    if (subject !== null) jwt.setSubject(subject);
    if (issuer !== null) jwt.setIssuer(issuer);
    if (audience !== null) jwt.setAudience(audience);
    if (expiresIn !== null) jwt.setExpirationTime(new Date(Date.now() + expiresIn * 1_000));
    return jwt.sign(options.key ?? privateKey);
  }
  return {
    config,
    token,
    publicJwk: jwk,
    goDown: () => {
      isDown = true;
    },
  };
}
