import { createInterface } from 'node:readline/promises';
import type { Cli } from './cli.ts';
import { usageFailure } from './failures.ts';

/**
 * Has a person say yes to something, after they were shown what it is.
 * @returns whether they did
 * @throws CommandFailure when nobody can be asked: then the flag that says yes is needed
 */
export async function confirmed(cli: Cli, question: string): Promise<boolean> {
  const { stdin, stderr } = cli.terminal;
  if (!stdin.isTTY || cli.json)
    throw usageFailure('Nobody can be asked here. Say --yes if you mean it; nothing was done.', 'yes');
  const prompt = createInterface({ input: stdin, output: stderr });
  prompt.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    return /^y(es)?$/i.test((await prompt.question(`${question} [y/N] `)).trim());
  } finally {
    prompt.close();
  }
}
