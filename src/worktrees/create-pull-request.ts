import { contractIdOf, findContract } from '../contracts/contract.access.ts';
import type { Contract } from '../contracts/contract.entity.ts';
import type { Command } from '../daemons/command.entity.ts';
import { type CommandHandler, issueCommand } from '../daemons/command.service.ts';
import { recordHistory } from '../events/history.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import type { EntityManager } from '../platform/database.ts';
import { DomainError, invalidInput } from '../platform/errors.ts';
import type { Id } from '../platform/ids.ts';
import type { Principal } from '../platform/principal.ts';
import {
  type CreatePullRequestPayload,
  createPullRequestPayloadSchema,
  createPullRequestResultSchema,
} from '../platform/protocol.ts';
import type { Operation } from '../platform/runtime.ts';
import { optionalText, requiredText } from '../platform/text.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { daemonAnswer, parseAnswer } from './daemon-answer.ts';
import { broughtBy } from './merge-request.ts';
import { branchNameOf, logOutcome, supervisorCopy } from './supervisor-copy.ts';
import { Worktree } from './worktree.entity.ts';

export interface CreatePullRequestInput {
  readonly contractId?: string | null | undefined;
  readonly branch: string;
  readonly title: string;
  readonly body?: string | null | undefined;
  readonly baseBranch?: string | null | undefined;
  readonly requestId?: string | null | undefined;
}

export interface CreatedPullRequest {
  /** The three are null and false while the daemon is at it. */
  readonly url: string | null;
  readonly number: number | null;
  readonly created: boolean;
  readonly pending: boolean;
}

/** GitHub's own limits, in characters. */
const MAX_TITLE = 256;
const MAX_BODY = 65_536;
/** Codes of the daemon that are about an input. */
const INPUTS = { INVALID_INPUT: 'branch', REVISION_NOT_FOUND: 'branch' };

/**
 * Pushes a branch and opens a pull request for it, or finds the one that is open.
 * @throws DomainError LOCAL_ONLY when nothing may leave the machine, or there is no remote; INVALID_INPUT;
 * NO_SUPERVISOR, INVALID_TRANSITION, NO_DAEMON …; COMMAND_FAILED with what GitHub said
 */
export async function createPullRequest(
  op: Operation,
  input: CreatePullRequestInput,
): Promise<CreatedPullRequest> {
  authorize(op.principal, 'supervise');
  const branch = branchNameOf(input.branch, 'branch');
  const title = requiredText(input.title, 'title', MAX_TITLE);
  const body = optionalText(input.body, 'body', MAX_BODY);
  const given = input.baseBranch == null ? null : branchNameOf(input.baseBranch, 'baseBranch');
  const contractId = contractIdOf(op.principal, input.contractId);
  const commandId = await transact(op.runtime, async (tx) => {
    const contract = await findContract(tx.em, op.principal, contractId);
    const request = {
      ownerId: contract.ownerId,
      requestId: input.requestId,
      operation: 'createPullRequest',
      input,
    };
    const { result } = await once(tx, request, async () => {
      const requested = await requestPullRequest(tx, op.principal, contract, {
        branch,
        baseBranch: given,
        title,
        body,
      });
      recordHistory(tx, op, {
        action: 'pullRequest.requested',
        contractId: contract.id,
        taskId: requested.supervisorId,
        details: { branch, baseBranch: requested.baseBranch, title },
      });
      return requested.commandId;
    });
    return result as Id<'command'>;
  });
  const answer = await daemonAnswer(op, commandId, createPullRequestResultSchema, INPUTS);
  return answer ? { ...answer, pending: false } : { url: null, number: null, created: false, pending: true };
}

interface PullRequest {
  readonly branch: string;
  /** null: the supervisor's base branch, else the default branch of the remote. */
  readonly baseBranch: string | null;
  readonly title: string;
  readonly body: string | null;
}

/** Has a branch pushed and a pull request opened, by the daemon that has the supervisor's working copy. */
export async function requestPullRequest(
  tx: Transaction,
  principal: Principal | null,
  contract: Contract,
  { branch, baseBranch: given, title, body }: PullRequest,
): Promise<{ commandId: Command['id']; supervisorId: Id<'task'>; baseBranch: string | null }> {
  if (contract.localOnly) {
    throw new DomainError(
      'LOCAL_ONLY',
      `The contract ${contract.id} is local-only: nothing of it is pushed. Allow it with updateContract, localOnly: false.`,
    );
  }
  const { supervisor, worktree, daemon } = await supervisorCopy(tx.em, principal, contract.id);
  if (worktree.repositoryPath != null) {
    throw new DomainError(
      'LOCAL_ONLY',
      `The supervisor works on the local repository ${worktree.repositoryPath}, which has no pull requests. Give the contract the URL of the remote.`,
    );
  }
  const baseBranch = given ?? supervisor.baseBranch ?? null;
  if (baseBranch === branch)
    throw invalidInput('baseBranch', `A pull request from ${branch} into itself has no use.`);
  const source = await copyOfBranch(tx.em, worktree, branch);
  const payload: CreatePullRequestPayload = {
    taskId: supervisor.id,
    worktreeId: worktree.id,
    branch,
    branchWorktreeId: source?.id ?? null,
    branchCheckpoint: source && (await broughtBy(tx.em, source, daemon)),
    baseBranch,
    title,
    body,
  };
  const commandId = issueCommand(tx, {
    daemonId: daemon.id,
    taskId: supervisor.id,
    attempt: supervisor.attempt,
    type: 'CREATE_PULL_REQUEST',
    payload: { ...payload },
  });
  return { commandId, supervisorId: supervisor.id, baseBranch };
}

/** The working copy of a task whose own branch it is, on the supervisor's daemon where there is one; null: no task's. */
async function copyOfBranch(
  em: EntityManager,
  supervised: Worktree,
  branch: string,
): Promise<Worktree | null> {
  if (supervised.branch === branch) return null;
  const { contractId, daemonId, repositoryUrl } = supervised;
  const copies = await em.find(
    Worktree,
    { contractId, branch, repositoryUrl: repositoryUrl ?? null, path: { $ne: null } },
    { orderBy: { id: 'desc' } },
  );
  return copies.find((copy) => copy.daemonId === daemonId) ?? copies[0] ?? null;
}

/** Tells the log, whether or not anybody still waits for the answer. */
export const createPullRequestHandler: CommandHandler = {
  result: createPullRequestResultSchema,
  completed: (tx, command, result) => {
    const { url, number, created } = parseAnswer(createPullRequestResultSchema, result);
    const did = created ? 'was opened' : 'was open already';
    return logOutcome(tx, command, 'SYSTEM', `Pull request ${number} ${did}: ${url}`);
  },
  failed: (tx, command) => {
    const { branch } = createPullRequestPayloadSchema.parse(command.payload);
    const content = `The pull request for ${branch} was not opened: ${command.errorMessage} (${command.errorCode})`;
    return logOutcome(tx, command, 'ERROR', content);
  },
};
