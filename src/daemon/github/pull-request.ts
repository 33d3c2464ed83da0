import { Octokit } from '@octokit/core';
import type { GitHubAccess } from '../options.ts';
import { apiUrl, type GitHubRepository, PullRequestError } from './repository.ts';

const REQUEST_TIMEOUT_MS = 30_000;
const ignore = () => undefined;
/** Octokit writes to the console by itself. */
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };

export interface PullRequest {
  readonly url: string;
  readonly number: number;
}

/** What is to be merged where, in one repository. */
export interface Branches {
  readonly head: string;
  readonly base: string;
}

/** The pull requests of one repository on GitHub. All calls @throw PullRequestError with what GitHub said. */
export class PullRequests {
  readonly #octokit: Octokit;
  readonly #repository: GitHubRepository;
  readonly #signal: AbortSignal;

  constructor(github: GitHubAccess, repository: GitHubRepository, signal: AbortSignal) {
    this.#repository = repository;
    this.#signal = signal;
    const options = { auth: github.token, baseUrl: apiUrl(github), userAgent: 'taskmesh', log: SILENT };
    this.#octokit = new Octokit(options);
  }

  async defaultBranch(): Promise<string> {
    const { data } = await this.#told(this.#octokit.request('GET /repos/{owner}/{repo}', this.#parameters()));
    return data.default_branch;
  }

  /** The one that is open from that head to that base, null when there is none. */
  async find({ head, base }: Branches): Promise<PullRequest | null> {
    const { owner } = this.#repository;
    const { data } = await this.#told(
      this.#octokit.request('GET /repos/{owner}/{repo}/pulls', {
        ...this.#parameters(),
        state: 'open',
        head: `${owner}:${head}`,
        base,
        per_page: 100,
      }),
    );
    // A filter that GitHub does not understand is ignored by it, so look again. Forks have branches of that name, too.
    const found = data.find(
      (pull) =>
        pull.head.ref === head &&
        pull.base.ref === base &&
        pull.head.repo?.full_name === pull.base.repo.full_name,
    );
    return found ? { url: found.html_url, number: found.number } : null;
  }

  async open(branches: Branches, title: string, body: string | null): Promise<PullRequest> {
    const { data } = await this.#told(
      this.#octokit.request('POST /repos/{owner}/{repo}/pulls', {
        ...this.#parameters(),
        ...branches,
        title,
        ...(body === null ? {} : { body }),
      }),
    );
    return { url: data.html_url, number: data.number };
  }

  #parameters() {
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
    return { ...this.#repository, request: { signal } };
  }

  /** Octokit's own errors hold the request, with its headers: only their words go on. */
  async #told<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      this.#signal.throwIfAborted();
      throw new PullRequestError(this.#explain(error));
    }
  }

  #explain(error: unknown): string {
    const { status, message, response } = error as {
      status?: number;
      message?: string;
      response?: { data?: unknown };
    };
    const { owner, repo } = this.#repository;
    const said = reasons(response?.data) || message || String(error);
    if (status === 401)
      return `GitHub does not take the daemon's token (${said}). Set TASKMESH_GITHUB_TOKEN anew.`;
    if (status === 403 || status === 404) {
      return `GitHub does not let the daemon into ${owner}/${repo} (${status}: ${said}). Its token, TASKMESH_GITHUB_TOKEN, needs to read and write contents and pull requests there.`;
    }
    return `GitHub refused the pull request in ${owner}/${repo}: ${said}`;
  }
}

/** GitHub tells what is wrong in `errors`, beside a general `message`. */
function reasons(data: unknown): string {
  const { message, errors } = (data ?? {}) as { message?: unknown; errors?: unknown };
  const details = (Array.isArray(errors) ? errors : []).map((each) => {
    const { message: text, field, code } = (each ?? {}) as Record<string, unknown>;
    return String(text ?? [field, code].filter(Boolean).join(' '));
  });
  return [message, ...details].filter(Boolean).join('; ').slice(0, 1_000);
}
