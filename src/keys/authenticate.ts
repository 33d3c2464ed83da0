import { kysely } from '../platform/database.ts';
import { fromUuid } from '../platform/ids.ts';
import type { Principal } from '../platform/principal.ts';
import type { Runtime } from '../platform/runtime.ts';
import { worded } from '../platform/wording.ts';
import { type Authenticated, type Authentication, refused } from './authentication.ts';
import { hasIdentity, identify, looksLikeToken } from './identity-token.ts';
import type { StoredKeyKind } from './key.entity.ts';
import { hashKey, isKey } from './key.service.ts';
import { noteUse } from './last-use.ts';

const HOW = 'Send a valid key as `Authorization: Bearer tmk_…`, over WebSocket in the connectionParams.';

/** Finds out who a key, or a token of the identity provider, belongs to. */
export async function authenticate(runtime: Runtime, credential: string): Promise<Authentication> {
  if (credential === '') return refused('MISSING', `A valid key is needed. ${HOW}`);
  if (isKey(credential)) return authenticateKey(runtime, credential);
  const provider = runtime.identityProvider;
  if (provider && looksLikeToken(credential)) return identify(runtime, provider, credential);
  return refused('UNKNOWN', `This is no key. ${HOW}`);
}

/** Whether what was good before still is: for sockets, which are opened once and used for long. */
export async function recheck(
  runtime: Runtime,
  credential: string,
  before: Authenticated,
): Promise<Authenticated | null> {
  if (!isKey(credential)) return (await hasIdentity(runtime, before.principal)) ? before : null;
  const now = await authenticateKey(runtime, credential);
  return now.principal ? now : null;
}

interface KeyRow {
  id: string;
  owner_id: string;
  kind: StoredKeyKind;
  name: string;
  task_id: string | null;
  attempt: number | null;
  daemon_id: string | null;
  task_attempt: number | null;
  role: 'SUPERVISOR' | 'WORK' | 'RED_TEAM' | null;
  contract_id: string | null;
  expires_at: Date | string | null;
  revoked: boolean;
}

async function authenticateKey(runtime: Runtime, key: string): Promise<Authentication> {
  const { rows } = await worded`
    select k.id, k.owner_id, k.kind, k.name, k.task_id, k.attempt, k.daemon_id, k.expires_at,
           k.revoked_at is not null as revoked, t.attempt as task_attempt, t.role, t.contract_id
    from key k left join task t on t.id = k.task_id
    where k.hash = ${hashKey(key)}`.execute(kysely(runtime.db.statements));
  const [row] = rows as KeyRow[];
  if (!row) return refused('UNKNOWN', `This key is not known here. ${HOW}`);
  const keyId = fromUuid('key', row.id);
  const principal = principalOf(row);
  if (!principal || (row.revoked && row.kind === 'TASK')) {
    return refused(
      'OVER',
      'The attempt that this tool key belongs to is over; it cannot act any more.',
      keyId,
    );
  }
  if (row.revoked) return refused('REVOKED', `This key was revoked. ${HOW}`, keyId);
  const expiresAt = row.expires_at === null ? null : new Date(row.expires_at);
  if (expiresAt && expiresAt <= runtime.clock.now()) {
    return refused('EXPIRED', `This key has expired. Make a new one: \`taskmesh keys create\`.`, keyId);
  }
  // Those of agents live for one attempt, and are many: nobody asks when they were last used.
  if (row.kind !== 'TASK') noteUse(runtime, keyId);
  return { principal, expiresAt };
}

/** null: the attempt of a tool key is over. */
function principalOf(row: KeyRow): Principal | null {
  const keyId = fromUuid('key', row.id);
  const holder = { ownerId: fromUuid('owner', row.owner_id), keyId, keyName: row.name };
  if (row.kind === 'USER') return { kind: 'USER', ...holder };
  if (row.kind === 'DAEMON') {
    return {
      kind: 'DAEMON',
      ...holder,
      daemonId: row.daemon_id === null ? null : fromUuid('daemon', row.daemon_id),
    };
  }
  if (row.task_id === null || row.contract_id === null || row.role === null) return null;
  if (row.attempt === null || row.attempt !== row.task_attempt) return null;
  return {
    kind: row.role,
    ...holder,
    taskId: fromUuid('task', row.task_id),
    contractId: fromUuid('contract', row.contract_id),
    attempt: row.attempt,
  };
}
