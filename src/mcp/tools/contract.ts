import { z } from 'zod';
import {
  CompleteContractDocument,
  McpContractDocument,
  type McpContractQuery,
  SetContractPhaseDocument,
} from '../../client/generated/graphql.ts';
import { shortened } from '../excerpt.ts';
import { ROLES, SUPERVISION, tool } from '../tool.ts';

/** What a task said in the end is shown this long in the tree. */
const SUMMARY_CHARS = 300;

type Node = McpContractQuery['contractTree']['nodes'][number];

export const contractTree = tool({
  name: 'contract_tree',
  title: 'Show the contract and its tasks',
  description:
    'Shows the contract (phase, status, cost and budget, repositories, names of documents) and all its tasks as a tree, each with its id, status and what it said in the end. Call it first, and whenever you are not sure what has been started already.',
  roles: ROLES,
  effect: 'reads',
  isOfContract: true,
  input: z.object({}),
  async run(_input, call) {
    const { contractTree } = await call.ask(McpContractDocument, { contractId: call.contractId });
    const { contract, nodes, total } = contractTree;
    const { repositories, documents, localOnly, id, ...about } = contract;
    return {
      data: {
        contractId: id,
        ...about,
        nothingMayLeaveTheMachines: localOnly || null,
        repositories: repositories.map(({ url, localPath, baseBranch, isPrimary }) => ({
          repository: url ?? localPath,
          baseBranch,
          isPrimary: (isPrimary && repositories.length > 1) || null,
        })),
        documents: documents.map(({ name }) => name),
        taskCount: total,
        tasks: nodes.map((node) => taskLine(node, call.identity.taskId)),
      },
    };
  },
});

function taskLine({ depth, task }: Node, ownId: string | null) {
  const { id, parent, outputSummary, errorMessage, useOwnWorktree, durationSeconds, role, ...about } = task;
  const hasFailed = task.status === 'FAILED' || task.status === 'CANCELLED';
  return {
    taskId: id,
    ...about,
    role,
    isYou: id === ownId || null,
    // The tree is a list in its order: who belongs to whom is said only where it is not plain.
    parentTaskId: depth > 1 ? parent?.id : null,
    branchOfItsOwn: role === 'WORK' ? useOwnWorktree : null,
    costUsd: task.costUsd || null,
    seconds: durationSeconds === null ? null : Math.round(durationSeconds ?? 0),
    error: hasFailed && errorMessage ? brief(errorMessage) : null,
    summary: outputSummary ? brief(outputSummary) : null,
  };
}

function brief(text: string): string {
  return shortened(text, SUMMARY_CHARS, 'show_task shows all of it');
}

const PHASES = ['RESEARCH', 'SPECIFY', 'PLAN', 'EXECUTE', 'REVIEW'] as const;

export const setPhase = tool({
  name: 'set_phase',
  title: 'Move the contract to a phase',
  description:
    'Says where the contract stands: RESEARCH (finding out what there is), SPECIFY (writing down what is wanted), PLAN (deciding how), EXECUTE (doing it), REVIEW (looking at what was done). Forwards or back.',
  roles: SUPERVISION,
  effect: 'changes',
  isOfContract: true,
  input: z.object({ phase: z.enum(PHASES).describe('The phase that begins now.') }),
  async run({ phase }, call) {
    const { contractId, requestId } = call;
    const { setContractPhase } = await call.ask(SetContractPhaseDocument, {
      input: { contractId, phase, requestId },
    });
    return { data: { phase: setContractPhase.contract.phase } };
  },
});

export const completeContract = tool({
  name: 'complete_contract',
  title: 'Complete the contract',
  description:
    'Ends the contract: open questions are withdrawn, no task can be started any more. Call it when everything is done and merged, as your last call: then end your turn. Refused while tasks run, unless cancelTasks is true.',
  roles: SUPERVISION,
  effect: 'destroys',
  isOfContract: true,
  input: z.object({
    summary: z.string().describe('For the person: what was done, what was left out, where to look at it.'),
    cancelTasks: z.boolean().default(false).describe('true: tasks that still run are cancelled.'),
  }),
  async run({ summary, cancelTasks }, call) {
    const { contractId, requestId } = call;
    const { completeContract } = await call.ask(CompleteContractDocument, {
      input: { contractId, summary, cancelTasks, requestId },
    });
    const hint = call.identity.taskId ? 'Your own task ends now: end your turn.' : null;
    return { data: { contractId, status: completeContract.contract.status, hint } };
  },
});
