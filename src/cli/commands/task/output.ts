import type { Command } from 'commander';
import { TaskPositionDocument } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { EventLines } from '../../event-lines.ts';
import { teach, wholeNumber } from '../../help.ts';
import { harmless, painter } from '../../style.ts';
import { liveOutput, type OutputEvent, storedOutput } from '../../task-log.ts';

interface Options {
  follow?: true;
  after?: number;
  last?: number;
}

const COMPLETED: ReadonlySet<string> = new Set(['DONE', 'FAILED', 'MERGED', 'CANCELLED']);

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Shows what a task has said so far. With --follow it goes on until the task completes, each line with the name of\n' +
      'the task in front. With --json: one entry of the log per line, with its sequence to go on --after.',
    examples: ['PATH task_01k…', 'PATH task_01k… --last 20', 'PATH task_01k… --follow'],
    exits: { 4: 'there is no such task' },
  })
    .argument('<task>', 'id of the task')
    .option('-f, --follow', 'go on until the task completes')
    .option('--after <sequence>', 'only what is behind this event of the log', wholeNumber(0))
    .option('--last <entries>', 'only the last ones of what there is (not with --follow)', wholeNumber(1))
    .action(async (taskId: string, options: Options) => {
      const api = await cli.api();
      const { task } = await api.call(TaskPositionDocument, { id: taskId });
      const position = {
        taskId: task.id,
        contractId: task.contract.id,
        lastSequence: task.contract.lastSequence,
      };
      const print = printer(cli, options);
      const afterSequence = options.after ?? 0;
      const kept: OutputEvent[] = [];
      for await (const entry of storedOutput(api, position, afterSequence)) {
        if (!options.last || options.follow) print(entry);
        else if (kept.push(entry) > options.last) kept.shift();
      }
      for (const entry of kept) print(entry);
      if (!options.follow || COMPLETED.has(task.status)) return;
      const onRetry = () => cli.note('taskmesh: the connection was cut, trying again');
      for await (const entry of liveOutput(api, position, { afterSequence, onRetry })) print(entry);
    });
}

function printer(cli: Cli, options: Options): (entry: OutputEvent) => void {
  if (cli.json) return (entry) => cli.print(JSON.stringify(entry));
  const lines = new EventLines(painter(cli.terminal.stdout));
  if (options.follow) {
    return (entry) => {
      for (const line of lines.linesOf(entry)) cli.print(line);
    };
  }
  // As the agent wrote it; only a terminal is protected from control characters.
  const text = (content: string) => (cli.terminal.stdout.isTTY ? harmless(content) : content);
  return (entry) => {
    if (entry.outputType === 'SUPERVISOR_QUESTION') return;
    const content =
      entry.outputType === 'TOOL_CALL' ? `→ ${entry.toolName ?? 'tool'} ${entry.content}` : entry.content;
    if (entry.isPartial) cli.terminal.stdout.write(text(content));
    else cli.terminal.stdout.write(`${text(content).replace(/\n$/, '')}\n`);
  };
}
