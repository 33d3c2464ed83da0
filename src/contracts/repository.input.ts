import { invalidInput } from '../platform/errors.ts';
import { optionalText } from '../platform/text.ts';

export interface RepositoryInput {
  readonly url?: string | null | undefined;
  readonly localPath?: string | null | undefined;
  readonly baseBranch?: string | null | undefined;
  readonly isPrimary?: boolean | null | undefined;
}

export interface CheckedRepository {
  readonly url: string | null;
  readonly localPath: string | null;
  readonly baseBranch: string | null;
  readonly isPrimary: boolean;
}

/** https, ssh and git as URLs, and git's own short form of ssh. Never an option, never a helper (`ext::`). */
const URL_FORM =
  /^(?:(?:https?|ssh|git|file):\/\/[^\s-][^\s]*|[A-Za-z0-9_.][\w.-]*@[A-Za-z0-9][\w.-]*:[^\s:-][^\s]*)$/;

/** @throws DomainError INVALID_INPUT naming the field */
export function checkRepository(input: RepositoryInput, field: string): CheckedRepository {
  const url = optionalText(input.url, `${field}.url`, 2_000);
  const localPath = optionalText(input.localPath, `${field}.localPath`, 4_000);
  if ((url === null) === (localPath === null)) {
    throw invalidInput(field, `${field} takes either a url or a localPath.`);
  }
  if (url !== null) checkRepositoryUrl(url, `${field}.url`);
  if (localPath !== null) checkLocalPath(localPath, `${field}.localPath`);
  const baseBranch = optionalText(input.baseBranch, `${field}.baseBranch`, 250);
  if (baseBranch !== null) checkBranchName(baseBranch, `${field}.baseBranch`);
  return { url, localPath, baseBranch, isPrimary: input.isPrimary ?? false };
}

export function checkRepositoryUrl(url: string, field: string): void {
  if (!URL_FORM.test(url)) {
    throw invalidInput(field, `${field} is not a git URL: use https://…, ssh://… or user@host:path.`);
  }
}

export function checkLocalPath(path: string, field: string): void {
  if (!path.startsWith('/') || path.split('/').includes('..')) {
    throw invalidInput(field, `${field} must be an absolute path on the daemon's machine, without "..".`);
  }
}

/** The rules of git-check-ref-format(1) for a branch. */
export function checkBranchName(name: string, field: string): void {
  const bad =
    name.startsWith('-') ||
    name.startsWith('/') ||
    name.endsWith('/') ||
    name.endsWith('.') ||
    name === '@' ||
    name.includes('..') ||
    name.includes('//') ||
    name.includes('@{') ||
    // biome-ignore lint/suspicious/noControlCharactersInRegex: git refuses control characters in names
    /[\x00-\x20\x7f~^:?*[\\]/.test(name) ||
    name.split('/').some((part) => part.startsWith('.') || part.endsWith('.lock'));
  if (bad)
    throw invalidInput(field, `${field} is not a branch name that git takes: ${JSON.stringify(name)}.`);
}
