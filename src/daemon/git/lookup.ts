import { sep } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { GitError, GitTimeoutError } from './errors.ts';
import { gitServer } from './run.ts';

/*
 * What is asked about objects and refs of a mirror, a dozen times for one checkpoint, is asked of one git process for each
 * mirror, which ends when it has had nothing to do for a moment. To start a process takes longer than any of the answers.
 * Only of mirrors: they are the daemon's own, no agent can make git read something else there.
 */

const IDLE_MS = 2000;
const ANSWER_TIMEOUT_MS = 120_000;

/** What git says of an object. */
export interface Found {
  readonly id: string;
  readonly type: string;
}

interface Question {
  readonly rev: string;
  /** Asked once before, of a process that ended without having answered. */
  readonly isSecond?: boolean;
  readonly resolve: (answer: Found | null) => void;
  readonly reject: (error: unknown) => void;
}

const readers = new Map<string, Reader>();

/** The object that a revision (`refs/…^{commit}`, `ID^{tree}`, `ID^1`) of a mirror leads to, null when there is none. */
export async function lookUp(mirrorDir: string, rev: string): Promise<Found | null> {
  if (rev.includes('\n')) throw new GitError(`git cat-file: ${rev}`, null, 'a line break in a name');
  return new Promise((resolve, reject) => {
    readerOf(mirrorDir).ask({ rev, resolve, reject });
  });
}

/** Ends what has packs open of the mirror, or of the mirrors below a directory: before they are replaced, and after. */
export function forgetLookups(directory: string): void {
  for (const [mirrorDir, reader] of readers)
    if (mirrorDir === directory || mirrorDir.startsWith(`${directory}${sep}`)) reader.stop();
}

function readerOf(mirrorDir: string): Reader {
  const known = readers.get(mirrorDir);
  if (known) return known;
  const reader = new Reader(mirrorDir, () => {
    if (readers.get(mirrorDir) === reader) readers.delete(mirrorDir);
  });
  readers.set(mirrorDir, reader);
  return reader;
}

/** One `git cat-file --batch-command`: it answers in the order of the questions, each at once. */
class Reader {
  readonly #mirrorDir: string;
  readonly #questions: Writable;
  readonly #kill: () => void;
  readonly #forget: () => void;
  readonly #waiting: Question[] = [];
  #received = '';
  #timer: NodeJS.Timeout | undefined;
  #hasTimedOut = false;

  constructor(mirrorDir: string, forget: () => void) {
    this.#mirrorDir = mirrorDir;
    this.#forget = forget;
    const server = gitServer(['cat-file', '--batch-command'], { gitDir: mirrorDir });
    this.#questions = server.stdin;
    this.#kill = server.kill;
    this.#listen(server.stdout);
    void server.ended.then((exitCode) => this.#ended(exitCode));
  }

  ask(question: Question): void {
    this.#waiting.push(question);
    this.#questions.write(`info ${question.rev}\n`);
    // Further questions do not put off what an answer that does not come leads to.
    if (this.#waiting.length === 1) this.#wait();
  }

  /** It takes no further question, answers those it has, and ends. */
  stop(): void {
    this.#forget();
    this.#questions.end();
  }

  #listen(answers: Readable): void {
    answers.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.#received + text).split('\n');
      this.#received = lines.pop() ?? '';
      for (const line of lines) this.#waiting.shift()?.resolve(foundIn(line));
      this.#wait();
    });
    // Its end says what there is to say.
    answers.on('error', () => undefined);
    this.#questions.on('error', () => undefined);
  }

  #wait(): void {
    clearTimeout(this.#timer);
    this.#timer =
      this.#waiting.length === 0
        ? setTimeout(() => this.stop(), IDLE_MS)
        : setTimeout(() => {
            this.#hasTimedOut = true;
            this.#forget();
            this.#kill();
          }, ANSWER_TIMEOUT_MS);
  }

  #ended(exitCode: number | null): void {
    this.#forget();
    clearTimeout(this.#timer);
    const [current, ...others] = this.#waiting.splice(0);
    if (!current) return;
    const command = `git cat-file: ${current.rev}`;
    if (this.#hasTimedOut) current.reject(new GitTimeoutError(command, ANSWER_TIMEOUT_MS));
    // What makes git give up cannot be read, as where there is nothing.
    else if (exitCode === 128) current.resolve(null);
    else if (current.isSecond)
      current.reject(new GitError(command, exitCode, 'ended before it had answered'));
    else others.unshift({ ...current, isSecond: true });
    for (const question of others) readerOf(this.#mirrorDir).ask(question);
  }
}

/** Of `ID TYPE SIZE`; it is `NAME missing`, or `NAME ambiguous`, where there is none. */
function foundIn(line: string): Found | null {
  const [, id, type] = /^([0-9a-f]+) (\w+) \d+$/.exec(line) ?? [];
  return id === undefined || type === undefined ? null : { id, type };
}
