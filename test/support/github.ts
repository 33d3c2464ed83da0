import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { z } from 'zod';
import { git } from './processes.ts';

interface Described {
  method: string;
  path: string;
  parameters: { name: string; in: string; required: boolean; schema: object }[];
  body: object | null;
}
/** Three operations as GitHub itself describes them: what we send must fit. */
const DESCRIPTION = JSON.parse(
  readFileSync(new URL('github-pulls.openapi.json', import.meta.url), 'utf8'),
) as { operations: Described[] };

export interface Pull {
  number: number;
  title: string;
  body: string | null;
  head: string;
  base: string;
}

/**
 * A GitHub Enterprise server as far as a pull request needs one: git over HTTP, and three operations of the API, each
 * request checked against GitHub's published description. It knows one token.
 */
export class FakeGitHub {
  readonly token = 'ghp_theTokenThatOnlyTheDaemonMayKnow';
  readonly pulls: Pull[] = [];
  /** What was asked of the API, as `METHOD /path`. */
  readonly requests: string[] = [];
  /** What did not fit the description. */
  readonly complaints: string[] = [];
  /** Opens the next pull request and does not tell. */
  silent = false;
  readonly #root: string;
  readonly #server = createServer((request, response) => void this.#respond(request, response));

  private constructor(root: string) {
    this.#root = root;
  }

  static async start(root: string): Promise<FakeGitHub> {
    const github = new FakeGitHub(root);
    github.#server.listen(0, '127.0.0.1');
    await once(github.#server, 'listening');
    afterAll(() => {
      github.#server.closeAllConnections();
      github.#server.close();
    });
    return github;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Makes a repository with the content of another. @returns its URL */
  create(name: string, from: string): string {
    git(this.#root, 'clone', '-q', '--bare', from, `${name}.git`);
    git(this.path(name), 'config', 'http.receivepack', 'true');
    return `${this.url}/${name}.git`;
  }

  path(name: string): string {
    return join(this.#root, `${name}.git`);
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const url = new URL(request.url ?? '', this.url);
    if (url.pathname.startsWith('/api/v3/')) this.#api(request, url, body, response);
    else this.#git(request, url, body, response);
  }

  #api(request: IncomingMessage, url: URL, body: Buffer, response: ServerResponse): void {
    const path = url.pathname.replace('/api/v3', '');
    this.requests.push(`${request.method} ${path}`);
    const answer = (status: number, data: unknown) => {
      response
        .writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
        .end(JSON.stringify(data));
    };
    const bearer = /^(?:token|bearer) (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (bearer !== this.token) return answer(401, { message: 'Bad credentials' });
    const { operation, name } = this.#described(request.method ?? '', path);
    if (!operation || !name) return answer(404, { message: 'Not Found' });
    const input = body.length > 0 ? JSON.parse(body.toString()) : null;
    this.#check(operation, url, input);
    const branch = (ref: string) =>
      git(this.path(name), 'for-each-ref', '--format=%(objectname)', `refs/heads/${ref}`);
    if (operation.body) {
      const refuse = (error: object) => answer(422, { message: 'Validation Failed', errors: [error] });
      if (!branch(input.base)) return refuse({ resource: 'PullRequest', field: 'base', code: 'invalid' });
      if (!branch(input.head)) return refuse({ resource: 'PullRequest', field: 'head', code: 'invalid' });
      if (branch(input.head) === branch(input.base))
        return refuse({
          resource: 'PullRequest',
          code: 'custom',
          message: `No commits between ${input.base} and ${input.head}`,
        });
      const known = this.pulls.some(({ head, base }) => head === input.head && base === input.base);
      if (known)
        return refuse({ code: 'custom', message: `A pull request already exists for acme:${input.head}.` });
      const pull = { body: null, ...input, number: this.pulls.length + 1 };
      this.pulls.push(pull);
      if (this.silent) return;
      return answer(201, this.#shown(name, pull));
    }
    if (operation.path.endsWith('/pulls')) {
      const [, head] = (url.searchParams.get('head') ?? '').split(':');
      const base = url.searchParams.get('base');
      const found = this.pulls.filter(
        (pull) => (!head || pull.head === head) && (!base || pull.base === base),
      );
      return answer(
        200,
        found.map((pull) => this.#shown(name, pull)),
      );
    }
    answer(200, { full_name: name, default_branch: git(this.path(name), 'symbolic-ref', '--short', 'HEAD') });
  }

  #shown(name: string, pull: Pull): object {
    const repo = { full_name: name };
    const { number, title, body, head, base } = pull;
    const html_url = `${this.url}/${name}/pull/${number}`;
    return {
      number,
      title,
      body,
      html_url,
      state: 'open',
      head: { ref: head, repo },
      base: { ref: base, repo },
    };
  }

  #described(method: string, path: string): { operation: Described | undefined; name: string | undefined } {
    const [, owner, repo] = /^\/repos\/([^/]+)\/([^/]+)/.exec(path) ?? [];
    const template = path.replace(`/repos/${owner}/${repo}`, '/repos/{owner}/{repo}');
    const operation = DESCRIPTION.operations.find((each) => each.method === method && each.path === template);
    return { operation, name: owner && repo && `${owner}/${repo}` };
  }

  #check(operation: Described, url: URL, input: unknown): void {
    const complain = (text: string) => this.complaints.push(`${operation.method} ${operation.path}: ${text}`);
    const known = operation.parameters.filter((each) => each.in === 'query');
    for (const [name, value] of url.searchParams) {
      const schema = known.find((each) => each.name === name)?.schema as
        | { type: string; enum?: string[] }
        | undefined;
      if (!schema) complain(`unknown parameter ${name}`);
      else if (schema.type === 'integer' && !/^\d+$/.test(value)) complain(`${name} is ${value}`);
      else if (schema.enum && !schema.enum.includes(value)) complain(`${name} is ${value}`);
    }
    if (!operation.body) return;
    const schema = operation.body as { properties: object };
    const result = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).safeParse(input);
    if (!result.success) complain(z.prettifyError(result.error));
    for (const name of Object.keys(input as object)) {
      if (!Object.hasOwn(schema.properties, name)) complain(`unknown field ${name}`);
    }
  }

  /** `git http-backend`, the program that git itself brings for this. Anybody reads; writing takes the token. */
  #git(request: IncomingMessage, url: URL, body: Buffer, response: ServerResponse): void {
    const basic = Buffer.from(`x-access-token:${this.token}`).toString('base64');
    const isWrite = `${url.pathname}${url.search}`.includes('git-receive-pack');
    if (isWrite && request.headers.authorization !== `Basic ${basic}`) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    const env: Record<string, string> = {
      PATH: process.env.PATH ?? '',
      GIT_PROJECT_ROOT: this.#root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? '',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      CONTENT_LENGTH: String(body.length),
      HTTP_CONTENT_ENCODING: String(request.headers['content-encoding'] ?? ''),
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    };
    const backend = spawn('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    backend.stdin.on('error', () => undefined).end(body);
    backend.on('close', () => {
      const output = Buffer.concat(chunks);
      const end = output.indexOf('\r\n\r\n');
      const headers = output
        .subarray(0, end)
        .toString()
        .split('\r\n')
        .map((line) => line.split(': ') as [string, string]);
      const status = Number(headers.find(([name]) => name === 'Status')?.[1]?.slice(0, 3) ?? 200);
      response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== 'Status')));
      response.end(output.subarray(end + 4));
    });
  }
}
