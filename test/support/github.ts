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

type Reply = [status: number, data: unknown];

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
    const bearer = /^(?:token|bearer) (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const { operation, name } = this.#described(request.method ?? '', path);
    const input = body.length > 0 ? JSON.parse(body.toString()) : null;
    let reply: Reply = [404, { message: 'Not Found' }];
    if (bearer !== this.token) reply = [401, { message: 'Bad credentials' }];
    else if (operation && name) {
      this.#check(operation, url, input);
      reply = this.#reply(operation, name, url, input);
    }
    if (this.silent && reply[0] === 201) return;
    const [status, data] = reply;
    response
      .writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
      .end(JSON.stringify(data));
  }

  #reply(operation: Described, name: string, url: URL, input: Pull): Reply {
    if (operation.body) return this.#open(name, input);
    if (!operation.path.endsWith('/pulls')) {
      const branch = git(this.path(name), 'symbolic-ref', '--short', 'HEAD');
      return [200, { full_name: name, default_branch: branch }];
    }
    const [, head] = (url.searchParams.get('head') ?? '').split(':');
    const base = url.searchParams.get('base');
    const found = this.pulls.filter((pull) => (!head || pull.head === head) && (!base || pull.base === base));
    return [200, found.map((pull) => this.#shown(name, pull))];
  }

  #open(name: string, input: Pull): Reply {
    const refuse = (error: object): Reply => [422, { message: 'Validation Failed', errors: [error] }];
    const custom = (message: string) => refuse({ resource: 'PullRequest', code: 'custom', message });
    const [base, head] = [input.base, input.head].map((ref) =>
      git(this.path(name), 'for-each-ref', '--format=%(objectname)', `refs/heads/${ref}`),
    );
    if (!base) return refuse({ resource: 'PullRequest', field: 'base', code: 'invalid' });
    if (!head) return refuse({ resource: 'PullRequest', field: 'head', code: 'invalid' });
    if (base === head) return custom(`No commits between ${input.base} and ${input.head}`);
    if (this.pulls.some((pull) => pull.head === input.head && pull.base === input.base))
      return custom(`A pull request already exists for acme:${input.head}.`);
    const pull = { ...input, body: input.body ?? null, number: this.pulls.length + 1 };
    this.pulls.push(pull);
    return [201, this.#shown(name, pull)];
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
