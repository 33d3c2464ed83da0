import { recordHistory } from '../events/history.ts';
import { addIdentity, TokenRefusedError, verifyToken } from '../keys/identity-token.ts';
import { OwnerIdentity } from '../keys/owner-identity.entity.ts';
import { authorize } from '../keys/permissions.ts';
import { topics } from '../platform/doorbell.ts';
import { invalidInput, notFound } from '../platform/errors.ts';
import { parseId } from '../platform/ids.ts';
import type { Operation } from '../platform/runtime.ts';
import { transact } from '../platform/transaction.ts';

/** The owner's identities, oldest first. */
export async function listIdentities(op: Operation): Promise<OwnerIdentity[]> {
  authorize(op.principal, 'own');
  return op.em.find(OwnerIdentity, { ownerId: op.principal.ownerId }, { orderBy: { id: 'asc' } });
}

/**
 * Lets somebody in whom the identity provider knows. They prove themselves with a token, and the owner with the key of
 * the call: so neither can be linked without wanting it.
 */
export async function linkIdentity(op: Operation, input: { token: string }): Promise<OwnerIdentity> {
  authorize(op.principal, 'own');
  const { identityProvider: provider } = op.runtime;
  if (!provider) {
    throw invalidInput(
      'token',
      'This server has no identity provider. Set TASKMESH_JWKS_URL, TASKMESH_JWT_ISSUER and TASKMESH_JWT_AUDIENCE.',
    );
  }
  const { subject } = await verifyToken(op.runtime, provider, input.token).catch((error: unknown) => {
    throw error instanceof TokenRefusedError ? invalidInput('token', error.message) : error;
  });
  const { issuer } = provider;
  const { ownerId } = op.principal;
  return transact(op.runtime, async (tx) => {
    const id = await addIdentity(tx, { ownerId, issuer, subject });
    const identity = await tx.em.findOne(OwnerIdentity, { issuer, subject, ownerId });
    if (!identity) throw invalidInput('token', `${subject} is linked to another owner already.`);
    if (id)
      recordHistory(tx, op, { action: 'identity.linked', details: { identityId: id, issuer, subject } });
    return identity;
  });
}

/** Lets nobody in by an identity any more, and closes the sockets that its tokens opened. */
export async function unlinkIdentity(op: Operation, input: { identityId: string }): Promise<OwnerIdentity> {
  authorize(op.principal, 'own');
  const id = parseId('identity', input.identityId, 'identityId');
  return transact(op.runtime, async (tx) => {
    const identity = await tx.em.findOne(OwnerIdentity, { id, ownerId: op.principal.ownerId });
    if (!identity) throw notFound('identity', id);
    tx.em.remove(identity);
    const { issuer, subject } = identity;
    recordHistory(tx, op, { action: 'identity.unlinked', details: { identityId: id, issuer, subject } });
    tx.ring(topics.key(id));
    return identity;
  });
}
