import { Contract } from '../contracts/contract.entity.ts';
import { defaultRepository } from '../contracts/contract.service.ts';
import { checkSettings, type SettingsInput } from '../contracts/contract.settings.ts';
import { Repository } from '../contracts/repository.entity.ts';
import { checkRepository, type RepositoryInput } from '../contracts/repository.input.ts';
import { logEvent } from '../events/append.ts';
import { ContractCounter } from '../events/contract-counter.entity.ts';
import { recordHistory } from '../events/history.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import { topics } from '../platform/doorbell.ts';
import { invalidInput } from '../platform/errors.ts';
import { type Id, newId } from '../platform/ids.ts';
import { actorName } from '../platform/principal.ts';
import type { Operation } from '../platform/runtime.ts';
import { checkedText, optionalText, requiredText } from '../platform/text.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { Task } from '../tasks/task.entity.ts';
import { logTask } from '../tasks/task.moves.ts';

/** The profile that runs a contract's agents where none is named. Every daemon offers it. */
const DEFAULT_AGENT = 'shell';

export interface CreateContractInput extends SettingsInput {
  readonly name: string;
  readonly description?: string | null | undefined;
  readonly repositories?: readonly RepositoryInput[] | null | undefined;
  readonly agent?: string | null | undefined;
  readonly supervisorPlan?: string | null | undefined;
  readonly startSupervisor?: boolean | null | undefined;
  readonly requestId?: string | null | undefined;
}

/**
 * Opens a contract and, unless told not to, starts its supervisor.
 * @throws DomainError INVALID_INPUT naming the field
 */
export async function createContract(
  op: Operation,
  input: CreateContractInput,
): Promise<{ contract: Contract; supervisor: Task | null }> {
  authorize(op.principal, 'own');
  const checked = checkInput(input);
  return transact(op.runtime, async (tx) => {
    const request = {
      ownerId: op.principal.ownerId,
      requestId: input.requestId,
      operation: 'createContract',
      input,
    };
    const { result } = await once(tx, request, async () => (await create(tx, op, checked)).id);
    const id = result as Id<'contract'>;
    return {
      contract: await tx.em.findOneOrFail(Contract, { id }),
      supervisor: await tx.em.findOne(Task, { contractId: id, role: 'SUPERVISOR' }),
    };
  });
}

function checkInput(input: CreateContractInput) {
  const repositories = (input.repositories ?? []).map((repository, index) =>
    checkRepository(repository, `repositories.${index}`),
  );
  if (repositories.length > 50) throw invalidInput('repositories', 'A contract has at most 50 repositories.');
  if (repositories.filter((repository) => repository.isPrimary).length > 1) {
    throw invalidInput('repositories', 'Only one repository can be the primary one.');
  }
  const description = optionalText(input.description, 'description', 100_000);
  const plan = input.supervisorPlan
    ? checkedText(input.supervisorPlan, 'supervisorPlan', 1_000_000)
    : description;
  const startSupervisor = input.startSupervisor ?? true;
  if (startSupervisor && !plan?.trim()) {
    throw invalidInput(
      'supervisorPlan',
      'The supervisor needs a supervisorPlan, or a description to work from.',
    );
  }
  if (startSupervisor && repositories.length === 0) {
    throw invalidInput(
      'repositories',
      'The supervisor works in a repository: name at least one, or pass startSupervisor: false.',
    );
  }
  return {
    name: requiredText(input.name, 'name', 200),
    description,
    repositories,
    settings: checkSettings(input),
    agent: optionalText(input.agent, 'agent', 100) ?? DEFAULT_AGENT,
    plan: plan ?? '',
    startSupervisor,
  };
}

async function create(
  tx: Transaction,
  op: Operation,
  input: ReturnType<typeof checkInput>,
): Promise<Contract> {
  const by = actorName(op.principal);
  const contract = tx.em.create(Contract, {
    id: newId('contract'),
    ownerId: op.principal.ownerId,
    name: input.name,
    description: input.description,
    ...input.settings,
    agent: input.agent,
    createdAt: tx.now,
    updatedAt: tx.now,
  });
  await tx.em.flush();
  tx.em.create(ContractCounter, { contractId: contract.id });
  const repositories = input.repositories.map((repository) =>
    tx.em.create(Repository, {
      id: newId('repo'),
      contractId: contract.id,
      ...repository,
      createdAt: tx.now,
    }),
  );
  logEvent(tx, contract.id, {
    type: 'CONTRACT_CREATED',
    taskId: null,
    data: { updatedFields: [], updatedBy: by },
  });
  recordHistory(tx, op, {
    action: 'contract.created',
    contractId: contract.id,
    details: { name: contract.name },
  });
  const repository = defaultRepository(repositories);
  if (input.startSupervisor) {
    const supervisor = tx.em.create(Task, {
      id: newId('task'),
      ownerId: contract.ownerId,
      contractId: contract.id,
      name: 'Supervisor',
      plan: input.plan,
      role: 'SUPERVISOR',
      useOwnWorktree: true,
      repositoryUrl: repository?.url ?? null,
      repositoryPath: repository?.localPath ?? null,
      baseBranch: repository?.baseBranch ?? null,
      agent: contract.agent,
      createdAt: tx.now,
      updatedAt: tx.now,
    });
    logTask(tx, supervisor, 'TASK_CREATED', [], by);
    tx.ring(topics.schedule);
  }
  return contract;
}
