import { LockMode } from '@mikro-orm/core';
import type { ZodType } from 'zod';
import { storable } from '../events/append.ts';
import { listenTo, Source } from '../events/source.ts';
import { authorize } from '../keys/permissions.ts';
import { topics } from '../platform/doorbell.ts';
import { DomainError, notFound } from '../platform/errors.ts';
import { type Id, newId, parseId } from '../platform/ids.ts';
import { readRow, readTogether, rowOf, rowsOf } from '../platform/read-rows.ts';
import type { Operation, Runtime } from '../platform/runtime.ts';
import { move } from '../platform/states.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { waitUntil } from '../platform/waiting.ts';
import { Command, type CommandType } from './command.entity.ts';
import { COMMAND_MOVES } from './command.states.ts';
import { Daemon } from './daemon.entity.ts';
import { handOver, onHandedOver } from './handing-over.ts';

/** What happens to the rest of the system when a daemon accepts or answers a command of a type. */
export interface CommandHandler {
  /** May refuse by throwing. @returns what the daemon is handed with the acceptance */
  accepted?(tx: Transaction, command: Command): Promise<{ toolKey: string | null }>;
  /** What a result must look like; an answer that does not is a failure. */
  readonly result?: ZodType;
  /** `result` is what the daemon sent, and fits the schema where there is one. */
  completed?(tx: Transaction, command: Command, result: unknown): Promise<void>;
  failed?(tx: Transaction, command: Command): Promise<void>;
}

/** Filled by the server: commands belong to features further down, which this one does not know. */
export type CommandHandlers = Partial<Record<CommandType, CommandHandler>>;
let handlers: CommandHandlers = {};
export function registerCommandHandlers(all: CommandHandlers): void {
  handlers = all;
}

export interface NewCommand {
  readonly daemonId: Id<'daemon'>;
  readonly taskId: Id<'task'> | null;
  readonly attempt: number | null;
  readonly type: CommandType;
  readonly payload: Record<string, unknown>;
}

/** Stores a command and rings for its daemon after the commit. @returns its id */
export function issueCommand(tx: Transaction, input: NewCommand): Id<'command'> {
  const id = newId('command');
  tx.insert(Command, { ...input, id, createdAt: tx.now });
  tx.ring(topics.daemon(input.daemonId));
  return id;
}

/**
 * The same along with the log, by who has locked the command's task.
 * @param isFirst no command before it can be about what it is about: it may overtake those that were not read yet
 */
export function issueAlong(tx: Transaction, input: NewCommand, isFirst: boolean): Id<'command'> {
  const id = newId('command');
  const command = tx.record(Command, { ...input, id, createdAt: tx.now });
  // As it will be read: what stands in the objects that it was made from may change.
  if (isFirst) {
    const payload = JSON.parse(JSON.stringify(input.payload));
    tx.afterCommit(() => handOver(tx.runtime, { ...command, payload }));
  }
  tx.ring(topics.daemon(input.daemonId));
  return id;
}

/**
 * A daemon's commands: the unanswered ones first, then live, each once per connection. It ends with STALE_EPOCH when
 * another connection of the daemon takes over or the daemon was given up as lost.
 */
export async function commandSource(
  op: Operation,
  daemonId: string,
  epoch: number,
): Promise<AsyncIterableIterator<Command>> {
  authorize(op.principal, 'report');
  const id = ownDaemonId(op, daemonId);
  const { runtime } = op;
  await assertEpoch(runtime, id, epoch);
  const delivered = new Set<string>();
  let handed: Command[] = [];
  /** A ring may have come together with what was handed over, and is of something else as well. */
  let isUnread = false;
  return new Source<Command>({
    listen: (wake) => {
      const stopListening = listenTo(runtime.doorbell, topics.daemon(id), wake);
      const stopTaking = onHandedOver(runtime, id, (command) => {
        handed.push(command);
        wake();
      });
      return () => {
        stopListening();
        stopTaking();
      };
    },
    read: async () => {
      // Before anything else, since what is read below forgets what has been answered meanwhile.
      const first = handed.filter((command) => !delivered.has(command.id));
      handed = [];
      for (const command of first) delivered.add(command.id);
      isUnread = first.length > 0;
      if (isUnread) return first;
      const unanswered = { daemonId: id, status: ['PENDING', 'ACCEPTED'] };
      // At once: a command that goes to a connection which is being replaced is refused when it is accepted.
      const { open, daemon } = await readTogether(runtime.db.statements, {
        open: rowsOf(runtime.db.statements, Command, unanswered, 'id'),
        daemon: rowOf(runtime.db.statements, Daemon, { id }),
      });
      if (!daemon) throw notFound('daemon', id);
      checkEpoch(daemon, epoch);
      const fresh = open.filter((command) => !delivered.has(command.id));
      // What has been answered is not needed for comparison any more: the set stays as small as the work under way.
      delivered.clear();
      for (const command of open) delivered.add(command.id);
      return fresh;
    },
    more: () => isUnread,
  });
}

async function assertEpoch(runtime: Runtime, daemonId: Id<'daemon'>, epoch: number): Promise<void> {
  const daemon = await readRow(runtime.db.statements, Daemon, { id: daemonId });
  if (!daemon) throw notFound('daemon', daemonId);
  checkEpoch(daemon, epoch);
}

/** @throws DomainError STALE_EPOCH, with `reason` LOST (register again) or REPLACED (another process has the key) */
export function checkEpoch(daemon: Daemon, epoch: number): void {
  if (daemon.epoch === epoch && daemon.status !== 'DISCONNECTED') return;
  const reason = daemon.epoch === epoch ? 'LOST' : 'REPLACED';
  throw new DomainError(
    'STALE_EPOCH',
    reason === 'LOST'
      ? `Daemon ${daemon.name} was silent for too long and counts as lost. Register again.`
      : `Daemon ${daemon.name} registered again since, so this connection (epoch ${epoch}) may not act any more.`,
    { extensions: { reason, epoch: daemon.epoch } },
  );
}

function ownDaemonId(op: Operation, daemonId: string): Id<'daemon'> {
  const id = parseId('daemon', daemonId, 'daemonId');
  const own = op.principal.kind === 'DAEMON' ? op.principal.daemonId : null;
  if (own === id) return id;
  // Another daemon of the same owner is known to exist; another owner's is not confirmed.
  throw notFound('daemon', id);
}

/** The daemon that is calling. @throws DomainError FORBIDDEN for a key that has not registered yet */
export function callingDaemonId(op: Operation): Id<'daemon'> {
  authorize(op.principal, 'report');
  const id = op.principal.kind === 'DAEMON' ? op.principal.daemonId : null;
  if (id) return id;
  throw new DomainError('FORBIDDEN', 'This daemon key has not registered yet. Call registerDaemon first.');
}

async function lockCommand(
  tx: Transaction,
  op: Operation,
  commandId: string,
  epoch: number,
): Promise<Command> {
  const id = parseId('command', commandId, 'commandId');
  const daemonId = callingDaemonId(op);
  const command = await tx.em.findOne(Command, { id, daemonId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (!command) throw notFound('command', id);
  const daemon = await tx.em.findOneOrFail(Daemon, { id: daemonId });
  checkEpoch(daemon, epoch);
  if (command.status === 'WITHDRAWN') {
    throw new DomainError(
      'STALE_ATTEMPT',
      `Command ${id} was withdrawn: it was not accepted in time. Drop it.`,
    );
  }
  return command;
}

/** A daemon takes a command on. The same again gives the same, with a fresh tool key. */
export async function acceptCommand(
  op: Operation,
  input: { commandId: string; epoch: number },
): Promise<{ command: Command; toolKey: string | null }> {
  return transact(op.runtime, async (tx) => {
    const command = await lockCommand(tx, op, input.commandId, input.epoch);
    if (command.status === 'COMPLETED' || command.status === 'FAILED') {
      throw new DomainError('INVALID_TRANSITION', `Command ${command.id} was answered already. Drop it.`);
    }
    const handed = await handlers[command.type]?.accepted?.(tx, command);
    if (command.status !== 'ACCEPTED') move(COMMAND_MOVES, command, 'ACCEPTED');
    command.acceptedAt ??= tx.now;
    return { command, toolKey: handed?.toolKey ?? null };
  });
}

export interface CommandAnswer {
  readonly commandId: string;
  readonly epoch: number;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string } | null | undefined;
}

const UNREADABLE = {
  code: 'COMMAND_FAILED',
  message: "The daemon's answer could not be read. Is it of the same version as the server?",
};

/** A daemon answers a command. The first answer counts; the same command answered again changes nothing. */
export async function completeCommand(op: Operation, input: CommandAnswer): Promise<{ command: Command }> {
  return transact(op.runtime, async (tx) => {
    const command = await lockCommand(tx, op, input.commandId, input.epoch);
    if (command.status === 'COMPLETED' || command.status === 'FAILED') return { command };
    command.answeredAt = tx.now;
    tx.ring(topics.command(command.id));
    const handler = handlers[command.type];
    const isReadable = handler?.result?.safeParse(input.result).success ?? true;
    const error = input.error ?? (isReadable ? null : UNREADABLE);
    if (error) {
      move(COMMAND_MOVES, command, 'FAILED');
      command.errorCode = error.code.slice(0, 100);
      command.errorMessage = error.message.replaceAll('\0', '').slice(0, 10_000);
      await handler?.failed?.(tx, command);
    } else {
      move(COMMAND_MOVES, command, 'COMPLETED');
      // What the database cannot hold would fail at each repetition, and the daemon would repeat it for ever.
      command.result = JSON.parse(storable(input.result ?? {}));
      await handler?.completed?.(tx, command, input.result);
    }
    return { command };
  });
}

/**
 * Waits for a daemon's answer.
 * @returns null when there is none within the time: the command stays, and its answer still counts
 */
export function awaitCommand(
  op: Operation,
  commandId: Id<'command'>,
  timeoutMs: number,
): Promise<Command | null> {
  return waitUntil(op.runtime, [topics.command(commandId)], timeoutMs, op.signal, async () => {
    const command = await op.runtime.db.fork().findOneOrFail(Command, { id: commandId });
    return command.answeredAt || command.status === 'WITHDRAWN' ? command : null;
  });
}
