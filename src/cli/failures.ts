import { CommanderError } from 'commander';
import { ApiError, UnreachableError } from '../client/errors.ts';
import { DomainError } from '../platform/errors.ts';
import { EXIT, type ExitCode, exitCodeFor } from './exit-codes.ts';

/** A command that ends without success for a reason of its own, not one of the API. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly field: string | undefined;

  constructor(code: string, exitCode: ExitCode, message: string, field?: string) {
    super(message);
    this.code = code;
    this.exitCode = exitCode;
    this.field = field;
  }
}

export function usageFailure(message: string, field?: string): CommandFailure {
  return new CommandFailure('USAGE', EXIT.usage, message, field);
}

/** How a failure is told: in words or JSON on stderr, and by the exit code. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly field: string | null;
  readonly exitCode: ExitCode;
}

export function describeFailure(error: unknown): Failure {
  if (error instanceof CommandFailure) {
    return { code: error.code, message: error.message, field: error.field ?? null, exitCode: error.exitCode };
  }
  if (error instanceof ApiError || error instanceof DomainError) {
    return {
      code: error.code,
      message: error.message,
      field: error.field ?? null,
      exitCode: exitCodeFor(error.code),
    };
  }
  if (error instanceof UnreachableError) {
    return { code: 'UNREACHABLE', message: error.message, field: null, exitCode: EXIT.unreachable };
  }
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
    return { code: 'USAGE', message, field: null, exitCode: EXIT.usage };
  }
  // Errors of the server's or daemon's own start, and of the system (EADDRINUSE), carry a code as well.
  const { code } = (error ?? {}) as { code?: unknown };
  const known = typeof code === 'string' ? code : 'UNEXPECTED';
  const message = error instanceof Error ? error.message : String(error);
  return { code: known, message, field: null, exitCode: exitCodeFor(known) };
}
