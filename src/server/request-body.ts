import type { IncomingMessage } from 'node:http';
import { maskKeysInBytes } from '../platform/secrets.ts';

/**
 * Reads a body that may not be longer than so much. Keys in it are masked: whatever is stored, logged or answered of a
 * request comes from its body, so this is the one place that no operation can forget.
 * @returns null when it is longer; what is left of it is not read
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer | null> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return null;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) return null;
    chunks.push(chunk);
  }
  return maskKeysInBytes(Buffer.concat(chunks));
}

/**
 * Puts the parsed body where the GraphQL server looks for one that was read already.
 * @returns what is wrong with it, in words; null when it was put there
 */
export function putParsed(request: IncomingMessage, body: Buffer): string | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    return 'The body is not JSON.';
  }
  if (Array.isArray(parsed)) return 'One request carries one operation; there is no batching.';
  if (parsed === null || typeof parsed !== 'object') return 'The body must be a JSON object.';
  if (!('query' in parsed)) return 'The body has no `query`.';
  Object.assign(request, { body: parsed });
  return null;
}
