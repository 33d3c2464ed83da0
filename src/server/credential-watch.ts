import { recheck } from '../keys/authenticate.ts';
import type { Authenticated } from '../keys/authentication.ts';
import { topics } from '../platform/doorbell.ts';
import type { Runtime } from '../platform/runtime.ts';

/** The longest that a timer can wait. Milliseconds. */
const MAX_TIMER_MS = 2_147_483_647;

/**
 * Tells when a credential that something long-lived was opened with no longer counts: it was revoked, on whatever
 * instance, or its time is up. Looked at once at the beginning too, since between the caller's own look and this watch
 * nobody would have told.
 * @returns how to stop
 */
export function watchCredential(
  runtime: Runtime,
  credential: string,
  authenticated: Authenticated,
  onEnd: (why: string) => void,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const stopListening = runtime.doorbell.onRing(topics.key(authenticated.principal.keyId), look);
  const stop = () => {
    isOver = true;
    stopListening();
    clearTimeout(timer);
  };
  const end = (why: string) => {
    if (isOver) return;
    stop();
    onEnd(why);
  };
  function expireAt(expiresAt: Date | null): void {
    clearTimeout(timer);
    if (!expiresAt || isOver) return;
    const left = expiresAt.getTime() - runtime.clock.now().getTime();
    if (left <= 0) end('The key has expired.');
    else timer = setTimeout(() => expireAt(expiresAt), Math.min(left, MAX_TIMER_MS)).unref();
  }
  function look(): void {
    recheck(runtime, credential, authenticated).then(
      (still) =>
        still ? expireAt(still.expiresAt) : end('This key no longer counts: it was revoked, or has expired.'),
      (error: unknown) => runtime.logger.warn({ err: error }, 'a key could not be checked again'),
    );
  }
  look();
  return stop;
}
