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
  readonly command: string;
  /** Asked once before, of a process that ended without having answered. */
  readonly isSecond?: boolean;
  readonly resolve: (answer: (Found & { body: Buffer }) | null) => void;
  readonly reject: (error: unknown) => void;
}

const readers = new Map<string, Reader>();

/** The object that a revision (`refs/…^{commit}`, `ID^{tree}`) of a mirror leads to, null when there is none. */
export async function lookUp(mirrorDir: string, rev: string): Promise<Found | null> {
  return ask(mirrorDir, `info ${rev}`);
}

/** An object of a mirror with its bytes, null when there is none. It is held in memory: meant for commits. */
export async function readObject(mirrorDir: string, id: string): Promise<(Found & { body: Buffer }) | null> {
  return ask(mirrorDir, `contents ${id}`);
}

/** Ends what has packs open of the mirror, or of the mirrors below a directory: before they are replaced, and after. */
export function forgetLookups(directory: string): void {
  for (const [mirrorDir, reader] of readers)
    if (mirrorDir === directory || mirrorDir.startsWith(`${directory}${sep}`)) reader.stop();
}

async function ask(mirrorDir: string, command: string): Promise<(Found & { body: Buffer }) | null> {
  if (command.includes('\n')) throw new GitError(`git cat-file: ${command}`, null, 'a line break in a name');
  return new Promise((resolve, reject) => {
    readerOf(mirrorDir).ask({ command, resolve, reject });
  });
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
  #received: Buffer[] = [];
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
    this.#questions.write(`${question.command}\n`);
    this.#wait();
  }

  /** It takes no further question, answers those it has, and ends. */
  stop(): void {
    this.#forget();
    this.#questions.end();
  }

  #listen(answers: Readable): void {
    answers.on('data', (bytes: Buffer) => {
      this.#received.push(bytes);
      let next: { answer: (Found & { body: Buffer }) | null; rest: Buffer } | null;
      while ((next = takeAnswer(Buffer.concat(this.#received), this.#waiting[0]?.command ?? ''))) {
        this.#received = next.rest.length > 0 ? [next.rest] : [];
        this.#waiting.shift()?.resolve(next.answer);
      }
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
    const command = `git cat-file: ${current.command}`;
    if (this.#hasTimedOut) current.reject(new GitTimeoutError(command, ANSWER_TIMEOUT_MS));
    // What makes git give up cannot be read, as where there is nothing.
    else if (exitCode === 128) current.resolve(null);
    else if (current.isSecond)
      current.reject(new GitError(command, exitCode, 'ended before it had answered'));
    else others.unshift({ ...current, isSecond: true });
    for (const question of others) readerOf(this.#mirrorDir).ask(question);
  }
}

/** `ID TYPE SIZE`, with `contents` the bytes and a line break after it, or `NAME missing`. @returns null: not all is there yet */
function takeAnswer(
  received: Buffer,
  command: string,
): { answer: (Found & { body: Buffer }) | null; rest: Buffer } | null {
  const end = received.indexOf('\n');
  if (end === -1) return null;
  const [id = '', type = '', size = ''] = received.subarray(0, end).toString('utf8').split(' ');
  const rest = received.subarray(end + 1);
  if (!/^\d+$/.test(size)) return { answer: null, rest };
  if (!command.startsWith('contents ')) return { answer: { id, type, body: Buffer.alloc(0) }, rest };
  const length = Number(size);
  if (rest.length < length + 1) return null;
  return { answer: { id, type, body: rest.subarray(0, length) }, rest: rest.subarray(length + 1) };
}
