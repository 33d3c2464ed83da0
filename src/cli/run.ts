import { CommanderError } from 'commander';
import { Cli, type Terminal } from './cli.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { describeFailure } from './failures.ts';
import { buildProgram } from './program.ts';

/** Runs one command line (without `node` and the script) and gives its exit code. Never throws. */
export async function run(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  // The command that help is wanted on is loaded like one that is called.
  const argv = words[0] === 'help' ? [...words.slice(1), '--help'] : words;
  const cli = new Cli(terminal);
  try {
    const program = await buildProgram(argv, cli);
    await program.parseAsync(argv, { from: 'user' });
    return cli.exitCode;
  } catch (error) {
    // Help and the version come as errors, too.
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    const failure = describeFailure(error);
    // Commander has shown the help of a group that was called without a command.
    if (error instanceof CommanderError && error.code === 'commander.help') return failure.exitCode;
    // Before the command line is understood its flags are not, so the words themselves are asked.
    if (cli.json || argv.includes('--json')) {
      const { code, message, field } = failure;
      terminal.stderr.write(`${JSON.stringify({ error: { code, message, field } })}\n`);
    } else {
      terminal.stderr.write(`taskmesh: ${failure.message} (${failure.code})\n`);
    }
    return failure.exitCode;
  } finally {
    await cli.close();
  }
}
