import { readFile } from 'node:fs/promises';
import type { Terminal } from './cli.ts';
import { usageFailure } from './failures.ts';

/**
 * A text that is given on the command line, in a file, or on stdin (`-`).
 * @returns undefined when neither was given
 */
export async function givenText(
  options: { text: string | undefined; file: string | undefined; flag: string },
  terminal: Terminal,
): Promise<string | undefined> {
  const { text, file, flag } = options;
  if (text !== undefined && file !== undefined) {
    throw usageFailure(`--${flag} and --${flag}-file say the same thing twice. Give one.`, flag);
  }
  if (file === undefined) return text;
  return textOfFile(file, `${flag}-file`, terminal);
}

/** The text of a file, or of stdin for `-`, that the option `--flag` names. */
export async function textOfFile(file: string, flag: string, terminal: Terminal): Promise<string> {
  // Stdin is read only when asked for: a script may be coming in on it.
  if (file === '-') return readAll(terminal.stdin);
  return readFile(file, 'utf8').catch((error: Error) => {
    const field = flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    throw usageFailure(`The file of --${flag} cannot be read: ${error.message}`, field);
  });
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
