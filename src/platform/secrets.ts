/**
 * Takes keys out of text on its way into storage and logs. A key belongs into the hands of whoever holds it, and nowhere
 * else: an agent that prints its environment would else tell its key to everybody who reads the log.
 */

/** What every key begins with: a text without it need not be looked at closer. */
const MARK = 'tmk_';
const KEYS = /tmk_(user|task|daemon)_[A-Za-z0-9_-]{43}/g;
/** What a log may also meet: tokens of an identity provider and of GitHub. */
const TOKENS = /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}|\b(?:gh[pousr]|github_pat)_\w{20,}/g;

/** The text with `tmk_task_[masked]` where a key stood. */
export function maskKeys(text: string): string {
  return text.includes(MARK) ? text.replace(KEYS, 'tmk_$1_[masked]') : text;
}

/** As `maskKeys`, for a line of a log: without tokens of others either. */
export function maskSecrets(line: string): string {
  return maskKeys(line).replace(TOKENS, '[masked]');
}

/** As `maskKeys`, for text in bytes, which mostly has none. */
export function maskKeysInBytes(bytes: Buffer): Buffer {
  if (!bytes.includes(MARK)) return bytes;
  // latin1 keeps every byte as it is, whatever the encoding; a key is ASCII.
  return Buffer.from(maskKeys(bytes.toString('latin1')), 'latin1');
}
