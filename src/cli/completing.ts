import type { Command } from 'commander';
import { CompleteContractDocument } from '../client/generated/graphql.ts';
import { newRequestId } from './api.ts';
import type { Cli } from './cli.ts';
import type { Lesson } from './help.ts';

export interface CompletionOptions {
  summary?: string;
  cancelTasks?: true;
}

/** The same for a person (`contract complete`) and a supervisor (`supervisor complete`). */
export function completionHelp(examples: readonly string[]): Lesson {
  return {
    about:
      'Completes a contract: its open questions are withdrawn, its supervisor and red team end, it takes no new tasks.\n' +
      'Refused while work tasks run, unless they are to be cancelled.',
    examples,
    exits: { 1: 'tasks still run (TASKS_RUNNING), or it was completed before (CONTRACT_CLOSED)' },
  };
}

export function completionOptions(command: Command): Command {
  return command
    .option('--summary <text>', 'what came of it')
    .option('--cancel-tasks', 'stop the tasks that still run');
}

/** @param contractId undefined for a supervisor, whose key says which */
export async function completeContract(
  cli: Cli,
  contractId: string | undefined,
  options: CompletionOptions,
): Promise<void> {
  const api = await cli.api();
  const { completeContract } = await api.call(CompleteContractDocument, {
    input: {
      contractId,
      summary: options.summary,
      cancelTasks: options.cancelTasks === true,
      requestId: newRequestId(),
    },
  });
  const { contract } = completeContract;
  cli.result(contract, () => `${contract.id} ${contract.status}`);
}
