import { PassThrough } from 'node:stream';
import { Client, type RequestOptions, type Tool } from '@modelcontextprotocol/client';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { expect } from 'vitest';
import { TaskmeshClient } from '../../../src/client/client.ts';
import { serveMcp } from '../../../src/mcp/start.ts';
import type { Answer } from '../../support/api.ts';
import { onEnd } from '../../support/cleanup.ts';

export interface Connection {
  readonly url: string;
  readonly key: string | null;
}

interface Options {
  readonly isTask?: boolean;
  readonly maxWaitSeconds?: number;
}

/** The tools of a key, through the official client and our server, which are connected as by pipes. */
export class Tools {
  readonly client = new Client({ name: 'test', version: '0' });
  /** Tools that gave a result. */
  readonly used = new Set<string>();
  /** What went over the pipe to the client, line by line. */
  readonly written: string[] = [];
  readonly #toServer = new PassThrough();
  ended: Promise<void> = Promise.resolve();

  static async of({ url, key }: Connection, options: Options = {}): Promise<Tools> {
    const tools = new Tools();
    const fromServer = new PassThrough();
    fromServer.on('data', (bytes: Buffer) => tools.written.push(bytes.toString()));
    tools.ended = serveMcp({
      client: new TaskmeshClient({ url, key: key ?? '' }),
      isTask: options.isTask ?? true,
      version: '0',
      maxWaitSeconds: options.maxWaitSeconds ?? 20,
      stdin: tools.#toServer,
      stdout: fromServer,
      onError: () => undefined,
    });
    // The same framing, the other way round.
    await tools.client.connect(new StdioServerTransport(fromServer, tools.#toServer));
    onEnd(() => tools.close());
    return tools;
  }

  async list(): Promise<Tool[]> {
    return (await this.client.listTools()).tools;
  }

  /** Calls a tool that must give a result. @returns its structured content, all of which is also in its text */
  async call(name: string, args: object = {}, options?: RequestOptions): Promise<Answer> {
    const { isError, content, structuredContent } = await this.#call(name, args, options);
    const text = textOf(content);
    if (isError) throw new Error(`${name} ${JSON.stringify(args)} failed:\n${text}`);
    for (const value of leaves(structuredContent)) {
      for (const line of String(value).split('\n')) expect(text).toContain(line);
    }
    this.used.add(name);
    return structuredContent;
  }

  /** Calls a tool that must fail. @returns what the model is told */
  async failure(name: string, args: object = {}): Promise<string> {
    const { isError, content, structuredContent } = await this.#call(name, args);
    const text = textOf(content);
    if (!isError) throw new Error(`${name} ${JSON.stringify(args)} should have failed:\n${text}`);
    expect(structuredContent).toBeUndefined();
    return text;
  }

  async text(name: string, args: object = {}): Promise<string> {
    return textOf((await this.#call(name, args)).content);
  }

  /** The client goes: its end of the pipe closes. */
  async close(): Promise<void> {
    this.#toServer.end();
    await this.ended;
  }

  #call(name: string, args: object, options?: RequestOptions): Promise<Answer> {
    return this.client.callTool({ name, arguments: args as Record<string, unknown> }, options);
  }
}

function textOf(content: { type: string; text?: string }[]): string {
  return content.map(({ text }) => text ?? '').join('\n');
}

function leaves(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [value];
  return Object.values(value).flatMap(leaves);
}
