import { issueKey } from '../keys/key.service.ts';
import { Owner } from '../keys/owner.entity.ts';
import { createOwner } from '../keys/owners.ts';
import type { ServerConfig } from '../platform/config.ts';
import { requiredText } from '../platform/text.ts';
import { transact } from '../platform/transaction.ts';
import { openInstance } from './instance.ts';
import { saveKey } from './owners.ts';

/**
 * Makes a key straight in the database, on the server's machine: for when all keys are lost. A user key is also saved
 * in the data directory. The embedded database must not be in use.
 */
export async function createLocalKey(
  config: ServerConfig,
  input: { kind: 'USER' | 'DAEMON'; name: string; expiresAt?: Date | null },
): Promise<string> {
  const instance = await openInstance({ ...config, logLevel: 'silent' });
  try {
    const key = await transact(instance.runtime, async (tx) => {
      const [first] = await tx.em.find(Owner, {}, { orderBy: { id: 'asc' }, limit: 1 });
      const owner = first ?? (await createOwner(tx, 'Owner'));
      return issueKey(tx, {
        kind: input.kind,
        name: requiredText(input.name, 'name', 100),
        ownerId: owner.id,
        expiresAt: input.expiresAt ?? null,
      });
    });
    if (input.kind === 'USER') saveKey(config.dataDir, key);
    return key;
  } finally {
    await instance.close();
  }
}
