import type { Command } from 'commander';
import { ContractTreeDocument } from '../../../client/generated/graphql.ts';
import type { Api } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { ContractWatch } from '../../contract-watch.ts';
import { EventLines } from '../../event-lines.ts';
import { teach, wholeNumber } from '../../help.ts';
import { painter } from '../../style.ts';
import { contractLog, type LogEvent } from '../../task-log.ts';

interface Options {
  all?: true;
  after?: number;
}

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Follows all that happens in a contract, one line each with the name of its task, until the contract has been\n' +
      'completed and its agents have ended. At a terminal, below it: how far it is, what runs, what it cost, what waits\n' +
      'for you. Goes on by itself after a cut connection. With --json: one event per line.',
    examples: ['PATH contract_01k… --all', "PATH contract_01k… --after 120 --json | jq -r '.sequence'"],
    exits: { 0: 'the contract has ended', 4: 'there is no such contract' },
  })
    .argument('<contract>', 'id of the contract')
    .option('--all', 'from the beginning (default: from now on)')
    .option('--after <sequence>', 'from behind this event on', wholeNumber(0))
    .action(async (contractId: string, options: Options) => {
      const api = await cli.api();
      const { contractTree } = await api.call(ContractTreeDocument, { contractId });
      const from = options.after ?? (options.all ? 0 : contractTree.contract.lastSequence);
      if (contractTree.contract.status !== 'ACTIVE' && from >= contractTree.contract.lastSequence) {
        return cli.hint('The contract has ended. --all shows what happened.');
      }
      const lines = new EventLines(painter(cli.terminal.stdout));
      const watch = new ContractWatch(cli, api, contractTree);
      const note = (text: string) => watch.print(() => cli.note(`taskmesh: ${text}`));
      let completed = false;
      const tell = (event: LogEvent): void => {
        watch.tell(event, cli.json ? [JSON.stringify(event)] : lines.linesOf(event));
        completed ||= isCompletion(event);
        if (!completed && event.__typename === 'TaskCompletedEvent' && event.task.role === 'SUPERVISOR') {
          // Nobody is left who would complete it: said, or a person waits for ever.
          note(
            `the supervisor has ended and the contract is still open. Start it again: taskmesh contract resume ${contractId}. Or end the contract: taskmesh contract complete ${contractId}`,
          );
        }
      };
      watch.start();
      try {
        await watchContract(api, contractId, from, tell, () => note('the connection was cut, trying again'));
      } finally {
        watch.end();
      }
    });
}

function isCompletion(event: LogEvent): boolean {
  return event.__typename === 'ContractChangedEvent' && event.type === 'CONTRACT_COMPLETED';
}

/** How long the agents of a completed contract are given to end before the watch does. */
const LAST_WORDS_MS = 10_000;

/** Tells each event of a contract until it has been completed and none of its tasks is left. */
export async function watchContract(
  api: Api,
  contractId: string,
  afterSequence: number,
  onEvent: (event: LogEvent) => void,
  onRetry: () => void = () => undefined,
  signal?: AbortSignal,
): Promise<void> {
  const ended = new AbortController();
  const either = signal ? AbortSignal.any([signal, ended.signal]) : ended.signal;
  let completed = false;
  let timer: NodeJS.Timeout | undefined;
  try {
    for await (const event of contractLog(api.client, contractId, {
      afterSequence,
      signal: either,
      onRetry,
    })) {
      onEvent(event);
      if (isCompletion(event)) {
        completed = true;
        timer = setTimeout(() => ended.abort(), LAST_WORDS_MS);
      }
      if (completed && !(await hasMore(api, contractId, event.sequence))) return;
    }
  } finally {
    clearTimeout(timer);
  }
}

const ENDED: ReadonlySet<string> = new Set(['DONE', 'FAILED', 'MERGED', 'CANCELLED']);

async function hasMore(api: Api, contractId: string, sequence: number): Promise<boolean> {
  const { contractTree } = await api.call(ContractTreeDocument, { contractId });
  if (contractTree.contract.lastSequence > sequence) return true;
  return contractTree.nodes.some((node) => !ENDED.has(node.task.status));
}
