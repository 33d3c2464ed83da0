import { isUtf8 } from 'node:buffer';
import { type ReadFilePayload, type ReadFileResult, readFilePayloadSchema } from '../platform/protocol.ts';
import type { CommandCall } from './commands.ts';
import { readCommitFile } from './git/read-commit.ts';
import { type CopyFile, readCopyFile } from './git/read-file.ts';
import type { RunContext } from './run-context.ts';

/**
 * Reads a file as it lies in the working copy, saved or not; or, of a copy that is elsewhere, as its checkpoint has it.
 * @throws ForbiddenPathError, WorkingCopyGoneError; InvalidBundleError and the errors of openMirror
 */
export async function readFile(context: RunContext, { payload }: CommandCall): Promise<ReadFileResult> {
  const { exists, content, size, truncated } = await find(context, readFilePayloadSchema.parse(payload));
  if (!exists) return { exists, content: null, encoding: 'UTF8', size: 0, truncated: false };
  return { exists, ...asText(content, truncated), size, truncated };
}

async function find(
  { repositories, worktrees, signal }: RunContext,
  { worktreeId, path, maxBytes: limitBytes, away }: ReadFilePayload,
): Promise<CopyFile> {
  if (away === null) {
    const { copy } = await worktrees.get(worktreeId);
    return readCopyFile({ copy, path, limitBytes });
  }
  const mirror = await repositories.openAt(away.repository, away.checkpoint, signal);
  return readCommitFile({ mirror, commit: away.checkpoint.commitSha, path, limitBytes });
}

/**
 * Bytes as text when they are valid UTF-8 without NUL (which PostgreSQL's text cannot hold), else as base64.
 * @param isCut they are the beginning of more: half a character at their end is left out, and does not make them binary
 */
export function asText(bytes: Buffer, isCut: boolean): Pick<ReadFileResult, 'content' | 'encoding'> {
  const whole = isCut ? withoutHalfCharacter(bytes) : bytes;
  const isText = isUtf8(whole) && !whole.includes(0);
  return isText
    ? { content: whole.toString('utf8'), encoding: 'UTF8' }
    : { content: bytes.toString('base64'), encoding: 'BASE64' };
}

function withoutHalfCharacter(bytes: Buffer): Buffer {
  // The last byte that begins a character is among the last four; the ones after it begin with the bits 10.
  for (let back = 1; back <= Math.min(4, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}
