import type { Role, Tool } from './tool.ts';
import { completeContract, contractTree, setPhase } from './tools/contract.ts';
import { readDocument, setDocument } from './tools/documents.ts';
import { createBranch, createCheckpoint, createPullRequest, mergeTask } from './tools/git.ts';
import { taskOutput } from './tools/output.ts';
import {
  answerQuestion,
  createContract,
  listContracts,
  pendingQuestions,
  resumeSupervisor,
} from './tools/person.ts';
import { askQuestion, awaitAnswer, listQuestions, withdrawQuestion } from './tools/questions.ts';
import { readFile, taskDiff } from './tools/reading.ts';
import { finishTask, notifySupervisor } from './tools/reporting.ts';
import { cancelTask, pauseTask, resumeTask, retryTask, sendMessage } from './tools/steering.ts';
import { listCheckpoints, showTask, spawnTask } from './tools/tasks.ts';
import { readMessages, waitForTasks } from './tools/waiting.ts';

/** Every tool, in the order in which a model reads them: what it needs first, first. */
const TOOLS: readonly Tool[] = [
  listContracts,
  createContract,
  pendingQuestions,
  answerQuestion,
  contractTree,
  spawnTask,
  waitForTasks,
  showTask,
  taskOutput,
  taskDiff,
  readFile,
  mergeTask,
  askQuestion,
  awaitAnswer,
  listQuestions,
  withdrawQuestion,
  readMessages,
  readDocument,
  setDocument,
  setPhase,
  createCheckpoint,
  listCheckpoints,
  sendMessage,
  cancelTask,
  retryTask,
  pauseTask,
  resumeTask,
  createBranch,
  createPullRequest,
  completeContract,
  resumeSupervisor,
  notifySupervisor,
  finishTask,
];

/** The tools that a key of this kind may use, by name. */
export function toolsFor(role: Role): ReadonlyMap<string, Tool> {
  return new Map(TOOLS.filter((tool) => tool.roles.includes(role)).map((tool) => [tool.name, tool]));
}
