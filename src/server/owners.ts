import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { issueKey } from '../keys/key.service.ts';
import { Owner } from '../keys/owner.entity.ts';
import { createOwner } from '../keys/owners.ts';
import type { Runtime } from '../platform/runtime.ts';
import { transact } from '../platform/transaction.ts';

/**
 * On an empty database: makes an owner and a user key, and saves the key where the local CLI finds it.
 * @returns the key, this once; null when there is an owner already
 */
export async function createFirstOwner(runtime: Runtime, dataDir: string): Promise<string | null> {
  return transact(runtime, async (tx) => {
    // Two instances that start on the same empty database must not both find it empty.
    if (!runtime.db.embedded) await tx.em.execute('lock table owner in exclusive mode');
    if ((await tx.em.count(Owner)) > 0) return null;
    const owner = await createOwner(tx, 'Owner');
    const key = issueKey(tx, { kind: 'USER', name: 'first', ownerId: owner.id });
    // Before the commit: of a start that is killed in between there is a key of nothing, and the next one makes another.
    saveKey(dataDir, key);
    return key;
  });
}

/** Readable by this user only: whoever has the key may do everything. */
export function saveKey(dataDir: string, key: string): void {
  writeFileSync(join(dataDir, 'key'), `${key}\n`, { mode: 0o600 });
}
