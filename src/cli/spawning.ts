import type { Command } from 'commander';
import { SpawnTaskDocument } from '../client/generated/graphql.ts';
import { newRequestId } from './api.ts';
import type { Cli } from './cli.ts';
import { usageFailure } from './failures.ts';
import { type Lesson, wholeNumber } from './help.ts';
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
}

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
    .option('--priority <number>', 'higher is started first', wholeNumber(-1_000_000, 1_000_000))
    .option('--base <branch>', 'branch to start from')
    .option('--target <branch>', 'branch to merge into later (default: that of the supervisor)')
    .option('--repo <url|path>', 'repository of the contract to work in (default: the primary one)')
    .option('--once <word>', 'spawn it once: the same word again gives the same task, also after a restart')
    .option('--parent <task>', 'the task that it belongs to (default: the supervisor)');
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
      baseBranch: options.base,
      targetBranch: options.target,
      // A supervisor that is started again runs its script from the top: with a word of its own a task is found again.
      requestId: options.once ? `${contractId ?? api.contractId}/${options.once}` : newRequestId(),
    },
  });
  cli.result(spawnTask.task, () => spawnTask.task.id);
}
