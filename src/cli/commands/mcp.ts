import type { Command } from 'commander';
import { readVersion } from '../../platform/package.ts';
import type { Cli } from '../cli.ts';
import { teach, wholeNumber } from '../help.ts';

/** Clients give up on a call after 60 s, the shortest among those we know. */
const DEFAULT_WAIT_SECONDS = 45;

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'An MCP server over stdin and stdout, started by a coding agent, not by hand. Its tools are those of the key: a\n' +
      'supervisor gets all that it takes to run its contract, a work task saving and finishing, the red team reading and\n' +
      'warning. Agents that a daemon starts have it already. With a user key it is for your own coding agent: open\n' +
      'contracts, look at them, answer their questions. It ends with its stdin.',
    examples: [
      'claude mcp add taskmesh -- taskmesh mcp      # in Claude Code, with the key in ~/.taskmesh',
      'PATH --max-wait 20      # for a client that gives up on a call after 30 s',
    ],
    exits: { 0: 'the client has ended it' },
  })
    .option(
      '--max-wait <seconds>',
      'how long one call of a tool waits at most',
      wholeNumber(1, 3_600),
      DEFAULT_WAIT_SECONDS,
    )
    .action(async (options: { maxWait: number }) => {
      const [{ serveMcp }, { client, isAgent }] = await Promise.all([
        import('../../mcp/start.ts'),
        cli.api(),
      ]);
      await serveMcp({
        client,
        isTask: isAgent,
        version: readVersion(),
        maxWaitSeconds: options.maxWait,
        stdin: cli.terminal.stdin,
        stdout: cli.terminal.stdout,
        onError: (error) => cli.note(`taskmesh mcp: ${error.message}`),
      });
    });
}
