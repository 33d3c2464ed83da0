import { sql } from 'kysely';
import { logEvent } from '../events/append.ts';
import { recordHistory } from '../events/history.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import { kysely } from '../platform/database.ts';
import { topics } from '../platform/doorbell.ts';
import { DomainError, invalidInput, notFound } from '../platform/errors.ts';
import { type Id, newId, parseId, toUuid } from '../platform/ids.ts';
import { actorName } from '../platform/principal.ts';
import type { Operation } from '../platform/runtime.ts';
import { checkedText, optionalText, requiredText } from '../platform/text.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { assertOpen, contractIdOf, lockContract } from './contract.access.ts';
import type { Contract, ContractPhase } from './contract.entity.ts';
import { checkSettings, type SettingsInput } from './contract.settings.ts';
import { Document } from './document.entity.ts';
import { Repository } from './repository.entity.ts';
import { checkRepository, type RepositoryInput } from './repository.input.ts';

interface Request {
  readonly requestId?: string | null | undefined;
}

/** Finds the contract, locks it, and runs `change` once per `requestId`, with its event and its entry in the history. */
async function change<Input extends Request, Row>(
  op: Operation,
  operation: string,
  input: Input,
  contractId: string,
  apply: (tx: Transaction, contract: Contract) => Promise<{ fields: string[]; result?: string }>,
  read: (tx: Transaction, contract: Contract, result: string) => Promise<Row>,
): Promise<Row> {
  return transact(op.runtime, async (tx) => {
    const contract = await lockContract(tx, op.principal, contractId);
    const request = { ownerId: contract.ownerId, requestId: input.requestId, operation, input };
    const { result } = await once(tx, request, async () => {
      const { fields, result: made } = await apply(tx, contract);
      contract.updatedAt = tx.now;
      const updatedBy = actorName(op.principal);
      logEvent(tx, contract.id, {
        type: 'CONTRACT_UPDATED',
        taskId: null,
        data: { updatedFields: fields, updatedBy },
      });
      recordHistory(tx, op, {
        action: `contract.${operation}`,
        contractId: contract.id,
        details: { fields },
      });
      return made ?? contract.id;
    });
    return read(tx, contract, result);
  });
}

const itself = async (_: Transaction, contract: Contract) => contract;

export interface UpdateContractInput extends Request, SettingsInput {
  readonly contractId: string;
  readonly name?: string | null | undefined;
  readonly description?: string | null | undefined;
  readonly agent?: string | null | undefined;
}

/** Changes what is given and leaves the rest. An empty description removes it. */
export async function updateContract(op: Operation, input: UpdateContractInput): Promise<Contract> {
  authorize(op.principal, 'own');
  const changes = {
    ...(input.name == null ? {} : { name: requiredText(input.name, 'name', 200) }),
    ...(input.description == null
      ? {}
      : { description: optionalText(input.description, 'description', 100_000) }),
    ...checkSettings(input),
    ...(input.agent == null ? {} : { agent: requiredText(input.agent, 'agent', 100) }),
  };
  if (Object.keys(changes).length === 0) throw invalidInput('name', 'Nothing to change was given.');
  const apply = async (tx: Transaction, contract: Contract) => {
    Object.assign(contract, changes);
    // A budget that was raised, a red team that is wanted now.
    for (const topic of [topics.supervision(contract.id), topics.schedule]) tx.ring(topic);
    return { fields: Object.keys(changes) };
  };
  return change(op, 'updateContract', input, input.contractId, apply, itself);
}

/** Moves an open contract to another phase, forwards or back. */
export async function setContractPhase(
  op: Operation,
  input: Request & { contractId?: string | null | undefined; phase: ContractPhase },
): Promise<Contract> {
  authorize(op.principal, 'supervise');
  const apply = async (_: Transaction, contract: Contract) => {
    assertOpen(contract);
    contract.phase = input.phase;
    return { fields: ['phase'] };
  };
  return change(op, 'setContractPhase', input, contractIdOf(op.principal, input.contractId), apply, itself);
}

/** Writes a document: the one of that name, or a new one. */
export async function setDocument(
  op: Operation,
  input: Request & {
    contractId?: string | null | undefined;
    name: string;
    phase?: ContractPhase | null | undefined;
    content: string;
  },
): Promise<Document> {
  authorize(op.principal, 'supervise');
  const name = requiredText(input.name, 'name', 200);
  const content = checkedText(input.content, 'content', 2_000_000);
  const apply = async (tx: Transaction, contract: Contract) => {
    assertOpen(contract);
    let document = await tx.em.findOne(Document, { contractId: contract.id, name });
    if (document)
      tx.em.assign(document, { content, phase: input.phase ?? document.phase ?? null, updatedAt: tx.now });
    else {
      document = tx.em.create(Document, {
        id: newId('doc'),
        contractId: contract.id,
        name,
        phase: input.phase ?? null,
        content,
        createdAt: tx.now,
        updatedAt: tx.now,
      });
    }
    return { fields: ['documents'], result: document.id };
  };
  const read = (tx: Transaction, _: Contract, id: string) =>
    tx.em.findOneOrFail(Document, { id: id as Id<'doc'> });
  return change(op, 'setDocument', input, contractIdOf(op.principal, input.contractId), apply, read);
}

/** Adds a repository; a new primary one takes the place of the old. */
export async function addRepository(
  op: Operation,
  input: Request & { contractId: string; repository: RepositoryInput },
): Promise<Repository> {
  authorize(op.principal, 'own');
  const checked = checkRepository(input.repository, 'repository');
  const apply = async (tx: Transaction, contract: Contract) => {
    assertOpen(contract);
    const known = await tx.em.find(Repository, { contractId: contract.id });
    if (known.length >= 50) throw invalidInput('repository', 'A contract has at most 50 repositories.');
    if (checked.isPrimary) {
      for (const repository of known) repository.isPrimary = false;
      await tx.em.flush();
    }
    const id = newId('repo');
    tx.em.create(Repository, { id, contractId: contract.id, ...checked, createdAt: tx.now });
    return { fields: ['repositories'], result: id };
  };
  const read = (tx: Transaction, _: Contract, id: string) =>
    tx.em.findOneOrFail(Repository, { id: id as Id<'repo'> });
  return change(op, 'addRepository', input, input.contractId, apply, read);
}

/** Removes a repository from a contract. Working copies and tasks that use it go on. */
export async function removeRepository(
  op: Operation,
  input: Request & { contractId: string; repositoryId: string },
): Promise<Contract> {
  authorize(op.principal, 'own');
  const id = parseId('repo', input.repositoryId, 'repositoryId');
  const apply = async (tx: Transaction, contract: Contract) => {
    assertOpen(contract);
    const repository = await tx.em.findOne(Repository, { id, contractId: contract.id });
    if (!repository) throw notFound('repository', id);
    tx.em.remove(repository);
    return { fields: ['repositories'] };
  };
  return change(op, 'removeRepository', input, input.contractId, apply, itself);
}

/** Puts a completed contract away. */
export async function archiveContract(
  op: Operation,
  input: Request & { contractId: string },
): Promise<Contract> {
  authorize(op.principal, 'own');
  const apply = async (_: Transaction, contract: Contract) => {
    if (contract.status === 'ACTIVE') {
      throw new DomainError(
        'INVALID_TRANSITION',
        `The contract ${contract.id} is still active. Complete it first.`,
      );
    }
    contract.status = 'ARCHIVED';
    return { fields: ['status'] };
  };
  return change(op, 'archiveContract', input, input.contractId, apply, itself);
}

/** Deletes an archived contract with its tasks, its log and its checkpoints. Only the history remembers it. */
export async function deleteContract(
  op: Operation,
  input: Request & { contractId: string },
): Promise<Id<'contract'>> {
  authorize(op.principal, 'own');
  const { ownerId } = op.principal;
  return transact(op.runtime, async (tx) => {
    const request = { ownerId, requestId: input.requestId, operation: 'deleteContract', input };
    const { result } = await once(tx, request, async () => {
      const contract = await lockContract(tx, op.principal, input.contractId);
      if (contract.status !== 'ARCHIVED') {
        throw new DomainError(
          'INVALID_TRANSITION',
          `The contract ${contract.id} is not archived. Archive it first.`,
        );
      }
      const id = toUuid(contract.id);
      // Who has a last word to say locks the task, then the log: what is deleted with the contract comes after both.
      await sql`select 1 from task where contract_id = ${id} order by id for update`.execute(
        kysely(tx.statements),
      );
      await sql`select 1 from contract_counter where contract_id = ${id} for update`.execute(
        kysely(tx.statements),
      );
      recordHistory(tx, op, {
        action: 'contract.deleteContract',
        contractId: contract.id,
        details: { name: contract.name },
      });
      tx.em.remove(contract);
      return contract.id;
    });
    return result as Id<'contract'>;
  });
}
