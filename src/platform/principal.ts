import type { Id } from './ids.ts';

/**
 * Who is calling, as proved by a key or by a token of the identity provider. `keyId` is the credential: limits count by
 * it, and by it are found the sockets to close when it is revoked.
 */
export type Principal = UserPrincipal | TaskPrincipal | DaemonPrincipal;

interface Holder {
  readonly ownerId: Id<'owner'>;
  readonly keyId: Id<'key'> | Id<'identity'>;
  readonly keyName: string;
}

/** A person. One who came with a token has `identity_…` as `keyId` and the token's subject as `keyName`. */
export interface UserPrincipal extends Holder {
  readonly kind: 'USER';
}

/** An agent by the tool key of one attempt of its task. */
export interface TaskPrincipal extends Holder {
  readonly kind: 'SUPERVISOR' | 'WORK' | 'RED_TEAM';
  readonly taskId: Id<'task'>;
  readonly contractId: Id<'contract'>;
  readonly attempt: number;
}

/** `daemonId` is null until the key's first registration. */
export interface DaemonPrincipal extends Holder {
  readonly kind: 'DAEMON';
  readonly daemonId: Id<'daemon'> | null;
}

export function isTask(principal: Principal): principal is TaskPrincipal {
  return principal.kind !== 'USER' && principal.kind !== 'DAEMON';
}

/** How the log and the history name who did something. */
export function actorName(principal: Principal): string {
  return isTask(principal) ? principal.taskId : `${principal.kind.toLowerCase()}:${principal.keyName}`;
}
