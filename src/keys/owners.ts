import { newId } from '../platform/ids.ts';
import type { Transaction } from '../platform/transaction.ts';
import { Owner } from './owner.entity.ts';
import { OwnerCounter } from './owner-counter.entity.ts';

/** Makes an owner with all that belongs to one. */
export async function createOwner(tx: Transaction, name: string): Promise<Owner> {
  const owner = tx.em.create(Owner, { id: newId('owner'), name, createdAt: tx.now });
  await tx.em.flush();
  tx.em.create(OwnerCounter, { ownerId: owner.id });
  return owner;
}
