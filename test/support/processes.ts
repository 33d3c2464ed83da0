import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './api.ts';
import { onEnd } from './cleanup.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ENTRY = join(ROOT, 'bin/taskmesh.js');

/** How long a program has to end in order. Milliseconds. */
const STOP_MS = 8_000;

/** A program of ours as a real process. What it printed is shown when something fails. */
export class Program {
  readonly child: ChildProcess;
  readonly name: string;
  output = '';

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.name = args.join(' ');
    this.child = spawn(process.execPath, [ENTRY, ...args], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    onEnd(() => this.stop());
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Waits until it has printed something that matches. @returns the match */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return eventually(() => {
      const match = pattern.exec(this.output);
      if (!match && !this.running) throw new Error(`${this.name} ended:\n${this.output}`);
      return match;
    }, 30_000).catch((error: unknown) => {
      throw new Error(`${this.name} did not print ${pattern}:\n${this.output.slice(-4_000)}`, {
        cause: error,
      });
    });
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.running) return;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    const cut = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(cut);
  }
}

/** A directory that is removed at the end of the test file. */
export function temporaryDirectory(): string {
  // A space in the path, as in many a home directory: what does not quote breaks here.
  const directory = mkdtempSync(join(tmpdir(), 'taskmesh test-'));
  onEnd(() => {
    endAgentsIn(directory);
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

/** The agents of a daemon that was killed, as with its machine, go on: here there is no machine that ends with it. */
function endAgentsIn(directory: string): void {
  if (!existsSync('/proc/self/cwd')) return;
  for (const pid of readdirSync('/proc').map(Number).filter(Number.isInteger)) {
    try {
      if (readlinkSync(`/proc/${pid}/cwd`).startsWith(`${directory}/`)) process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone, or somebody else's.
    }
  }
}

/** Runs git for the test itself, free of the machine's configuration. */
export function git(directory: string, ...args: string[]): string {
  return execFileSync('git', args, {
    cwd: directory,
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      HOME: '/nonexistent',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'Person',
      GIT_AUTHOR_EMAIL: 'person@example.com',
      GIT_COMMITTER_NAME: 'Person',
      GIT_COMMITTER_EMAIL: 'person@example.com',
    },
  }).trim();
}

/** A git repository with some history. */
export function repository(
  directory: string,
  files: Record<string, string> = { 'README.md': '# One\n', 'src/a.txt': 'a\n' },
): string {
  const path = join(directory, 'repository');
  mkdirSync(path, { recursive: true });
  git(path, 'init', '-q', '-b', 'main');
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(path, name, '..'), { recursive: true });
    writeFileSync(join(path, name), content);
    git(path, 'add', '-A');
    git(path, 'commit', '-q', '-m', `Add ${name}`);
  }
  return path;
}
