import type { Credentials } from '../git/run.ts';
import type { GitHubAccess } from '../options.ts';

/** A repository as GitHub's API names it. */
export interface GitHubRepository {
  readonly owner: string;
  readonly repo: string;
}

/** The pull request was not opened. What to do is in the message; no secret is. */
export class PullRequestError extends Error {
  override readonly name = 'PullRequestError';
  readonly code = 'COMMAND_FAILED';
}

const PUBLIC_API = 'https://api.github.com';

/** Where the API is, without a slash at its end. */
export function apiUrl(github: GitHubAccess): string {
  return (github.baseUrl ?? PUBLIC_API).replace(/\/+$/, '');
}

/**
 * Owner and name of the repository behind a remote: `https://HOST/OWNER/REPO.git`, `ssh://git@HOST/OWNER/REPO`,
 * `git@HOST:OWNER/REPO.git`.
 * @throws PullRequestError when it is not on the GitHub that the daemon has a token for: that must not go elsewhere
 */
export function repositoryOf(remote: string, github: GitHubAccess): GitHubRepository {
  const parsed = parse(remote);
  if (!parsed)
    throw new PullRequestError(`The remote ${shown(remote)} is not one of GitHub's: HOST/OWNER/REPO.`);
  const api = new URL(apiUrl(github));
  const home = api.host.replace(/^api\./, '');
  const expected = parsed.isWeb ? home : home.replace(/:\d+$/, '');
  if (parsed.host !== expected) {
    throw new PullRequestError(
      `The repository is on ${parsed.host}, and this daemon has a token for ${home}. Set TASKMESH_GITHUB_URL of the daemon to the API of that server (https://HOST/api/v3), with a token of its own.`,
    );
  }
  return { owner: parsed.owner, repo: parsed.repo };
}

/** What lets git in at a remote that is reached as the API is; undefined for ssh and for a URL with its own password. */
export function credentialsFor(remote: string, github: GitHubAccess): Credentials | undefined {
  const url = URL.canParse(remote) ? new URL(remote) : null;
  const isSame = url?.protocol === new URL(apiUrl(github)).protocol;
  if (!url || !isSame || url.username !== '' || url.password !== '') return undefined;
  const basic = Buffer.from(`x-access-token:${github.token}`).toString('base64');
  return { env: {}, config: [`http.${url.origin}/.extraHeader=Authorization: Basic ${basic}`] };
}

function parse(remote: string): (GitHubRepository & { host: string; isWeb: boolean }) | null {
  const isUrl = remote.includes('://');
  const url = isUrl && URL.canParse(remote) ? new URL(remote) : null;
  if (url && !/^(?:https?|ssh|git):$/.test(url.protocol)) return null;
  const isWeb = url !== null && /^https?:$/.test(url.protocol);
  const short = isUrl ? null : /^[^@/]+@([^:/]+):(.+)$/.exec(remote);
  const host = (isWeb ? url.host : (url?.hostname ?? short?.[1]))
    ?.toLowerCase()
    .replace(/^(?:www|ssh)\.github\.com$/, 'github.com');
  const path = url?.pathname ?? short?.[2];
  const [, owner, repo] = /^\/?([\w.-]+)\/([\w.-]+?)(?:\.git)?\/?$/.exec(path ?? '') ?? [];
  return host && owner && repo ? { host, owner, repo, isWeb } : null;
}

function shown(remote: string): string {
  return remote.replace(/\/\/[^/@]*@/, '//***@');
}
