import { readFile } from 'node:fs/promises';
import { execa } from 'execa';
import { DomainError } from '../platform/errors.ts';
import type { GitUser } from './git/user.ts';

/**
 * Whom agents run as, and git in their working copies, where that is not the daemon's own user: see ADR 15. Of the groups
 * it has only its own one: what it may do as a member of others (`docker`, say) is not the agents'.
 */
export interface AgentUser extends GitUser {
  readonly name: string;
  readonly home: string;
  readonly shell: string;
}

/** Never begins with a digit or a dash: `getent` takes numbers as ids. */
const NAME = /^[a-z_][\w.@-]{0,63}\$?$/i;

/**
 * Finds the user of that name on this machine.
 * @throws DomainError when the daemon is not root, so that it could not become that user, or there is no use in it
 */
export async function findAgentUser(name: string): Promise<AgentUser> {
  if (process.platform !== 'linux')
    throw refusal('A user of their own for agents is there on Linux only. Leave --agent-user out.');
  if (process.getuid?.() !== 0) {
    throw refusal(
      `Only a daemon started as root can run agents as ${name}, and this one is not root. Start it as root, or leave --agent-user out: agents then run as the daemon's own user.`,
    );
  }
  const entry = NAME.test(name) ? await passwdEntry(name) : undefined;
  if (!entry) {
    throw refusal(
      `There is no user ${name} on this machine. Make one, for instance: useradd --create-home ${NAME.test(name) ? name : 'taskmesh-agent'}`,
    );
  }
  const [, , uid, gid, , home = '/', shell = ''] = entry.split(':');
  const user = { name, uid: Number(uid), gid: Number(gid), home, shell: shell || '/bin/sh' };
  if (user.uid === 0 || user.gid === 0) {
    throw refusal(
      `The user ${name} is root or in root's group, from whom nothing can be kept. Name an ordinary user.`,
    );
  }
  return user;
}

/** What of the daemon's environment its agents inherit, as that user would have it. */
export function environmentOf(
  user: AgentUser,
  inherited: Readonly<Record<string, string>>,
): Record<string, string> {
  // The daemon's own may be a directory that only root can write to.
  const { TMPDIR: _, ...env } = inherited;
  return { ...env, HOME: user.home, USER: user.name, LOGNAME: user.name, SHELL: user.shell };
}

function refusal(message: string): DomainError {
  return new DomainError('INVALID_INPUT', message, { field: 'agentUser' });
}

/** By `getent`, which also knows users that a directory service has; where there is none, from the file. */
async function passwdEntry(name: string): Promise<string | undefined> {
  const asked = await execa('getent', ['passwd', name], { reject: false });
  const text = asked.code === 'ENOENT' ? await readFile('/etc/passwd', 'utf8') : asked.stdout;
  return text.split('\n').find((line) => line.startsWith(`${name}:`));
}
