import { authorize } from '../keys/permissions.ts';
import { parseId } from '../platform/ids.ts';
import type { Operation } from '../platform/runtime.ts';
import { boundedInt } from '../platform/text.ts';
import { findContract } from './contract.access.ts';
import { Contract, type ContractStatus } from './contract.entity.ts';
import { Document } from './document.entity.ts';
import type { Repository } from './repository.entity.ts';

export async function getContract(op: Operation, id: string): Promise<Contract> {
  authorize(op.principal, 'read');
  return findContract(op.em, op.principal, id, 'id');
}

export interface PageArguments {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

/** The owner's contracts, newest first. @returns one more than asked for when there are more */
export async function listContracts(
  op: Operation,
  { first, after, status }: PageArguments & { status?: ContractStatus | null | undefined },
): Promise<{ items: Contract[]; limit: number }> {
  authorize(op.principal, 'own');
  const limit = boundedInt(first ?? 50, 'first', 1, 500);
  const items = await op.em.find(
    Contract,
    {
      ownerId: op.principal.ownerId,
      ...(status ? { status } : {}),
      ...(after ? { id: { $lt: parseId('contract', after, 'after') } } : {}),
    },
    { orderBy: { id: 'desc' }, limit: limit + 1 },
  );
  return { items, limit };
}

export async function listDocuments(op: Operation, contractId: string): Promise<Document[]> {
  authorize(op.principal, 'read');
  const contract = await findContract(op.em, op.principal, contractId);
  return op.em.find(Document, { contractId: contract.id }, { orderBy: { name: 'asc' } });
}

/** The repository that is used where none is named: the primary one, else the first. */
export function defaultRepository(repositories: readonly Repository[]): Repository | null {
  return repositories.find((repository) => repository.isPrimary) ?? repositories[0] ?? null;
}
