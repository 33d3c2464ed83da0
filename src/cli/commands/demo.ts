import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { teach, wholeNumber } from '../help.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Shows a contract from start to end on this machine, within a minute and without any key or account: a server, a\n' +
      'daemon, a supervisor that spawns three tasks, asks you a question and merges what they did. Everything is in a\n' +
      'temporary directory, removed at the end. At a terminal the server then goes on until Ctrl-C.',
    examples: [
      'PATH',
      'PATH --repo ~/code/app      # on a repository of yours: it gets a new branch, nothing else',
      'PATH --answer "merge both"',
    ],
    exits: { 0: 'it went as it should', 1: 'it did not, with the reason, or was stopped' },
  })
    .option('--repo <path>', 'a git repository of yours (default: a small one made for the demo)')
    .option(
      '--port <port>',
      'port of the server; the next free one when it is taken',
      wholeNumber(1, 65_535),
      4000,
    )
    .option('--answer <choice>', 'answer to the question, instead of asking you')
    .action(async (options: { repo?: string; port: number; answer?: string }) => {
      const { playDemo } = await import('../demo/story.ts');
      await playDemo(cli, options);
    });
}
