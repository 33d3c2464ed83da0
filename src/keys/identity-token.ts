import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import { sql } from 'kysely';
import type { IdentityProviderConfig } from '../platform/access-config.ts';
import { kysely } from '../platform/database.ts';
import { fromUuid, type Id, newId, toUuid } from '../platform/ids.ts';
import type { Principal, UserPrincipal } from '../platform/principal.ts';
import type { Runtime } from '../platform/runtime.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { type Authentication, refused } from './authentication.ts';
import { createOwner } from './owners.ts';

/** Signatures with a public key only: with a shared secret, whoever may check a token could also make one. */
const ALGORITHMS = [
  'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519',
]; // biome-ignore format: one glance
const MAX_TOKEN = 8_192;
const MAX_SUBJECT = 255;
/** How long the provider has to give its keys. Milliseconds. */
const JWKS_TIMEOUT_MS = 5_000;

/** Three parts of base64url, as a signed JWT has. */
export function looksLikeToken(credential: string): boolean {
  return credential.length <= MAX_TOKEN && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(credential);
}

/** Its keys are fetched when first needed and kept: once per provider and process. */
const keySets = new Map<string, ReturnType<typeof createRemoteJWKSet>>();

function keySetOf({ jwksUrl }: IdentityProviderConfig): ReturnType<typeof createRemoteJWKSet> {
  const known =
    keySets.get(jwksUrl) ?? createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: JWKS_TIMEOUT_MS });
  keySets.set(jwksUrl, known);
  return known;
}

export interface VerifiedToken {
  readonly subject: string;
  readonly expiresAt: Date;
  readonly claims: JWTPayload;
}

/** The token is not the provider's, not for us, or not of now; `message` says which. */
export class TokenRefusedError extends Error {
  override readonly name = 'TokenRefusedError';
}

/** Checks a token's signature, issuer, audience and times. @throws TokenRefusedError */
export async function verifyToken(
  runtime: Runtime,
  provider: IdentityProviderConfig,
  token: string,
): Promise<VerifiedToken> {
  if (!looksLikeToken(token)) throw new TokenRefusedError('This is no signed JWT.');
  try {
    const { payload } = await jwtVerify(token, keySetOf(provider), {
      issuer: provider.issuer,
      audience: provider.audience,
      clockTolerance: provider.clockSkew,
      currentDate: runtime.clock.now(),
      algorithms: ALGORITHMS,
      requiredClaims: ['sub', 'exp'],
    });
    const { sub = '', exp = 0 } = payload;
    if (sub === '' || sub.length > MAX_SUBJECT || /[\0]/.test(sub) || !sub.isWellFormed())
      throw new TokenRefusedError('The token names nobody in `sub`.');
    return {
      subject: sub,
      expiresAt: new Date((exp + provider.clockSkew) * 1_000),
      claims: payload,
    };
  } catch (error) {
    if (error instanceof TokenRefusedError) throw error;
    throw new TokenRefusedError(refusalOf(error, runtime), { cause: error });
  }
}

function refusalOf(error: unknown, runtime: Runtime): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired. Sign in again.';
  if (error instanceof errors.JWTClaimValidationFailed)
    return `The token is not for this server: its \`${error.claim}\` does not fit.`;
  if (
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWTInvalid
  )
    return 'The token is not one that the identity provider has signed.';
  runtime.logger.warn({ err: error }, 'the keys of the identity provider cannot be had');
  return 'The identity provider cannot be asked for its keys now. Try again, or use a key.';
}

/** Finds the owner that a token's subject is here; the first time it makes one, where that is allowed. */
export async function identify(
  runtime: Runtime,
  provider: IdentityProviderConfig,
  token: string,
): Promise<Authentication> {
  let verified: VerifiedToken;
  try {
    verified = await verifyToken(runtime, provider, token);
  } catch (error) {
    if (error instanceof TokenRefusedError) return refused('TOKEN', error.message);
    throw error;
  }
  const { subject, expiresAt } = verified;
  const known = await findIdentity(runtime, provider.issuer, subject);
  if (known) return { principal: known, expiresAt };
  if (!provider.signup) {
    return refused(
      'STRANGER',
      `The token is valid, and nobody here is ${JSON.stringify(subject)} yet. Whoever has a user key links it: \`taskmesh keys link\`.`,
    );
  }
  await signUp(runtime, provider.issuer, verified);
  const made = await findIdentity(runtime, provider.issuer, subject);
  return made ? { principal: made, expiresAt } : refused('STRANGER', 'The owner was removed. Sign in again.');
}

async function findIdentity(
  runtime: Runtime,
  issuer: string,
  subject: string,
): Promise<UserPrincipal | null> {
  const { rows } = await sql<{ id: string; owner_id: string }>`
    select id, owner_id from owner_identity where issuer = ${issuer} and subject = ${subject}`.execute(
    kysely(runtime.db.statements),
  );
  const [row] = rows;
  if (!row) return null;
  const keyId = fromUuid('identity', row.id);
  return { kind: 'USER', ownerId: fromUuid('owner', row.owner_id), keyId, keyName: subject };
}

/** Whether somebody who came with a token is still linked to the owner. */
export async function hasIdentity(runtime: Runtime, { keyId, ownerId }: Principal): Promise<boolean> {
  const { rows } = await sql`
    select 1 as linked from owner_identity where id = ${toUuid(keyId)} and owner_id = ${toUuid(ownerId)}`.execute(
    kysely(runtime.db.statements),
  );
  return rows.length > 0;
}

/** Somebody else made the same identity meanwhile: what was begun is undone. */
class AlreadyThere extends Error {}

async function signUp(runtime: Runtime, issuer: string, { subject, claims }: VerifiedToken): Promise<void> {
  const name = [claims.name, claims.email, subject].find(
    (claim) => typeof claim === 'string' && claim !== '',
  );
  try {
    await transact(runtime, async (tx) => {
      const owner = await createOwner(tx, storableName(String(name)));
      await tx.em.flush();
      if (!(await addIdentity(tx, { ownerId: owner.id, issuer, subject }))) throw new AlreadyThere();
    });
    runtime.logger.info({ subject }, 'somebody signed up');
  } catch (error) {
    if (!(error instanceof AlreadyThere)) throw error;
  }
}

/** @returns its id; null when the subject has an owner already */
export async function addIdentity(
  tx: Transaction,
  identity: { ownerId: Id<'owner'>; issuer: string; subject: string },
): Promise<Id<'identity'> | null> {
  const id = newId('identity');
  const { rows } = await sql`
    insert into owner_identity (id, owner_id, issuer, subject, created_at)
    values (${toUuid(id)}, ${toUuid(identity.ownerId)}, ${identity.issuer}, ${identity.subject}, ${tx.now.toISOString()})
    on conflict (issuer, subject) do nothing returning 1 as added`.execute(kysely(tx.statements));
  return rows.length > 0 ? id : null;
}

function storableName(name: string): string {
  return name.toWellFormed().replaceAll('\0', '').slice(0, 200);
}
