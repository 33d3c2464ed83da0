import { contractIdOf, findContract } from '../contracts/contract.access.ts';
import { type CommandHandler, issueCommand } from '../daemons/command.service.ts';
import { recordHistory } from '../events/history.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import type { Id } from '../platform/ids.ts';
import {
  type CreateBranchPayload,
  createBranchPayloadSchema,
  createBranchResultSchema,
} from '../platform/protocol.ts';
import type { Operation } from '../platform/runtime.ts';
import { transact } from '../platform/transaction.ts';
import { daemonAnswer, parseAnswer } from './daemon-answer.ts';
import { branchNameOf, logOutcome, supervisorCopy } from './supervisor-copy.ts';

export interface CreateBranchInput {
  readonly contractId?: string | null | undefined;
  readonly branchName: string;
  readonly fromRef?: string | null | undefined;
  readonly requestId?: string | null | undefined;
}

export interface CreatedBranch {
  readonly branchName: string;
  /** null while the daemon is at it. */
  readonly commitSha: string | null;
  readonly pending: boolean;
}

/** Codes of the daemon that are about an input. */
const INPUTS = { INVALID_INPUT: 'branchName', BRANCH_EXISTS: 'branchName', REVISION_NOT_FOUND: 'fromRef' };

/**
 * Makes a branch in the supervisor's working copy and in the repository that it came from. One of a contract that is
 * local-only, from a URL, stays in the copy.
 * @throws DomainError INVALID_INPUT, also for a branch that is at another commit; NO_SUPERVISOR, INVALID_TRANSITION,
 * NO_DAEMON …
 */
export async function createBranch(op: Operation, input: CreateBranchInput): Promise<CreatedBranch> {
  authorize(op.principal, 'supervise');
  const branchName = branchNameOf(input.branchName, 'branchName');
  const fromRef = input.fromRef == null ? null : branchNameOf(input.fromRef, 'fromRef');
  const contractId = contractIdOf(op.principal, input.contractId);
  const commandId = await transact(op.runtime, async (tx) => {
    const contract = await findContract(tx.em, op.principal, contractId);
    const request = {
      ownerId: contract.ownerId,
      requestId: input.requestId,
      operation: 'createBranch',
      input,
    };
    const { result } = await once(tx, request, async () => {
      const { supervisor, worktree, daemon } = await supervisorCopy(tx.em, op.principal, contract.id);
      const payload: CreateBranchPayload = {
        taskId: supervisor.id,
        worktreeId: worktree.id,
        branchName,
        fromRef,
        publish: worktree.repositoryPath != null || !contract.localOnly,
      };
      recordHistory(tx, op, {
        action: 'branch.requested',
        contractId: contract.id,
        taskId: supervisor.id,
        details: { branchName, fromRef },
      });
      return issueCommand(tx, {
        daemonId: daemon.id,
        taskId: supervisor.id,
        attempt: supervisor.attempt,
        type: 'CREATE_BRANCH',
        payload: { ...payload },
      });
    });
    return result as Id<'command'>;
  });
  const answer = await daemonAnswer(op, commandId, createBranchResultSchema, INPUTS);
  return answer ? { ...answer, pending: false } : { branchName, commitSha: null, pending: true };
}

/** Tells the log, whether or not anybody still waits for the answer. */
export const createBranchHandler: CommandHandler = {
  result: createBranchResultSchema,
  completed: (tx, command, result) => {
    const { branchName, commitSha } = parseAnswer(createBranchResultSchema, result);
    return logOutcome(tx, command, 'SYSTEM', `Branch ${branchName} is at ${commitSha}.`);
  },
  failed: (tx, command) => {
    const { branchName } = createBranchPayloadSchema.parse(command.payload);
    const content = `Branch ${branchName} was not made: ${command.errorMessage} (${command.errorCode})`;
    return logOutcome(tx, command, 'ERROR', content);
  },
};
