import { DomainError } from '../platform/errors.ts';
import type { Id } from '../platform/ids.ts';
import { isTask, type Principal } from '../platform/principal.ts';

/**
 * Who may do what. One action per kind of operation; the services call `authorize` with it before anything else, and
 * `authorizeContract` for the contract they then find.
 *
 * own        what only the person may do: contracts, keys, answers, daemons
 * supervise  spawning, merging, asking, completing: the owner, or the contract's supervisor
 * ask        asking a person: as supervise, and a daemon in the name of its agents
 * read       the contract's tree, documents, output, checkpoints, diffs
 * inspect    diffs and files of working copies
 * notify     warning the supervisor, as the red team does
 * attend     a task about itself: its inbox, its end
 * report     a daemon about its commands and tasks
 */
export const ACTIONS = ['own', 'supervise', 'ask', 'read', 'inspect', 'notify', 'attend', 'report'] as const;
export type Action = (typeof ACTIONS)[number];

const ALLOWED: Record<Principal['kind'], Record<Action, boolean>> = {
  USER: {
    own: true,
    supervise: true,
    ask: true,
    read: true,
    inspect: true,
    notify: false,
    attend: false,
    report: false,
  },
  SUPERVISOR: {
    own: false,
    supervise: true,
    ask: true,
    read: true,
    inspect: true,
    notify: false,
    attend: true,
    report: false,
  },
  WORK: {
    own: false,
    supervise: false,
    ask: false,
    read: true,
    inspect: false,
    notify: false,
    attend: true,
    report: false,
  },
  RED_TEAM: {
    own: false,
    supervise: false,
    ask: false,
    read: true,
    inspect: true,
    notify: true,
    attend: true,
    report: false,
  },
  DAEMON: {
    own: false,
    supervise: false,
    ask: true,
    read: false,
    inspect: false,
    notify: false,
    attend: false,
    report: true,
  },
};

const WHO: Record<Action, string> = {
  own: 'the owner, with a user key',
  supervise: 'the owner or the supervisor of the contract',
  ask: 'the owner, the supervisor of the contract and a daemon for its agents',
  read: 'the owner and the tasks of the contract',
  inspect: 'the owner, the supervisor and the red team of the contract',
  notify: 'the red team of the contract',
  attend: 'a task, with its tool key',
  report: 'a daemon, with its key',
};

/** @throws DomainError NOT_SUPERVISOR for a task that is none, else FORBIDDEN */
export function authorize(principal: Principal, action: Action): void {
  if (ALLOWED[principal.kind][action]) return;
  const isSupervision = action === 'supervise' || action === 'ask';
  const code = isSupervision && isTask(principal) ? 'NOT_SUPERVISOR' : 'FORBIDDEN';
  throw new DomainError(
    code,
    `Only ${WHO[action]} may do this, and this key is that of a ${describe(principal)}.`,
  );
}

/** A task acts in its own contract only. @throws DomainError CONTRACT_MISMATCH */
export function authorizeContract(principal: Principal, contractId: Id<'contract'>): void {
  if (!isTask(principal) || principal.contractId === contractId) return;
  throw new DomainError(
    'CONTRACT_MISMATCH',
    `This tool key belongs to a task of ${principal.contractId} and cannot act in another contract.`,
  );
}

function describe(principal: Principal): string {
  return CALLERS[principal.kind];
}

const CALLERS: Readonly<Record<Principal['kind'], string>> = {
  USER: 'person',
  SUPERVISOR: 'supervisor',
  WORK: 'work task',
  RED_TEAM: 'red team',
  DAEMON: 'daemon',
};
