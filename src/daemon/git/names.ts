import { isAbsolute } from 'node:path';
import { InvalidNameError } from './errors.ts';

/**
 * Names from outside become `Name`s here and nowhere else. Only a `Name` may follow `--end-of-options`, see
 * `names()`; every other argument of a git command is a literal of this folder.
 */
declare const checked: unique symbol;
export type Name = string & { readonly [checked]: true };

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const REF_FORBIDDEN = /[\u0000-\u0020\u007f~^:?*[\\]/;
const MAX_REF_BYTES = 240;

/** Puts checked names behind `--end-of-options`, where git takes none of them for an option. */
export function names(...list: Name[]): string[] {
  return ['--end-of-options', ...list];
}

/** A full object id, SHA-1 or SHA-256, lower case. @throws InvalidNameError */
export function objectId(value: string, field = 'commit'): Name {
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(value))
    throw new InvalidNameError(field, 'not a full object id');
  return value as Name;
}

/** A branch name without `refs/heads/`, by the rules of `git check-ref-format --branch`. @throws InvalidNameError */
export function branchName(value: string, field = 'branch'): Name {
  if (value.startsWith('refs/')) throw new InvalidNameError(field, 'give the short name, without refs/');
  if (value === 'HEAD' || value === '@') throw new InvalidNameError(field, `${value} is not a branch name`);
  checkRefPath(value, field);
  return value as Name;
}

/** A full ref name, `refs/…`. @throws InvalidNameError */
export function refName(value: string, field = 'ref'): Name {
  if (!value.startsWith('refs/')) throw new InvalidNameError(field, 'a full ref name starts with refs/');
  checkRefPath(value, field);
  return value as Name;
}

/** The full ref of a branch. @throws InvalidNameError */
export function branchRef(branch: string, field = 'branch'): Name {
  return `refs/heads/${branchName(branch, field)}` as Name;
}

/** An id that becomes part of a ref and of a file name. @throws InvalidNameError */
export function worktreeKey(value: string, field = 'worktreeId'): Name {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/.test(value))
    throw new InvalidNameError(field, 'letters, digits, _ and - only');
  return value as Name;
}

/** An absolute path without `..`. @throws InvalidNameError */
export function absolutePath(value: string, field = 'path'): Name {
  if (CONTROL.test(value)) throw new InvalidNameError(field, 'control characters');
  if (!isAbsolute(value)) throw new InvalidNameError(field, 'not an absolute path');
  if (value.split(/[/\\]/).includes('..')) throw new InvalidNameError(field, 'contains ..');
  return value as Name;
}

/**
 * The URL of a remote: https, http, ssh, git, `user@host:path`, file, or an absolute path. Transports that run
 * commands (`ext::`, `fd::`) and anything ssh could take for an option are refused. @throws InvalidNameError
 */
export function remoteUrl(value: string, field = 'url'): Name {
  if (CONTROL.test(value) || /\s/.test(value))
    throw new InvalidNameError(field, 'white space or control characters');
  if (value.startsWith('-')) throw new InvalidNameError(field, 'starts with -');
  if (value.length > 2000) throw new InvalidNameError(field, 'too long');
  if (value.startsWith('/')) return absolutePath(value, field);
  if (/^[^/]*::/.test(value)) throw new InvalidNameError(field, 'remote helpers are not allowed');
  if (value.includes('://')) return checkUrl(value, field);
  // Host and path must not begin with a dash, or ssh and the remote shell read them as options.
  if (!/^[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*:[^-:]/.test(value)) {
    throw new InvalidNameError(field, 'not a URL, nor user@host:path, nor an absolute path');
  }
  if (value.split(/[:/]/).includes('..')) throw new InvalidNameError(field, 'contains ..');
  return value as Name;
}

/** The directory of this machine that a URL means, as git reads it; null: it means another machine. @throws InvalidNameError */
export function pathOfUrl(value: string): string | null {
  const url = remoteUrl(value);
  if (url.startsWith('/')) return url;
  return /^file:/i.test(url) ? decodeURIComponent(url.slice('file://'.length)) : null;
}

/** A URL that means this directory and no other. */
export function urlOfPath(path: string): string {
  return `file://${encodeURI(path).replace(/[?#]/g, encodeURIComponent)}`;
}

function checkUrl(value: string, field: string): Name {
  let url: URL;
  try {
    url = new URL(value);
  } catch {
    throw new InvalidNameError(field, 'not a URL');
  }
  if (!/^(?:https?|ssh|git|file):$/.test(url.protocol))
    throw new InvalidNameError(field, `${url.protocol} is not allowed`);
  let decoded: string;
  try {
    decoded = decodeURIComponent(value);
  } catch {
    throw new InvalidNameError(field, 'wrongly encoded');
  }
  if (CONTROL.test(decoded)) throw new InvalidNameError(field, 'control characters');
  // The parser resolves .. away, so look at what git will get.
  if (decoded.split(/[:/\\]/).includes('..')) throw new InvalidNameError(field, 'contains ..');
  if (/:\/\/(?:[^/]*@)?-/.test(decoded) || /:\/\/-/.test(decoded))
    throw new InvalidNameError(field, 'host or user starts with -');
  if (/^ssh:\/\/[^/]*\/~?-/.test(decoded)) throw new InvalidNameError(field, 'path starts with -');
  if (url.protocol === 'file:') {
    if (!value.toLowerCase().startsWith('file:///'))
      throw new InvalidNameError(field, 'a file URL has no host');
  } else if (url.hostname === '' || value.includes(':///')) throw new InvalidNameError(field, 'no host');
  return value as Name;
}

function checkRefPath(value: string, field: string): void {
  const refuse = (reason: string): never => {
    throw new InvalidNameError(field, reason);
  };
  if (value === '') refuse('empty');
  if (Buffer.byteLength(value) > MAX_REF_BYTES) refuse(`longer than ${MAX_REF_BYTES} bytes`);
  if (!value.isWellFormed()) refuse('not valid Unicode');
  if (value.startsWith('-')) refuse('starts with -');
  if (REF_FORBIDDEN.test(value)) refuse('contains white space or one of ~ ^ : ? * [ \\');
  if (value.includes('..')) refuse('contains ..');
  if (value.includes('@{')) refuse('contains @{');
  if (value.endsWith('.')) refuse('ends with a dot');
  for (const part of value.split('/')) {
    if (part === '') refuse('empty part between slashes');
    if (part.startsWith('.')) refuse('a part starts with a dot');
    if (part.endsWith('.lock')) refuse('a part ends with .lock');
  }
}
