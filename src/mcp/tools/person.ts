import { z } from 'zod';
import {
  AnswerQuestionDocument,
  ContractListDocument,
  CreateContractDocument,
  McpPendingQuestionsDocument,
  ResumeSupervisorDocument,
} from '../../client/generated/graphql.ts';
import { type Role, tool } from '../tool.ts';

/* What only a person does: for a coding agent that works in their name, with their key. */
const PERSON: readonly Role[] = ['USER'];

export const listContracts = tool({
  name: 'list_contracts',
  title: 'List contracts',
  description: 'Lists the contracts of this person, newest first, with their ids.',
  roles: PERSON,
  effect: 'reads',
  input: z.object({
    status: z.enum(['ACTIVE', 'COMPLETED', 'ARCHIVED']).optional().describe('Only those; left out: all.'),
    first: z.int().min(1).max(500).default(50).describe('How many.'),
    after: z.string().optional().describe('Go on behind this one: the nextAfter of the call before.'),
  }),
  async run(input, call) {
    const { contracts } = await call.ask(ContractListDocument, input);
    const { hasNextPage, endCursor } = contracts.pageInfo;
    return {
      data: {
        contracts: contracts.nodes.map(({ id, ...about }) => ({ contractId: id, ...about })),
        nextAfter: hasNextPage ? endCursor : null,
      },
    };
  },
});

export const createContract = tool({
  name: 'create_contract',
  title: 'Open a contract',
  description:
    'Opens a contract: a piece of work on one or more git repositories. A supervisor agent starts at once and runs it by the plan: it starts tasks, merges them and asks the person. Look at it with contract_tree.',
  roles: PERSON,
  effect: 'changes',
  input: z.object({
    name: z.string().describe('What the work is called.'),
    supervisorPlan: z
      .string()
      .describe(
        'What the supervisor is to bring about: what is wanted, what must not be touched, when it is done.',
      ),
    repositories: z
      .array(z.string())
      .min(1)
      .describe(
        'Git repositories, by URL or by absolute path on the machine of a daemon; the first is the primary one.',
      ),
    baseBranch: z.string().optional().describe('The branch to start from; left out: the default branch.'),
    description: z.string().optional().describe('What it is about, for all of its tasks.'),
    agent: z
      .string()
      .optional()
      .describe(
        'The agent profile that runs it, such as claude, codex, gemini or opencode; left out: shell, for which the plan is a script.',
      ),
    localOnly: z.boolean().default(false).describe('true: nothing is pushed to a remote.'),
    budgetUsd: z.number().min(0).optional().describe('What it may cost, in US dollars; left out: no limit.'),
    redTeamEnabled: z.boolean().default(false).describe('true: a red team watches its work tasks.'),
  }),
  async run({ repositories, baseBranch, ...input }, call) {
    const { createContract } = await call.ask(CreateContractDocument, {
      input: {
        ...input,
        repositories: repositories.map((repository, index) => ({
          ...(repository.startsWith('/') ? { localPath: repository } : { url: repository }),
          baseBranch,
          isPrimary: index === 0,
        })),
        requestId: call.requestId,
      },
    });
    const { contract, supervisor } = createContract;
    return {
      data: {
        contractId: contract.id,
        supervisorTaskId: supervisor?.id,
        status: supervisor?.status,
        pendingReason: supervisor?.pendingReason,
        hint: 'contract_tree shows how it goes; pending_questions what it asks.',
      },
    };
  },
});

export const pendingQuestions = tool({
  name: 'pending_questions',
  title: 'Show what waits for an answer',
  description: 'Shows the questions of all supervisors of this person that wait for an answer.',
  roles: PERSON,
  effect: 'reads',
  input: z.object({}),
  async run(_input, call) {
    const { pendingQuestions } = await call.ask(McpPendingQuestionsDocument, {});
    return {
      data: {
        questions: pendingQuestions.map(({ id, contract, task, ...about }) => ({
          questionId: id,
          contractId: contract.id,
          contract: contract.name,
          askedBy: task.name,
          ...about,
        })),
      },
    };
  },
});

export const answerQuestion = tool({
  name: 'answer_question',
  title: 'Answer a question',
  description:
    'Answers a question of a supervisor in the name of the person: with choices among those offered, with a text, or both. Ask the person first, unless they have told you what to answer.',
  roles: PERSON,
  effect: 'changes',
  input: z.object({
    questionId: z.string().describe('The id of the question, question_….'),
    choices: z.array(z.string()).optional().describe('Among those offered; one, unless multiSelect.'),
    text: z.string().optional().describe('An answer in words.'),
  }),
  async run({ questionId, choices, text }, call) {
    const input = { questionId, choices, text, requestId: call.requestId };
    const { answerQuestion } = await call.ask(AnswerQuestionDocument, { input });
    const { status, response } = answerQuestion.question;
    return { data: { questionId, status, answer: response } };
  },
});

export const resumeSupervisor = tool({
  name: 'resume_supervisor',
  title: 'Start the supervisor of a contract again',
  description:
    'Starts the supervisor of a contract again that does not run. CONTINUE: where it was. RESTART_PHASE: without its conversation, in the same phase. FROM_CHECKPOINT: with code and conversation as they were at a checkpoint (list_checkpoints of the supervisor).',
  roles: PERSON,
  effect: 'changes',
  isOfContract: true,
  input: z.object({
    mode: z
      .enum(['CONTINUE', 'RESTART_PHASE', 'FROM_CHECKPOINT'])
      .default('CONTINUE')
      .describe('From where.'),
    checkpointId: z.string().optional().describe('With FROM_CHECKPOINT.'),
  }),
  async run({ mode, checkpointId }, call) {
    const { contractId, requestId } = call;
    const { resumeSupervisor } = await call.ask(ResumeSupervisorDocument, {
      input: { contractId, mode, checkpointId, requestId },
    });
    const { task, status, resumedFrom } = resumeSupervisor;
    return { data: { taskId: task.id, status, resumedFrom } };
  },
});
