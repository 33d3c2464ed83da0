import {
  type CallToolResult,
  type ProgressToken,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { inputFor, readArguments, schemaOf } from './arguments.ts';
import { Call } from './call.ts';
import { toolsFor } from './catalogue.ts';
import { explain, isUnresolved } from './failures.ts';
import { compact, render } from './render.ts';
import { callKey, Repeats } from './repeats.ts';
import type { Identity, Session } from './session.ts';
import { type Effect, type Outcome, ROLES, type Role, type Tool } from './tool.ts';

/** How often at least a client that wants to know is told that a call still runs, which restarts its clock. Milliseconds. */
const PROGRESS_MS = 10_000;

export interface ServerOptions {
  readonly session: Session;
  readonly version: string;
  /** How long one call waits: less than the shortest timeout of a client. */
  readonly maxWaitSeconds: number;
  /** Has something done once the result of a request is with the client. */
  readonly whenDelivered: (requestId: string | number, then: () => void) => void;
}

/** The MCP server: the tools that the key may use, and what becomes of a call. */
export function createMcpServer(options: ServerOptions): Server {
  const { session } = options;
  const repeats = new Repeats();
  const server = new Server(
    { name: 'taskmesh', title: 'Taskmesh', version: options.version },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS },
  );
  server.setRequestHandler('tools/list', async () => {
    const { role } = await known(session);
    return { tools: [...toolsFor(role).values()].map((tool) => describe(tool, role)) };
  });
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    if (session.over) return failed(session.over);
    let identity: Identity;
    try {
      identity = await session.identity();
    } catch (error) {
      session.note(error);
      return failed(session.over ?? explain(error));
    }
    const tool = toolsFor(identity.role).get(params.name);
    if (!tool) throw unknownTool(params.name, identity.role);
    return run(tool, params.arguments ?? {}, { ...options, identity, repeats, context });
  });
  return server;
}

interface Running extends ServerOptions {
  readonly identity: Identity;
  readonly repeats: Repeats;
  readonly context: ServerContext;
}

async function run(tool: Tool, given: Record<string, unknown>, running: Running): Promise<CallToolResult> {
  const { session, identity, repeats, context, maxWaitSeconds } = running;
  const { signal, id, _meta } = context.mcpReq;
  const stopProgress = tellProgress(context, _meta?.progressToken, maxWaitSeconds);
  let settle: () => void = () => undefined;
  try {
    const input = readArguments(tool.name, inputFor(tool, identity.role), given);
    const key = callKey(tool.name, input);
    const requestId = repeats.idFor(key);
    settle = () => repeats.settle(key, requestId);
    const { contractId, ...rest } = input as { contractId?: string };
    const call = new Call({
      client: session.client,
      identity,
      contractId,
      requestId,
      maxWaitSeconds,
      signal,
    });
    const outcome = await tool.run((tool.isOfContract ? rest : input) as never, call);
    // A result that nobody waits for any more is not sent: the same again is to find it.
    if (!outcome.unresolved && !signal.aborted) settle();
    const { onDelivered } = outcome;
    if (onDelivered) running.whenDelivered(id, () => void onDelivered().catch(session.note.bind(session)));
    return result(outcome);
  } catch (error) {
    // Nobody reads what is said to a call that was cancelled; the same again takes it up.
    if (signal.aborted) throw error;
    session.note(error);
    if (!isUnresolved(error)) settle();
    return failed(session.over ?? explain(error));
  } finally {
    stopProgress();
  }
}

function result({ data }: Outcome): CallToolResult {
  const structuredContent = compact(data);
  return { content: [{ type: 'text', text: render(structuredContent) }], structuredContent };
}

/** Only as text: clients show a model the text of a failure. */
function failed(text: string): CallToolResult {
  return { isError: true, content: [{ type: 'text', text }] };
}

function describe(tool: Tool, role: Role) {
  const { name, title, description } = tool;
  const inputSchema = schemaOf(inputFor(tool, role));
  return { name, title, description, inputSchema, annotations: { title, ...HINTS[tool.effect] } };
}

const HINTS: Readonly<Record<Effect, object>> = {
  reads: { readOnlyHint: true, openWorldHint: false },
  changes: { readOnlyHint: false, destructiveHint: false, openWorldHint: false },
  destroys: { readOnlyHint: false, destructiveHint: true, openWorldHint: false },
};

const INSTRUCTIONS =
  'Taskmesh runs contracts: pieces of software work on git repositories, by a supervisor agent and its tasks. These are ' +
  'the tools of your part in it. A tool that waits returns within a minute; when it says so, call it again. A tool that ' +
  'fails says what to do; after a cut connection the same call again does nothing twice.';

/** A client that asks for the tools while the server is away, or with a refused key, is told in the protocol's way. */
async function known(session: Session): Promise<Identity> {
  try {
    return await session.identity();
  } catch (error) {
    session.note(error);
    throw new ProtocolError(ProtocolErrorCode.InternalError, session.over ?? explain(error));
  }
}

function unknownTool(name: string, role: Role): ProtocolError {
  const there = [...toolsFor(role).keys()].join(', ');
  const exists = ROLES.some((other) => toolsFor(other).has(name));
  const why = exists ? `${name} is not for a ${WHO[role]}.` : `There is no tool ${name}.`;
  return new ProtocolError(ProtocolErrorCode.InvalidParams, `${why} There is: ${there}.`);
}

const WHO: Readonly<Record<Role, string>> = {
  SUPERVISOR: 'supervisor',
  WORK: 'work task',
  RED_TEAM: 'red team',
  USER: 'person',
};

function tellProgress(
  context: ServerContext,
  progressToken: ProgressToken | undefined,
  maxWaitSeconds: number,
): () => void {
  if (progressToken === undefined) return () => undefined;
  const startedAt = performance.now();
  const everyMs = Math.min(PROGRESS_MS, (maxWaitSeconds * 1_000) / 3);
  const timer = setInterval(() => {
    const progress = Math.round((performance.now() - startedAt) / 1_000);
    const params = { progressToken, progress, total: maxWaitSeconds, message: `waiting for ${progress} s` };
    void context.mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined);
  }, everyMs);
  return () => clearInterval(timer);
}
