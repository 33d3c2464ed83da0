import type { Stats } from 'node:fs';

/** Whom a command runs as; needs a daemon started as root. Left out: the daemon's own user. */
export interface GitUser {
  readonly uid: number;
  readonly gid: number;
}

const BITS = { read: 4, write: 2, enter: 1 } as const;

/**
 * Whether that user, who is in no group but its own, may do this to what was looked at. Of a file that root has opened it
 * says whether the user could have opened it.
 */
export function permits(
  { uid, gid, mode }: Pick<Stats, 'uid' | 'gid' | 'mode'>,
  user: GitUser,
  what: keyof typeof BITS,
): boolean {
  const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0;
  return ((mode >> shift) & BITS[what]) !== 0;
}

/** The two numbers, as options of a program that is started. */
export function startedAs(user: GitUser | null | undefined): { uid?: number; gid?: number } {
  return user ? { uid: user.uid, gid: user.gid } : {};
}
