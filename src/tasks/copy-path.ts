import { DomainError, invalidInput } from '../platform/errors.ts';

const MAX_PATH_LENGTH = 4_096;

/**
 * Checks a path in a working copy, relative to its root. What can be told from the path alone; where links lead only the
 * daemon can tell.
 * @throws DomainError INVALID_INPUT naming the field, FORBIDDEN_PATH for one that leaves the copy or is git's own
 */
export function checkCopyPath(path: string, field: string): void {
  if (path === '') throw invalidInput(field, `${field} is empty. Name a file of the working copy.`);
  if (path.length > MAX_PATH_LENGTH)
    throw invalidInput(
      field,
      `${field} has ${path.length} characters; at most ${MAX_PATH_LENGTH} are taken.`,
    );
  const parts = path.split('/');
  const leaves = path.startsWith('/') || path.includes('\0') || parts.includes('..');
  if (leaves || parts.some((part) => part.toLowerCase() === '.git')) {
    throw new DomainError(
      'FORBIDDEN_PATH',
      `${JSON.stringify(path)} is not taken: give a path inside the working copy, relative to its root, and not in .git.`,
      { field },
    );
  }
  if (!path.isWellFormed()) throw invalidInput(field, `${field} is not well-formed Unicode.`);
}
