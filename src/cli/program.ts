import { Command } from 'commander';
import { readVersion } from '../platform/package.ts';
import type { Cli, CommonFlags } from './cli.ts';
import { pathOf } from './help.ts';
import { COMMANDS, type Entry } from './registry.ts';

/**
 * The command line as commander knows it. Only the command that argv names is loaded; the others are there by
 * name and summary, which is all that help and the suggestion after a typing error need.
 */
export async function buildProgram(argv: readonly string[], cli: Cli): Promise<Command> {
  const program = new Command('taskmesh')
    .description('Runs AI coding agents on your own machines, orchestrated by a GraphQL API.')
    .version(readVersion(), '--version')
    // Common options stand before the command or among its own: a value that looks like one is then never taken
    // for one (`--text "--url=…"` must not send the key elsewhere).
    .enablePositionalOptions()
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => cli.terminal.stdout.write(text),
      writeErr: (text) => cli.terminal.stderr.write(text),
      // Told once, in our own form: see run.ts.
      outputError: () => undefined,
      getOutHelpWidth: () => helpWidth(cli.terminal.stdout.columns),
      getErrHelpWidth: () => helpWidth(cli.terminal.stderr.columns),
    })
    .addHelpText('after', FIRST_STEPS);
  commonOptions(program);
  await addCommands(program, COMMANDS, wordsOf(argv), cli);
  return program;
}

function helpWidth(columns = 100): number {
  return Math.min(columns, 110);
}

const FIRST_STEPS = `
First steps:
  $ npm run demo                            a contract from start to end, on this machine (in a checkout)
  $ taskmesh up                             the server, its database and a daemon
  $ taskmesh contract create --name "First" --repo . --plan "…"
  $ taskmesh contract watch CONTRACT

Every command: taskmesh COMMAND --help. Machines add --json.
`;

async function addCommands(
  parent: Command,
  entries: Entry[],
  words: readonly string[],
  cli: Cli,
): Promise<void> {
  for (const entry of entries) {
    const sentence = `${entry.summary.charAt(0).toUpperCase()}${entry.summary.slice(1)}.`;
    const command = parent.command(entry.name).summary(entry.summary).description(sentence);
    const named = words[0] === entry.name;
    const further = named ? words.slice(1) : [];
    if ('commands' in entry) {
      await addCommands(command, entry.commands, further, cli);
      if (!('load' in entry))
        command.usage('COMMAND').addHelpText('after', `\nMore on one: ${pathOf(command)} COMMAND --help`);
    }
    const isBelow = 'commands' in entry && entry.commands.some(({ name }) => name === further[0]);
    if ('load' in entry && named && !isBelow) {
      const { register } = await entry.load();
      register(command, cli);
      commonOptions(command);
      command.hook('preAction', () => {
        cli.flags = { ...parent.optsWithGlobals(), ...definedOnly(command.opts<CommonFlags>()) };
      });
    }
  }
}

/** The command line from its first word on: the path of the command, and what follows. */
function wordsOf(argv: readonly string[]): string[] {
  const scan = new Command()
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({ outputError: () => undefined });
  const { operands, unknown } = commonOptions(scan).parseOptions([...argv]);
  return [...operands, ...unknown];
}

function commonOptions(command: Command): Command {
  return command
    .optionsGroup('Common options:')
    .option('--json', 'results and errors as JSON')
    .option('--url <url>', 'the GraphQL endpoint (TASKMESH_URL; default http://127.0.0.1:4000/graphql)')
    .option(
      '--key-file <file>',
      'file with the key (else TASKMESH_KEY, TASKMESH_TOOL_KEY, or the data directory)',
    )
    .option('--data-dir <directory>', 'the data directory (TASKMESH_DATA_DIR; default ~/.taskmesh)');
}

function definedOnly(flags: CommonFlags): CommonFlags {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
}
