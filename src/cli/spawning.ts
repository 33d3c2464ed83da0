import { type Command, Option } from 'commander';
import { type CompletionAction, SpawnTaskDocument } from '../client/generated/graphql.ts';
import { newRequestId } from './api.ts';
import type { Cli } from './cli.ts';
import { usageFailure } from './failures.ts';
import { collect, type Lesson, oneOf, wholeNumber } from './help.ts';
import { givenText } from './text-input.ts';

export interface SpawnOptions {
  name: string;
  plan?: string;
  planFile?: string;
  description?: string;
  ownWorktree?: true;
  agent?: string;
  priority?: number;
  base?: string;
  target?: string;
  repo?: string;
  parent?: string;
  once?: string;
  copy?: string[];
  whenDone?: CompletionAction;
  targetRepo?: string;
  branchedFrom?: string;
  continueFrom?: string;
  checkpoint?: string;
  rounds?: number;
  timeLimit?: number;
}

const ACTIONS = ['NONE', 'MERGE', 'PULL_REQUEST'] as const satisfies CompletionAction[];

/** The same for a person (`task spawn`) and a supervisor (`supervisor spawn`). */
export function spawnHelp(examples: readonly string[]): Lesson {
  return {
    about:
      'Starts a task: an agent that works by a plan. It works in the working copy of the supervisor, or with\n' +
      '--own-worktree in its own, on its own branch, to be merged later. Returns at once and prints the id of the task\n' +
      'alone on stdout; a daemon starts it as soon as one has room.',
    examples,
    exits: { 1: 'the contract is closed, or has no repository (CONTRACT_CLOSED, MISSING_REPOSITORY)' },
  };
}

export function spawnOptions(command: Command): Command {
  return command
    .requiredOption('--name <name>', 'what the task is called')
    .option('--plan <text>', 'what the agent is to do')
    .option('--plan-file <file>', 'the plan in a file, - for stdin')
    .option('--description <text>', 'a few words on it, for people')
    .option('--own-worktree', 'a working copy and a branch of its own')
    .option('--agent <profile>', 'who does it (default: as the contract says)')
    .option('--priority <number>', 'higher is started first', wholeNumber(-1_000, 1_000))
    .option('--base <branch>', 'branch to start from')
    .option('--target <branch>', 'branch to merge into later (default: that of the supervisor)')
    .option('--repo <url|path>', 'repository of the contract to work in (default: the primary one)')
    .option('--once <word>', 'spawn it once: the same word again gives the same task, also after a restart')
    .option('--parent <task>', 'the task that it belongs to (default: the supervisor)')
    .option(
      '--copy <path>',
      'a file that git ignores, .env say, for its own working copy; may be repeated',
      collect,
    )
    .addOption(
      new Option(
        '--when-done <action>',
        'what is done by itself once it is DONE: none, merge or pull-request',
      )
        .argParser(oneOf(ACTIONS))
        .default('NONE', 'none'),
    )
    .option('--target-repo <path>', 'repository on the machine of the daemon that gets the branch too')
    .option('--branched-from <task>', 'start from the latest checkpoint of this task')
    .option('--continue-from <task>', 'the same, and go on in the session of its agent')
    .option('--checkpoint <commit>', 'start from this commit, of a checkpoint or of the repository')
    .option(
      '--rounds <number>',
      'how often an agent that ended its turn and did not say that it is done is told to go on',
      wholeNumber(0, 100),
    )
    .option('--time-limit <minutes>', 'past it the task has FAILED (default: none)', wholeNumber(1, 35_000));
}

/** @param contractId undefined for a supervisor, whose key says which */
export async function spawnTask(
  cli: Cli,
  contractId: string | undefined,
  options: SpawnOptions,
): Promise<void> {
  const plan = await givenText({ text: options.plan, file: options.planFile, flag: 'plan' }, cli.terminal);
  if (plan === undefined)
    throw usageFailure('A task needs a plan: --plan TEXT, or --plan-file FILE (- for stdin).', 'plan');
  const api = await cli.api();
  const { spawnTask } = await api.call(SpawnTaskDocument, {
    input: {
      contractId,
      name: options.name,
      plan,
      description: options.description,
      parentTaskId: options.parent,
      repositoryUrl: options.repo,
      useOwnWorktree: options.ownWorktree === true,
      agent: options.agent,
      ...(options.priority === undefined ? {} : { priority: options.priority }),
      ...(options.rounds === undefined ? {} : { autonomousLoop: options.rounds }),
      baseBranch: options.base,
      targetBranch: options.target,
      copyFiles: options.copy ?? [],
      completionAction: options.whenDone,
      targetRepoPath: options.targetRepo,
      branchedFromTaskId: options.branchedFrom,
      continueFromTaskId: options.continueFrom,
      checkpointSha: options.checkpoint,
      timeLimitMinutes: options.timeLimit,
      // A supervisor that is started again runs its script from the top: with a word of its own a task is found again.
      requestId: options.once ? `${contractId ?? api.contractId}/${options.once}` : newRequestId(),
    },
  });
  cli.result(spawnTask.task, () => spawnTask.task.id);
}
