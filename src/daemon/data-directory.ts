import { chmod, chown, lstat, mkdir, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { DomainError } from '../platform/errors.ts';
import type { AgentUser } from './agent-user.ts';
import { type DataPaths, writeJson } from './files.ts';
import { type GitUser, permits } from './git/user.ts';
import type { DaemonOptions } from './options.ts';

/*
 * Who may do what in the data directory of a daemon whose agents have a user of their own:
 *
 *   the directory itself        root's; the agents' group may pass through it, not look into it
 *   bin, plans, scratch         root's; may be passed through. What in them is for an agent is its user's
 *   worktrees                   root's; may be passed through. A working copy and its stage are the agents' user's
 *   mirrors                     root's; may be passed through. A mirror may be read: a working copy borrows its objects
 *   journal, runs, spool, uploads, and all else    root's alone
 *
 * What the agents' user owns is never written by root, but through the handle of a directory that was looked at.
 */

export type DataDirectory = Pick<DaemonOptions, 'dataDir' | 'cliPath' | 'keyFile'> & {
  readonly paths: DataPaths;
};

const PASSABLE = ['mirrors', 'worktrees', 'plans', 'scratch'] as const;
const PRIVATE = ['runs', 'spool', 'uploads'] as const;

const markSchema = z.object({ name: z.string(), uid: z.number().int(), gid: z.number().int() });

/**
 * Makes the data directory what it is to be for these agents. To be called under its lock, before any agent runs.
 * @throws DomainError when agents could not work there, or could do what they must not
 */
export async function prepareDataDirectory(directory: DataDirectory, user: AgentUser | null): Promise<void> {
  const { dataDir, paths } = directory;
  const marked = await markOf(dataDir);
  if (marked && marked.uid !== user?.uid) {
    throw refusal(
      `The working copies in ${dataDir} belong to ${marked.name}, as whom agents ran there until now. Start the daemon with --agent-user ${marked.name}, or with another --data-dir.`,
    );
  }
  if (!user) {
    // Where the data directory was made by somebody else, others on this machine may look into it.
    for (const name of [...PASSABLE, ...PRIVATE]) await mkdir(paths[name], { recursive: true, mode: 0o700 });
    return;
  }
  await checkWays(directory, user);
  // What others may not see is made so explicitly; the rest must not depend on who started the daemon.
  process.umask(0o022);
  await chown(dataDir, 0, user.gid);
  await chmod(dataDir, 0o710);
  await open(join(dataDir, 'bin'), 0o755);
  for (const name of PASSABLE) await open(paths[name], 0o711);
  for (const name of PRIVATE) await open(paths[name], 0o700);
  if (marked) return;
  await handOver(paths, user);
  const { name, uid, gid } = user;
  await writeJson(markFile(dataDir), { name, uid, gid } satisfies z.infer<typeof markSchema>);
}

/** Whose the working copies in a data directory are; undefined: of the daemon's own user. */
export async function markOf(dataDir: string): Promise<(GitUser & { readonly name: string }) | undefined> {
  const text = await readFile(markFile(dataDir), 'utf8').catch(() => null);
  return text === null ? undefined : markSchema.parse(JSON.parse(text));
}

function markFile(dataDir: string): string {
  return join(dataDir, 'agent-user.json');
}

async function open(dir: string, mode: number): Promise<void> {
  await mkdir(dir, { recursive: true, mode });
  await chmod(dir, mode);
}

/** Gives away what a daemon without a user for its agents has made. Root alone has written there until now. */
async function handOver(paths: DataPaths, user: GitUser): Promise<void> {
  await execa('chmod', ['-R', 'go+rX', paths.mirrors]);
  await chmod(paths.mirrors, 0o711);
  const given: string[] = [];
  for (const id of await readdir(paths.worktrees)) {
    const dir = join(paths.worktrees, id);
    await chmod(dir, 0o711);
    for (const name of await readdir(dir)) if (name !== 'worktree.json') given.push(join(dir, name));
  }
  for (const name of await readdir(paths.scratch)) given.push(join(paths.scratch, name));
  for (const path of given)
    if ((await lstat(path)).uid === 0) await execa('chown', ['-hR', `${user.uid}:${user.gid}`, path]);
}

/** What agents need they can reach, what decides over them they cannot change, and the daemon's key they cannot read. */
async function checkWays({ dataDir, cliPath, keyFile }: DataDirectory, user: AgentUser): Promise<void> {
  const data = await realpath(dataDir);
  const advice = 'Name a directory such as /var/lib/taskmesh with --data-dir.';
  await checkParents(data, user, advice);
  if ((await stat(data)).uid !== 0) throw refusal(`${dataDir} does not belong to root. ${advice}`);
  for (const path of [cliPath.execPath, cliPath.entry]) {
    const real = await realpath(path).catch(() => path);
    await checkParents(real, user, 'Install Node.js and Taskmesh where all users can reach them.');
    const found = await stat(real).catch(() => null);
    if (!found || !permits(found, user, 'read'))
      throw refusal(`${user.name} cannot read ${path}, which agents need as their taskmesh command.`);
    if (isTheirs(found, user))
      throw refusal(`${user.name} could change ${path}, which root runs. Give it to root.`);
  }
  const key = keyFile === undefined ? null : await stat(keyFile).catch(() => null);
  if (key && permits(key, user, 'read'))
    throw refusal(`${user.name} can read the daemon's key. Run: chmod 600 ${keyFile}; chown root ${keyFile}`);
}

async function checkParents(path: string, user: AgentUser, advice: string): Promise<void> {
  for (let dir = dirname(path); ; dir = dirname(dir)) {
    const found = await stat(dir).catch(() => null);
    if (!found || !permits(found, user, 'enter'))
      throw refusal(`${user.name} cannot reach ${path}: ${dir} is closed to that user. ${advice}`);
    // In a directory like /tmp only who owns something may put another in its place.
    if (isTheirs(found, user) && (found.uid === user.uid || !(found.mode & 0o1000)))
      throw refusal(`${user.name} could put something else in the place of ${path}, in ${dir}. ${advice}`);
    if (dir === dirname(dir)) return;
  }
}

/** Whether the user may write to it, now or after changing its mode. */
function isTheirs(found: { uid: number; gid: number; mode: number }, user: GitUser): boolean {
  return found.uid === user.uid || permits(found, user, 'write');
}

function refusal(message: string): DomainError {
  return new DomainError('INVALID_INPUT', message, { field: 'agentUser' });
}
