import { sql } from 'kysely';
import { authorizeContract } from '../keys/permissions.ts';
import { type EntityManager, kysely, type Statements } from '../platform/database.ts';
import { DomainError, invalidInput, notFound } from '../platform/errors.ts';
import { type Id, parseId, toUuid } from '../platform/ids.ts';
import { isTask, type Principal } from '../platform/principal.ts';
import { readTogether, rowOf, type Selection } from '../platform/read-rows.ts';
import type { Transaction } from '../platform/transaction.ts';
import { Contract } from './contract.entity.ts';

/**
 * The contract an operation is about.
 * @throws DomainError INVALID_INPUT for what is no contract's id, NOT_FOUND also for another owner's,
 * CONTRACT_MISMATCH for a tool key of another contract
 */
export async function findContract(
  em: EntityManager,
  principal: Principal,
  id: string,
  field = 'contractId',
): Promise<Contract> {
  const contractId = parseId('contract', id, field);
  const contract = await oncePer(em, contractId, () =>
    em.findOne(Contract, { id: contractId, ownerId: principal.ownerId }),
  );
  return checkContract(contract, principal, contractId);
}

const found = new WeakMap<EntityManager, Map<string, Promise<Contract | null>>>();

/** The fields of one operation that are about the same contract look for it once. */
function oncePer(
  em: EntityManager,
  id: string,
  find: () => Promise<Contract | null>,
): Promise<Contract | null> {
  const ofOperation = found.get(em) ?? new Map<string, Promise<Contract | null>>();
  found.set(em, ofOperation);
  const there = ofOperation.get(id) ?? find();
  ofOperation.set(id, there);
  return there;
}

/**
 * The same, held open together with others who do so: a completion at the same moment comes before, and closes the
 * contract, or after.
 */
export async function shareContract(
  tx: Transaction,
  principal: Principal,
  id: Id<'contract'>,
): Promise<Contract> {
  const { contract } = await readTogether(tx.em, { contract: contractToShare(tx.em, principal, id) });
  return checkContract(contract, principal, id);
}

/** How to read it so, together with others; `checkContract` then says whether it may be used. */
export function contractToShare(
  em: Statements,
  { ownerId }: Principal,
  id: Id<'contract'>,
): Selection<Contract | null> {
  return rowOf(em, Contract, { id, ownerId }, { lock: 'share' });
}

/** @throws DomainError NOT_FOUND, CONTRACT_MISMATCH */
export function checkContract(contract: Contract | null, principal: Principal, id: Id<'contract'>): Contract {
  if (!contract) throw notFound('contract', id);
  authorizeContract(principal, contract.id);
  return contract;
}

/**
 * The same, locked: spawns, questions and other changes wait until the transaction ends. No stronger than `no key`: whoever
 * holds a task, or the log's counter, and is about to log needs the contract's key, and we are about to wait for them.
 */
export async function lockContract(tx: Transaction, principal: Principal, id: string): Promise<Contract> {
  return lockContractRow(tx, (await findContract(tx.em, principal, id)).id);
}

/** The same for what happens by itself, without a caller. */
export async function lockContractRow(tx: Transaction, id: Id<'contract'>): Promise<Contract> {
  await sql`select 1 from contract where id = ${toUuid(id)} for no key update`.execute(kysely(tx.statements));
  const contract = await tx.em.findOne(Contract, { id }, { refresh: true });
  // Deleted by whoever held it.
  if (!contract) throw notFound('contract', id);
  return contract;
}

/**
 * The contract's id as given, or as the caller's tool key implies.
 * @throws DomainError INVALID_INPUT when there is neither
 */
export function contractIdOf(principal: Principal, id: string | null | undefined): Id<'contract'> {
  if (id) return parseId('contract', id, 'contractId');
  if (isTask(principal)) return principal.contractId;
  throw invalidInput('contractId', 'contractId is needed: only a tool key implies it.');
}

/** @throws DomainError CONTRACT_CLOSED */
export function assertOpen(contract: Contract): void {
  if (contract.status === 'ACTIVE') return;
  throw new DomainError(
    'CONTRACT_CLOSED',
    `The contract ${contract.id} is ${contract.status.toLowerCase()} and takes no new work. Open another one.`,
  );
}
