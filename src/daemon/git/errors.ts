/** A git command ended with an exit code that its caller did not expect. */
export class GitError extends Error {
  readonly code = 'GIT_FAILED';
  readonly command: string;
  readonly exitCode: number | null;
  readonly stderr: string;

  /** @param command the command line without secrets; @param stderr the end of what git wrote, without secrets. */
  constructor(command: string, exitCode: number | null, stderr: string) {
    super(`${command} failed (${exitCode ?? 'killed'}): ${stderr.trim() || 'no message'}`);
    this.name = 'GitError';
    this.command = command;
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

/** A git command was still running when its time was up; its process group was killed. */
export class GitTimeoutError extends Error {
  readonly code = 'GIT_TIMEOUT';
  readonly command: string;
  readonly timeoutMs: number;

  constructor(command: string, timeoutMs: number) {
    super(`${command} did not end within ${timeoutMs} ms`);
    this.name = 'GitTimeoutError';
    this.command = command;
    this.timeoutMs = timeoutMs;
  }
}

/** A name from outside (branch, URL, path, id) that git could misread; nothing was done. */
export class InvalidNameError extends Error {
  readonly code = 'INVALID_INPUT';
  readonly field: string;
  readonly reason: string;

  constructor(field: string, reason: string) {
    super(`Invalid ${field}: ${reason}`);
    this.name = 'InvalidNameError';
    this.field = field;
    this.reason = reason;
  }
}

/** The repository is missing, not a repository, unreachable, or has no commit yet. */
export class RepositoryNotFoundError extends Error {
  readonly code = 'REPOSITORY_NOT_FOUND';
  readonly source: string;
  readonly reason: string;

  constructor(source: string, reason: string) {
    super(`Repository ${source}: ${reason}`);
    this.name = 'RepositoryNotFoundError';
    this.source = source;
    this.reason = reason;
  }
}

/** A branch, commit or other revision does not exist in the repository. */
export class RevisionNotFoundError extends Error {
  readonly code = 'REVISION_NOT_FOUND';
  readonly revision: string;

  constructor(revision: string) {
    super(`There is no ${revision} in this repository`);
    this.name = 'RevisionNotFoundError';
    this.revision = revision;
  }
}

/** The checkout of the target holds work that is not committed, or an unfinished merge or rebase. It was not touched. */
export class TargetDirtyError extends Error {
  readonly code = 'TARGET_DIRTY';
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(`${path} ${reason}`);
    this.name = 'TargetDirtyError';
    this.path = path;
    this.reason = reason;
  }
}

/** The target is not where the caller saw it last. Fetch, and do the work again on top of it. */
export class TargetMovedError extends Error {
  readonly code = 'TARGET_MOVED';
  readonly branch: string;
  readonly expected: string | null;
  readonly actual: string | null;

  constructor(branch: string, expected: string | null, actual: string | null) {
    super(`${branch} moved: expected ${expected ?? 'no such branch'}, found ${actual ?? 'something else'}`);
    this.name = 'TargetMovedError';
    this.branch = branch;
    this.expected = expected;
    this.actual = actual;
  }
}

/** The directory or repository of a working copy is not what the daemon made, so nothing can be done with it. */
export class WorkingCopyBrokenError extends Error {
  readonly code = 'WORKING_COPY_BROKEN';
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(`Working copy ${path}: ${reason}`);
    this.name = 'WorkingCopyBrokenError';
    this.path = path;
    this.reason = reason;
  }
}

/** This daemon does not have the working copy: it never had, or removed it after its contract was over. */
export class WorkingCopyGoneError extends Error {
  readonly code = 'WORKING_COPY_GONE';
  readonly path: string;

  constructor(path: string) {
    super(`Working copy ${path}: it is not on this daemon, or its directory was removed`);
    this.name = 'WorkingCopyGoneError';
    this.path = path;
  }
}

/** The working copy holds something that no snapshot has, so it was not removed. */
export class UnsavedChangesError extends Error {
  readonly code = 'UNSAVED_CHANGES';
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(`Working copy ${path} was kept: ${reason}`);
    this.name = 'UnsavedChangesError';
    this.path = path;
    this.reason = reason;
  }
}

/** A bundle does not hold what it should, or needs a commit that this mirror does not have. Nothing was changed. */
export class InvalidBundleError extends Error {
  readonly code = 'INVALID_BUNDLE';
  readonly commit: string;
  readonly reason: string;

  constructor(commit: string, reason: string) {
    super(`Data of checkpoint ${commit}: ${reason}`);
    this.name = 'InvalidBundleError';
    this.commit = commit;
    this.reason = reason;
  }
}

/** A path leads out of the working copy, into its .git, or to something that is not a regular file. */
export class ForbiddenPathError extends Error {
  readonly code = 'FORBIDDEN_PATH';
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(`${JSON.stringify(path)} cannot be read: ${reason}`);
    this.name = 'ForbiddenPathError';
    this.path = path;
    this.reason = reason;
  }
}
