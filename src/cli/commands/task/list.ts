import { type Command, Option } from 'commander';
import { TaskListDocument, type TaskRole, type TaskStatus } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { oneOf, teach, wholeNumber } from '../../help.ts';
import { duration, harmless, painter, paintStatus } from '../../style.ts';
import { table } from '../../table.ts';

interface Options {
  status?: TaskStatus[];
  role?: TaskRole;
  first: number;
  after?: string;
}

// biome-ignore format: one glance
const STATUSES = [
  'PENDING', 'STARTING', 'RUNNING', 'PAUSED', 'WAITING', 'INTERRUPTED', 'CANCELLING', 'CANCELLED', 'DONE', 'FAILED',
  'MERGED',
] as const satisfies TaskStatus[];
const ROLES = ['SUPERVISOR', 'WORK', 'RED_TEAM'] as const satisfies TaskRole[];

export function register(command: Command, cli: Cli): void {
  const toStatus = oneOf(STATUSES);
  teach(command, {
    about: 'Lists the tasks of a contract.',
    examples: ['PATH contract_01k…', 'PATH contract_01k… --status running --status pending --json'],
    exits: { 4: 'there is no such contract' },
  })
    .argument('<contract>', 'id of the contract')
    .addOption(
      new Option('--status <status>', 'only those; may be repeated').argParser(
        (text, before: TaskStatus[] | undefined) => [...(before ?? []), toStatus(text)],
      ),
    )
    .addOption(
      new Option('--role <role>', 'only those: supervisor, work or red-team').argParser(oneOf(ROLES)),
    )
    .option('--first <number>', 'how many', wholeNumber(1), 50)
    .option('--after <cursor>', 'go on after this cursor (endCursor of the page before, in --json)')
    .action(async (contractId: string, options: Options) => {
      const api = await cli.api();
      const { tasks } = await api.call(TaskListDocument, { contractId, ...options });
      const paint = painter(cli.terminal.stdout);
      cli.result(tasks, () =>
        table([
          ['ID', 'NAME', 'ROLE', 'STATUS', 'AGENT', 'ATTEMPT', 'DURATION'].map((title) =>
            paint('bold', title),
          ),
          ...tasks.nodes.map((task) => [
            task.id,
            harmless(task.name),
            task.role,
            paintStatus(task.status, paint),
            task.agent,
            String(task.attempt),
            duration(task.durationSeconds),
          ]),
        ]),
      );
      if (tasks.pageInfo.hasNextPage) cli.hint(`More: --after ${tasks.pageInfo.endCursor}`);
    });
}
