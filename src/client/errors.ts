/** The API refused an operation. `code` is one of the documented codes of `schema.graphql`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  readonly field: string | undefined;
  readonly extensions: Readonly<Record<string, unknown>>;

  constructor(message: string, extensions: Record<string, unknown> = {}) {
    super(message);
    this.code = typeof extensions.code === 'string' ? extensions.code : 'UNKNOWN';
    this.field = typeof extensions.field === 'string' ? extensions.field : undefined;
    this.extensions = extensions;
  }
}

/** The server stops, or its database is away: another one answers, or the same in a moment. */
const NOT_ANSWERED: ReadonlySet<string> = new Set(['SHUTTING_DOWN', 'UNAVAILABLE']);

/** A refusal as what it is: one that says nothing about the operation is no answer. */
export function refusalOf(url: string, message: string, extensions?: Record<string, unknown>): Error {
  const error = new ApiError(message, extensions);
  return NOT_ANSWERED.has(error.code) ? new UnreachableError(url, error) : error;
}

/** No answer came: refused, cut or timed out. Whether the operation took effect is not known. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
  readonly url: string;

  constructor(url: string, cause: unknown) {
    super(`No answer from ${url}. Is the server running there?`, { cause });
    this.url = url;
  }
}
