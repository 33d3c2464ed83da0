import type { z } from 'zod';
import type { Command } from '../daemons/command.entity.ts';
import { awaitCommand } from '../daemons/command.service.ts';
import { Daemon } from '../daemons/daemon.entity.ts';
import type { EntityManager } from '../platform/database.ts';
import { DomainError, ERROR_CODES, type ErrorCode, invalidInput } from '../platform/errors.ts';
import type { Operation } from '../platform/runtime.ts';
import { Worktree } from './worktree.entity.ts';

/** How long a call waits for the daemon before it returns without its answer. Milliseconds. */
export const DAEMON_ANSWER_MS = 60_000;

/**
 * Waits for a daemon's answer and reads it.
 * @param inputs codes of the daemon that mean that an input was wrong, and which
 * @returns null when there is none within a minute: the command goes on
 * @throws DomainError with the daemon's code where it is one of ours, else COMMAND_FAILED
 */
export async function daemonAnswer<T>(
  op: Operation,
  commandId: Command['id'],
  schema: z.ZodType<T>,
  inputs: Readonly<Record<string, string>> = {},
): Promise<T | null> {
  const command = await awaitCommand(op, commandId, DAEMON_ANSWER_MS);
  if (!command) return null;
  if (command.status === 'COMPLETED') return parseAnswer(schema, command.result);
  const field = Object.hasOwn(inputs, command.errorCode ?? '') ? inputs[command.errorCode ?? ''] : undefined;
  if (field !== undefined) throw invalidInput(field, command.errorMessage ?? `${field} was not taken.`);
  throw commandFailure(command);
}

export function parseAnswer<T>(schema: z.ZodType<T>, result: unknown): T {
  const parsed = schema.safeParse(result);
  if (parsed.success) return parsed.data;
  throw new DomainError(
    'COMMAND_FAILED',
    "The daemon's answer could not be read. Is it of the same version as the server?",
    {
      cause: parsed.error,
    },
  );
}

/** The daemon has the working copy no more: its contract was over for long, and it needed the room on its disk. */
export class CopyGoneError extends DomainError {}

/** For a caller that can do without the working copy. */
export function unlessGone(error: unknown): CopyGoneError {
  if (error instanceof CopyGoneError) return error;
  throw error;
}

export function commandFailure(command: Command): DomainError {
  const code = command.errorCode ?? '';
  if (code === 'WORKING_COPY_GONE')
    return new CopyGoneError('COMMAND_FAILED', command.errorMessage ?? 'The working copy is gone.');
  const known = Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'COMMAND_FAILED';
  return new DomainError(known, command.errorMessage ?? 'The daemon could not do it and did not say why.');
}

export function daemonTimeout(): DomainError {
  return new DomainError(
    'DAEMON_TIMEOUT',
    `The daemon did not answer within ${DAEMON_ANSWER_MS / 1_000} s. Try again.`,
  );
}

/** The working copy's daemon, or null when it is not connected. */
export async function daemonOf(em: EntityManager, worktree: Worktree): Promise<Daemon | null> {
  const daemon = await em.findOneOrFail(Daemon, { id: worktree.daemonId });
  return daemon.status === 'DISCONNECTED' ? null : daemon;
}

/**
 * The working copy and its daemon, which must be connected.
 * @throws DomainError NO_DAEMON
 */
export async function connectedWorktree(
  em: EntityManager,
  worktreeId: Worktree['id'],
): Promise<{ worktree: Worktree; daemon: Daemon }> {
  const worktree = await em.findOneOrFail(Worktree, { id: worktreeId });
  const daemon = await em.findOneOrFail(Daemon, { id: worktree.daemonId });
  if (daemon.status !== 'DISCONNECTED') return { worktree, daemon };
  throw new DomainError(
    'NO_DAEMON',
    `The working copy is on daemon ${daemon.name}, which is not connected. Start it again.`,
  );
}
