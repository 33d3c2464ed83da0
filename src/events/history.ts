import { type Id, newId } from '../platform/ids.ts';
import { actorName } from '../platform/principal.ts';
import type { Operation } from '../platform/runtime.ts';
import type { Transaction } from '../platform/transaction.ts';
import { History } from './history.entity.ts';

export interface HistoryEntry {
  readonly action: string;
  readonly contractId?: Id<'contract'>;
  readonly taskId?: Id<'task'>;
  readonly details?: Record<string, unknown>;
}

/** Records in the owner's audit trail who did what, when and from where. */
export function recordHistory(tx: Transaction, op: Operation, entry: HistoryEntry): void {
  tx.record(History, {
    id: newId('history'),
    ownerId: op.principal.ownerId,
    contractId: entry.contractId ?? null,
    taskId: entry.taskId ?? null,
    action: entry.action,
    actorKind: op.principal.kind,
    actor: actorName(op.principal),
    details: entry.details ?? null,
    address: op.address,
    createdAt: tx.now,
  });
}
