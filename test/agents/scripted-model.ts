import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/*
 * A model endpoint on the loopback interface, as OpenAI's chat completions are, streamed. What it says is decided by a
 * script of the test from the conversation so far; it keeps nothing between requests, as a model does not.
 */

/** A call of a tool that the model made before, with what came of it. */
export interface Past {
  readonly tool: string;
  readonly args: Record<string, unknown>;
  readonly result: string;
}

export interface Conversation {
  /** What it was told, joined. */
  readonly told: string;
  readonly past: readonly Past[];
  /** The names of the tools that it may call. */
  readonly tools: readonly string[];
}

/** What the model says next: words, or calls of tools. */
export type Reply = string | readonly { readonly tool: string; readonly args: Record<string, unknown> }[];
export type Script = (conversation: Conversation) => Reply;

interface ChatMessage {
  readonly role: string;
  readonly content?: string | { text?: string }[] | null;
  readonly tool_calls?: { id: string; function: { name: string; arguments: string } }[];
  readonly tool_call_id?: string;
}

interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly { function: { name: string } }[];
}

export class ScriptedModel {
  /** Each conversation as it was asked about. */
  readonly asked: Conversation[] = [];
  /** What the script threw: an agent only sees that a request failed. */
  readonly failures: unknown[] = [];
  readonly #script: Script;
  readonly #server = createServer((request, response) => void this.#respond(request, response));
  #calls = 0;

  private constructor(script: Script) {
    this.#script = script;
  }

  static async start(script: Script): Promise<ScriptedModel> {
    const model = new ScriptedModel(script);
    await new Promise<void>((resolve) => model.#server.listen(0, '127.0.0.1', resolve));
    return model;
  }

  /** The base URL, as clients of OpenAI's API take it. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    try {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as ChatRequest;
      const conversation = read(body);
      this.asked.push(conversation);
      const reply = this.#script(conversation);
      response.setHeader('content-type', 'text/event-stream');
      for (const event of this.#events(reply)) response.write(`data: ${JSON.stringify(event)}\n\n`);
      response.end('data: [DONE]\n\n');
    } catch (error) {
      this.failures.push(error);
      response.writeHead(500).end(JSON.stringify({ error: { message: String(error) } }));
    }
  }

  *#events(reply: Reply): Generator<object> {
    const base = { id: 'reply', object: 'chat.completion.chunk', created: 0, model: 'scripted' };
    const chunk = (delta: object, finish: string | null = null) => ({
      ...base,
      choices: [{ index: 0, delta, finish_reason: finish }],
    });
    if (typeof reply === 'string') {
      yield chunk({ role: 'assistant', content: reply });
      yield chunk({}, 'stop');
    } else {
      const calls = reply.map(({ tool, args }, index) => ({
        index,
        id: `call_${++this.#calls}`,
        type: 'function',
        function: { name: tool, arguments: JSON.stringify(args) },
      }));
      yield chunk({ role: 'assistant', tool_calls: calls });
      yield chunk({}, 'tool_calls');
    }
    yield { ...base, choices: [], usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 } };
  }
}

function read({ messages, tools = [] }: ChatRequest): Conversation {
  const results = new Map(messages.map((message) => [message.tool_call_id, textOf(message)]));
  const past = messages.flatMap((message) =>
    (message.tool_calls ?? []).map(({ id, function: call }) => ({
      tool: call.name,
      args: JSON.parse(call.arguments || '{}') as Record<string, unknown>,
      result: results.get(id) ?? '',
    })),
  );
  const told = messages.filter(({ role }) => role === 'user').map(textOf);
  return { told: told.join('\n'), past, tools: tools.map((tool) => tool.function.name) };
}

function textOf({ content }: ChatMessage): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map(({ text }) => text ?? '').join('');
}
