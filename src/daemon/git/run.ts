import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import { GitError, GitTimeoutError } from './errors.ts';
import { type GitUser, startedAs } from './user.ts';

/*
 * The only place that starts git. The environment is made from nothing: no configuration of a person or of the
 * machine takes part, no prompt appears, no replace ref rewrites history, no missing object is fetched on the side,
 * and no transport works unless the call asks for `network`.
 */

/** What a remote needs to let the daemon in: environment variables and `key=value` git configuration. */
export interface Credentials {
  env: Record<string, string>;
  config: readonly string[];
}

export interface GitOptions {
  /** Directory the command starts in; default `/`, so that no repository is found by accident. */
  cwd?: string | undefined;
  gitDir?: string | undefined;
  workTree?: string | undefined;
  indexFile?: string | undefined;
  input?: string | Uint8Array | undefined;
  /** Milliseconds; then the process group is killed. Default 120,000. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
  user?: GitUser | undefined;
  /** Most bytes of output kept, default 64 MiB; beyond it the command is stopped and fails, or is cut by `truncate`. */
  maxBytes?: number | undefined;
  /** With this, output beyond `maxBytes` is no failure: it is cut and `truncated` is true. */
  truncate?: boolean | undefined;
  /** Exit codes that are an answer, default `[0]`. */
  okCodes?: readonly number[] | undefined;
  env?: Record<string, string> | undefined;
  /** Allows https, http, ssh, git and file transports, which are all off otherwise. */
  network?: boolean | undefined;
  credentials?: Credentials | undefined;
}

export interface GitResult<Output> {
  code: number;
  stdout: Output;
  stderr: string;
  truncated: boolean;
}

/** One git command: its arguments and options. */
export interface GitCall {
  args: readonly string[];
  options: GitOptions;
}

const DEFAULT_TIMEOUT_MS = 120_000;
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const STDERR_TAIL = 4000;
const STANDARD_CONFIG = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.protectHFS=true',
  'core.protectNTFS=true',
  'gc.auto=0',
  'maintenance.auto=false',
  'advice.addEmbeddedRepo=false',
].flatMap((setting) => ['-c', setting]);

/**
 * Runs git and gives its output as text.
 * @param args literals of this folder, and names that went through names.ts
 * @throws GitError when it ends with a code outside `okCodes`, or writes more than `maxBytes`
 * @throws GitTimeoutError when its time is up
 * @throws the signal's reason when aborted
 */
export async function git(args: readonly string[], options: GitOptions = {}): Promise<GitResult<string>> {
  const result = await gitBytes(args, options);
  return { ...result, stdout: result.stdout.toString('utf8') };
}

/** As `git`, with the output as bytes. */
export async function gitBytes(
  args: readonly string[],
  options: GitOptions = {},
): Promise<GitResult<Buffer>> {
  const running = start({ args, options }, options.input ?? '');
  return running.finish();
}

/**
 * Streams what one git command writes into another, without keeping it in memory.
 * @throws as `git`; when both fail, the failure of the first
 */
export async function gitPipe(from: GitCall, to: GitCall): Promise<void> {
  const source = start(from, from.options.input ?? '', true);
  const sink = start(to, undefined);
  const moving =
    source.child.stdout && sink.child.stdin
      ? pipeline(source.child.stdout, sink.child.stdin)
      : Promise.resolve();
  const [, first, second] = await Promise.allSettled([moving, source.finish(), sink.finish()]);
  // A source that lost its reader dies of the broken pipe: the reader's own words say more.
  if (second.status === 'rejected' && first.status === 'rejected' && isBrokenPipe(first.reason))
    throw second.reason;
  if (first.status === 'rejected') throw first.reason;
  if (second.status === 'rejected') throw second.reason;
}

/** Streams bytes into a git command, which knows their end by itself. @throws as `git`, and what the source throws */
export async function gitFeed(source: AsyncIterable<Uint8Array>, call: GitCall): Promise<void> {
  const sink = start(call, undefined);
  const moving = sink.child.stdin ? pipeline(source, sink.child.stdin) : Promise.resolve();
  const [moved, ended] = await Promise.allSettled([moving, sink.finish()]);
  if (ended.status === 'rejected') throw ended.reason;
  // A reader that had all it wanted is gone before its stdin is closed; what it lacked it would have said.
  if (moved.status === 'rejected' && !isReaderGone(moved.reason)) throw moved.reason;
}

/** A git command that answers on its stdout what it is asked on its stdin, until that is ended. */
export interface GitServer {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Ends it with whatever it does. */
  kill(): void;
  /** Its exit code, null when it was killed or did not start; never rejects. */
  readonly ended: Promise<number | null>;
}

/** Starts one. How long it may take for an answer is for the caller to watch. */
export function gitServer(args: readonly string[], options: Pick<GitOptions, 'gitDir'>): GitServer {
  const child = execa('git', [...STANDARD_CONFIG, ...args], {
    ...always(options),
    stdin: 'pipe',
    stderr: 'ignore',
    buffer: false,
  });
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    kill: () => void child.kill('SIGKILL'),
    ended: child.then((result) => result.exitCode ?? null),
  };
}

function isReaderGone(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'EPIPE';
}

/** The text without user names and passwords of URLs. */
export function withoutSecrets(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, '$1***@');
}

function isBrokenPipe(error: unknown): boolean {
  return (
    error instanceof GitError && (error.exitCode === null || /broken pipe|write error/i.test(error.stderr))
  );
}

function start(call: GitCall, input: string | Uint8Array | undefined, streamed = false) {
  const { args, options } = call;
  options.signal?.throwIfAborted();
  const command = withoutSecrets(`git ${args.join(' ')}`).slice(0, 500);
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const child = execa('git', [...STANDARD_CONFIG, ...args], {
    ...always(options),
    maxBuffer: { stdout: options.maxBytes ?? DEFAULT_MAX_BYTES, stderr: 1024 * 1024 },
    buffer: { stdout: !streamed, stderr: true },
    ...(input === undefined ? { stdin: 'pipe' as const } : { input }),
    ...startedAs(options.user),
  });
  let ended: 'timeout' | 'abort' | undefined;
  const kill = (why: 'timeout' | 'abort') => {
    ended ??= why;
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // Already gone.
    }
    // Somebody who left the group may still hold the pipes open; do not wait for them.
    setTimeout(() => {
      child.stdin?.destroy();
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, 1000).unref();
  };
  const timer = setTimeout(() => kill('timeout'), timeoutMs);
  const onAbort = () => kill('abort');
  options.signal?.addEventListener('abort', onAbort, { once: true });

  const finish = async (): Promise<GitResult<Buffer>> => {
    try {
      const result = await child;
      if (ended === 'timeout') throw new GitTimeoutError(command, timeoutMs);
      if (ended === 'abort') throw options.signal?.reason;
      const stderr = withoutSecrets(Buffer.from(result.stderr ?? []).toString('utf8'));
      const stdout = Buffer.from(result.stdout ?? []);
      if (result.isMaxBuffer && options.truncate) return { code: 0, stdout, stderr, truncated: true };
      if (result.isMaxBuffer) throw new GitError(command, null, 'wrote more than is allowed');
      const code = result.exitCode;
      if (code === undefined)
        throw new GitError(command, null, stderr.slice(-STDERR_TAIL) || (result.shortMessage ?? ''));
      if (!(options.okCodes ?? [0]).includes(code))
        throw new GitError(command, code, stderr.slice(-STDERR_TAIL));
      return { code, stdout, stderr, truncated: false };
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
    }
  };
  return { child, finish };
}

/** How every git is started. */
function always(options: GitOptions) {
  return {
    cwd: options.cwd ?? '/',
    env: environment(options),
    extendEnv: false,
    // A group of its own, so that a timeout ends git's helpers (ssh, remote-https, pack-objects) with it.
    detached: true,
    reject: false,
    encoding: 'buffer',
    stripFinalNewline: false,
  } as const;
}

function environment(options: GitOptions): Record<string, string> {
  const env: Record<string, string> = {
    PATH: '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin',
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_OPTIONAL_LOCKS: '0',
    // A file name is a file name, also when it looks like `:(glob)`.
    GIT_LITERAL_PATHSPECS: '1',
    GIT_ALLOW_PROTOCOL: options.network ? 'file:git:http:https:ssh' : 'none',
    GIT_SSH_COMMAND: 'ssh -oBatchMode=yes',
    ...options.env,
    ...options.credentials?.env,
  };
  if (options.gitDir !== undefined) env.GIT_DIR = options.gitDir;
  if (options.workTree !== undefined) env.GIT_WORK_TREE = options.workTree;
  if (options.indexFile !== undefined) env.GIT_INDEX_FILE = options.indexFile;
  // By the environment and not as arguments: a token in an argument is in every process list.
  const config = options.credentials?.config ?? [];
  if (config.length > 0) env.GIT_CONFIG_COUNT = String(config.length);
  for (const [index, setting] of config.entries()) {
    const [key = '', ...value] = setting.split('=');
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value.join('=');
  }
  return env;
}
