import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { lockContract } from '../contracts/contract.access.ts';
import { logEvent } from '../events/append.ts';
import type { NotificationData, Severity } from '../events/event-types.ts';
import { recordHistory } from '../events/history.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import { kysely } from '../platform/database.ts';
import { DomainError, invalidInput } from '../platform/errors.ts';
import { parseId, toUuid } from '../platform/ids.ts';
import { actorName, isTask } from '../platform/principal.ts';
import type { Operation } from '../platform/runtime.ts';
import { optionalText, requiredText } from '../platform/text.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { storeMessage } from '../tasks/message.service.ts';
import { Task } from '../tasks/task.entity.ts';

export interface NotifySupervisorInput {
  readonly message: string;
  readonly severity: Severity;
  readonly taskId?: string | null | undefined;
  readonly file?: string | null | undefined;
  readonly context?: string | null | undefined;
  readonly requestId?: string | null | undefined;
}

const HOUR_MS = 3_600_000;
/** Notifications an hour, below CRITICAL: who warns of everything warns of nothing. */
const MAX_PER_HOUR = 30;

/**
 * The red team warns: an event for the person, and a message to the supervisor. The same again within the hour is dropped.
 * @throws DomainError FORBIDDEN for anybody else, RATE_LIMITED, INVALID_INPUT naming the field
 */
export async function notifySupervisor(
  op: Operation,
  input: NotifySupervisorInput,
): Promise<{ duplicate: boolean }> {
  authorize(op.principal, 'notify');
  const { principal } = op;
  if (!isTask(principal)) throw new Error('only tasks may notify');
  const notification = {
    severity: input.severity,
    message: requiredText(input.message, 'message', 20_000),
    aboutTaskId: input.taskId ? parseId('task', input.taskId, 'taskId') : null,
    file: optionalText(input.file, 'file', 4_096),
    context: optionalText(input.context, 'context', 100_000),
  };
  return transact(op.runtime, async (tx) => {
    // Two at the same moment must not both count 29, nor both find no equal.
    const contract = await lockContract(tx, principal, principal.contractId);
    const { ownerId } = contract;
    const request = { ownerId, requestId: input.requestId, operation: 'notifySupervisor', input };
    const { result } = await once(tx, request, async () => {
      const recent = await notificationsOfTheHour(tx, contract.id);
      if (recent.some((other) => isSame(other, notification))) return 'duplicate';
      assertNotTooMany(recent, notification);
      await tell(tx, contract.id, notification);
      logEvent(tx, contract.id, { type: 'RED_TEAM_NOTIFIED', taskId: principal.taskId, data: notification });
      recordHistory(tx, op, {
        action: 'redTeam.notified',
        contractId: contract.id,
        taskId: principal.taskId,
        details: { severity: notification.severity, by: actorName(principal) },
      });
      return 'told';
    });
    return { duplicate: result === 'duplicate' };
  });
}

async function notificationsOfTheHour(
  tx: Transaction,
  contractId: Task['contractId'],
): Promise<NotificationData[]> {
  const since = new Date(tx.now.getTime() - HOUR_MS).toISOString();
  const { rows } = await sql<{ data: NotificationData }>`
    select data from contract_event where contract_id = ${toUuid(contractId)} and type = 'RED_TEAM_NOTIFIED'
      and type <> 'OUTPUT' and occurred_at > ${since}`.execute(kysely(tx.statements));
  return rows.map(({ data }) => data);
}

function isSame(a: NotificationData, b: NotificationData): boolean {
  return (
    a.severity === b.severity &&
    a.message === b.message &&
    a.aboutTaskId === b.aboutTaskId &&
    a.file === b.file
  );
}

function assertNotTooMany(recent: readonly NotificationData[], { severity }: NotificationData): void {
  const below = recent.filter((other) => other.severity !== 'CRITICAL').length;
  if (severity === 'CRITICAL' || below < MAX_PER_HOUR) return;
  throw new DomainError(
    'RATE_LIMITED',
    `There were ${below} notifications within the hour, and ${MAX_PER_HOUR} are the limit below CRITICAL. Keep to what matters most.`,
  );
}

async function tell(
  tx: Transaction,
  contractId: Task['contractId'],
  notification: NotificationData,
): Promise<void> {
  const { aboutTaskId, severity, message, file, context } = notification;
  const about = aboutTaskId && (await tx.em.findOne(Task, { id: aboutTaskId as Task['id'], contractId }));
  if (aboutTaskId && !about)
    throw invalidInput('taskId', `taskId ${aboutTaskId} is not a task of this contract.`);
  const supervisor = await tx.em.findOne(
    Task,
    { contractId, role: 'SUPERVISOR' },
    { lockMode: LockMode.PESSIMISTIC_WRITE },
  );
  // One that has ended may be resumed, and reads it then.
  if (!supervisor) return;
  const lines = [
    `The red team warns (${severity}):`,
    message,
    about ? `Task: "${about.name}" (${about.id})` : null,
    file ? `File: ${file}` : null,
    context ? `Context:\n${context}` : null,
  ];
  await storeMessage(tx, supervisor, { sender: 'TASK', by: 'red team' }, lines.filter(Boolean).join('\n'));
}
