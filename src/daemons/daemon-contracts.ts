import { sql } from 'kysely';
import { Contract } from '../contracts/contract.entity.ts';
import { kysely } from '../platform/database.ts';
import { invalidInput } from '../platform/errors.ts';
import { fromUuid, parseId, toUuid } from '../platform/ids.ts';
import type { Operation } from '../platform/runtime.ts';
import { callingDaemonId } from './command.service.ts';

const MAX_IDS = 1_000;

/**
 * Of these contracts those in which the calling daemon had a task: what it needs to know to clean up its disk. About all
 * others, also those that are deleted, it is told nothing.
 */
export async function daemonContracts(op: Operation, contractIds: readonly string[]): Promise<Contract[]> {
  const daemonId = callingDaemonId(op);
  if (contractIds.length > MAX_IDS)
    throw invalidInput('contractIds', `At most ${MAX_IDS} contracts are asked about at once.`);
  if (contractIds.length === 0) return [];
  const asked = contractIds.map((id) => toUuid(parseId('contract', id, 'contractIds')));
  const { rows } = await sql<{ id: string }>`
    select distinct t.contract_id as id from task t join task_attempt a on a.task_id = t.id
    where t.contract_id = any(${asked}::uuid[]) and a.daemon_id = ${toUuid(daemonId)}`.execute(kysely(op.em));
  const ids = rows.map(({ id }) => fromUuid('contract', id));
  return op.em.find(
    Contract,
    { id: { $in: ids }, ownerId: op.principal.ownerId },
    { orderBy: { id: 'asc' } },
  );
}
