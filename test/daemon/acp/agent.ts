import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type AgentContext,
  agent,
  type CreateElicitationRequest,
  methods,
  ndJsonStream,
  type PromptResponse,
  RequestError,
  type RequestPermissionRequest,
  type SessionUpdate,
} from '@agentclientprotocol/sdk/unstable';

/*
 * An agent for tests, by the SDK's own agent side. It does what the lines of a prompt say that begin with `>`, or
 * with `2>` for the second prompt of its session only; what it is retold of an earlier session it does not do again.
 * Flags choose what it can: --load, --resume, --forgetful (loads no session), --mute (initialize), --stuck (session),
 * --signed-out, --old. What it hears goes to the file TRACE; its sessions are in the directory SESSIONS.
 */

const flags = new Set(process.argv.slice(2));
const { SESSIONS = '.', TRACE } = process.env;

interface Session {
  turns: number;
  /** What it was told to do in certain turns. */
  later: string[];
  cost: number;
}

/** Never: what it was asked it does not answer. */
const never = () => new Promise<never>(() => setInterval(() => undefined, 60_000));

function trace(what: string, value: unknown): void {
  if (TRACE) appendFileSync(TRACE, `${JSON.stringify({ what, value })}\n`);
}

const fileOf = (id: string) => join(SESSIONS, `${id}.json`);
const read = (id: string): Session => JSON.parse(readFileSync(fileOf(id), 'utf8'));
const store = (id: string, session: Session) => writeFileSync(fileOf(id), JSON.stringify(session));

let cancel = Promise.withResolvers<void>();
let last = '';
let signedIn = false;

const options = {
  modes: {
    currentModeId: 'careful',
    availableModes: [
      { id: 'careful', name: 'Careful' },
      { id: 'bold', name: 'Bold' },
    ],
  },
  configOptions: [
    {
      id: 'llm',
      name: 'Model',
      category: 'model',
      type: 'select' as const,
      currentValue: 'small',
      options: [
        { value: 'small', name: 'Small' },
        { value: 'large', name: 'Large' },
      ],
    },
  ],
};

/** What a turn is made of. */
interface Turn {
  readonly sessionId: string;
  readonly client: AgentContext;
  readonly session: Session;
  response: PromptResponse;
}

const text = (content: string) => ({ type: 'text' as const, text: content });

function update({ client, sessionId }: Turn, value: SessionUpdate): Promise<void> {
  return client.notify(methods.client.session.update, { sessionId, update: value });
}

const say = (turn: Turn, words: string, messageId?: string) =>
  update(turn, {
    sessionUpdate: 'agent_message_chunk',
    content: text(words),
    ...(messageId ? { messageId } : {}),
  });

/** Calls the API with the key that it was given, as the Taskmesh MCP server would. */
async function mutate(name: string, input: object): Promise<unknown> {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
  const response = await fetch(process.env.TASKMESH_URL ?? '', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${process.env.TASKMESH_TOOL_KEY}` },
    body: JSON.stringify({
      query: `mutation($input: ${type}!) { ${name}(input: $input) { __typename } }`,
      variables: { input },
    }),
  });
  return response.json();
}

/** What it can be told to do. A word that is no command is an error, so that no test passes for a misspelt one. */
const COMMANDS: Record<string, (turn: Turn, rest: string) => Promise<unknown>> = {
  say: (turn, rest) => say(turn, rest),
  think: (turn, rest) => update(turn, { sessionUpdate: 'agent_thought_chunk', content: text(rest) }),
  /** N chunks of a message, some milliseconds apart. */
  stream: async (turn, rest) => {
    const [count, ms] = rest.split(' ').map(Number);
    for (let n = 1; n <= Number(count); n += 1) {
      await say(turn, `${n} `, 'streamed');
      if (ms) await delay(ms);
    }
  },
  /** One chunk of so many characters. */
  long: (turn, rest) => say(turn, 'é'.repeat(Number(rest))),
  tool: async (turn, rest) => {
    const [name = '', result = ''] = rest.split(' -> ');
    const call = { toolCallId: `call-${name}`, title: `Runs ${name}`, kind: 'execute' as const };
    await update(turn, { sessionUpdate: 'tool_call', ...call, status: 'pending', rawInput: {} });
    await update(turn, {
      sessionUpdate: 'tool_call_update',
      toolCallId: call.toolCallId,
      rawInput: { command: name },
    });
    await delay(30);
    const status = result === 'fails' ? 'failed' : 'completed';
    const content = [{ type: 'content' as const, content: text(result) }];
    await update(turn, { sessionUpdate: 'tool_call_update', toolCallId: call.toolCallId, status, content });
    await update(turn, { sessionUpdate: 'tool_call_update', toolCallId: call.toolCallId, title: 'late' });
  },
  /** A call that takes so long, and is not cut off by a cancelled turn. */
  busy: async (turn, rest) => {
    const call = { toolCallId: 'busy', title: 'Is busy', status: 'in_progress' as const };
    await update(turn, { sessionUpdate: 'tool_call', ...call });
    await delay(Number(rest));
    await update(turn, { sessionUpdate: 'tool_call_update', toolCallId: 'busy', status: 'completed' });
  },
  open: (turn, rest) =>
    update(turn, { sessionUpdate: 'tool_call', toolCallId: rest, title: rest, status: 'in_progress' }),
  edit: (turn) =>
    update(turn, {
      sessionUpdate: 'tool_call',
      toolCallId: 'edit',
      title: 'Edits a.txt',
      kind: 'edit',
      status: 'completed',
      content: [{ type: 'diff', path: '/a.txt', oldText: 'one\ntwo\nthree', newText: 'one\n2\nthree' }],
    }),
  plan: (turn, rest) =>
    update(turn, {
      sessionUpdate: 'plan',
      entries: rest.split(', ').map((content, index) => ({
        content,
        priority: 'medium',
        status: index === 0 ? 'completed' : index === 1 ? 'in_progress' : 'pending',
      })),
    }),
  stderr: async (_, rest) => process.stderr.write(`${rest}\n`),
  raw: async (_, rest) => process.stdout.write(`${rest}\n`),
  noise: async (_, rest) => process.stdout.write('this is not JSON\n'.repeat(Number(rest))),
  huge: async (_, rest) =>
    process.stdout.write(`{"jsonrpc":"2.0","method":"x","params":"${'x'.repeat(Number(rest))}"}\n`),
  update: (turn, rest) =>
    turn.client.notify('session/update', { sessionId: turn.sessionId, update: JSON.parse(rest) }),
  cost: async (turn, rest) => {
    turn.session.cost += Number(rest);
    store(turn.sessionId, turn.session);
    const cost = { amount: turn.session.cost, currency: 'USD' };
    await update(turn, { sessionUpdate: 'usage_update', used: 1, size: 2, cost });
  },
  tokens: async (turn, rest) => {
    turn.response.usage = { totalTokens: Number(rest), inputTokens: 0, outputTokens: Number(rest) };
  },
  quota: async (turn, rest) => {
    const [input_tokens, output_tokens] = rest.split(' ').map(Number);
    turn.response._meta = { quota: { token_count: { input_tokens, output_tokens } } };
  },
  permission: async (turn, rest) => {
    const [title = '', kinds = 'allow_once allow_always reject_once'] = rest.split(' | ');
    const names: Record<string, string> = {
      allow_once: 'Yes',
      allow_always: 'Always',
      reject_once: 'No',
      reject_always: 'Never',
    };
    const request: RequestPermissionRequest = {
      sessionId: turn.sessionId,
      toolCall: { toolCallId: title, title, rawInput: { command: title } },
      options: kinds.split(' ').map((kind) => ({
        optionId: `option ${kind}`,
        name: names[kind] ?? kind,
        kind: kind as 'allow_once',
      })),
    };
    const { outcome } = await turn.client.request(methods.client.session.requestPermission, request);
    await say(turn, `permission: ${outcome.outcome === 'selected' ? outcome.optionId : outcome.outcome}`);
  },
  /** Asks, as Claude's adapter does, for a tool of the Taskmesh MCP server. */
  own: async (turn, rest) => {
    const request: RequestPermissionRequest = {
      sessionId: turn.sessionId,
      toolCall: { toolCallId: rest, title: rest, _meta: { claudeCode: { mcpServer: { name: 'taskmesh' } } } },
      options: [
        { optionId: 'yes', name: 'Yes', kind: 'allow_once' },
        { optionId: 'no', name: 'No', kind: 'reject_once' },
      ],
    };
    const { outcome } = await turn.client.request(methods.client.session.requestPermission, request);
    await say(turn, `own: ${outcome.outcome === 'selected' ? outcome.optionId : outcome.outcome}`);
  },
  elicit: async (turn, rest) => {
    const answer = await turn.client.request(methods.client.elicitation.create, {
      sessionId: turn.sessionId,
      mode: 'form',
      message: 'What now?',
      requestedSchema: JSON.parse(rest),
    });
    await say(turn, `elicited: ${JSON.stringify(answer)}`);
  },
  visit: async (turn, rest) => {
    const request: CreateElicitationRequest = {
      sessionId: turn.sessionId,
      mode: 'url',
      elicitationId: 'e',
      url: rest,
      message: 'Go there.',
    };
    const { action } = await turn.client.request(methods.client.elicitation.create, request);
    await say(turn, `visited: ${action}`);
  },
  forbidden: async (turn) => {
    const params = { sessionId: turn.sessionId, path: '/etc/passwd' };
    const asked = turn.client.request(methods.client.fs.readTextFile, params);
    await say(
      turn,
      `refused: ${await asked.then(
        () => 'no',
        (error: RequestError) => error.code,
      )}`,
    );
  },
  mutate: async (_, rest) => {
    const [name = '', ...input] = rest.split(' ');
    trace(name, await mutate(name, JSON.parse(input.join(' '))));
  },
  write: async (_, rest) => {
    const [file = '', ...content] = rest.split(' ');
    writeFileSync(file, `${content.join(' ')}\n`);
  },
  env: async (turn) => {
    const names = Object.keys(process.env).filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name));
    await say(turn, names.toSorted().join(' '));
  },
  /** A grandchild that is deaf to SIGTERM. */
  litter: async () => {
    spawn('/bin/sh', ['-c', "trap '' TERM; while :; do sleep 0.2; done"], {
      stdio: 'ignore',
      detached: true,
    });
    await delay(100);
  },
  until: async (_, rest) => {
    while (!existsSync(rest)) await delay(20);
  },
  wait: async (_, rest) => delay(Number(rest)),
  /** Until the turn is cancelled. */
  hang: async () => cancel.promise,
  /** Whatever happens. */
  deaf: never,
  exit: async (_, rest) => {
    await delay(50);
    process.exit(Number(rest));
  },
  stop: async (turn, rest) => {
    turn.response.stopReason = rest as 'refusal';
  },
  error: async (_, rest) => {
    throw new RequestError(-32_603, rest, { hint: 'try later' });
  },
};

async function prompt(turn: Turn, blocks: readonly string[]): Promise<PromptResponse> {
  turn.session.turns += 1;
  cancel = Promise.withResolvers();
  let cancelled = false;
  void cancel.promise.then(() => {
    cancelled = true;
  });
  const lines = blocks.flatMap((block) => block.split('\n')).filter((line) => /^\d*> /.test(line));
  const due = [...turn.session.later, ...lines];
  turn.session.later = due.filter((line) => !line.startsWith('>'));
  store(turn.sessionId, turn.session);
  for (const line of due) {
    const match = /^(\d*)> (\w+) ?(.*)$/.exec(line);
    if (!match || (match[1] && Number(match[1]) !== turn.session.turns)) continue;
    const command = COMMANDS[match[2] ?? ''];
    if (!command) throw new RequestError(-32_600, `no command ${line}`);
    await command(turn, match[3] ?? '');
    if (cancelled) return { stopReason: 'cancelled' };
  }
  return turn.response;
}

process.on('SIGTERM', () => process.exit(143));
mkdirSync(SESSIONS, { recursive: true });

agent({ name: 'test agent' })
  .onRequest(methods.agent.initialize, ({ params }) => {
    trace('initialize', params);
    trace('start', process.env.TASKMESH_TASK_ID);
    if (flags.has('--mute')) return never();
    return {
      protocolVersion: flags.has('--old') ? 0 : 1,
      authMethods: [{ id: 'login', name: 'Run agent login' }],
      agentCapabilities: {
        loadSession: flags.has('--load'),
        ...(flags.has('--resume') ? { sessionCapabilities: { resume: {} } } : {}),
      },
    };
  })
  .onRequest(methods.agent.session.new, ({ params }) => {
    trace('new', params);
    if (flags.has('--stuck')) return never();
    if (flags.has('--signed-out') && !signedIn) throw RequestError.authRequired();
    const sessionId = `session-${process.pid}-${Date.now()}`;
    store(sessionId, { turns: 0, later: [], cost: 0 });
    return { sessionId, ...options };
  })
  .onRequest(methods.agent.authenticate, ({ params }) => {
    if (params.methodId !== 'key') throw new RequestError(-32_603, 'no key is set');
    signedIn = true;
  })
  .onRequest(methods.agent.session.load, async ({ params, client }) => {
    trace('load', params);
    if (flags.has('--forgetful')) throw RequestError.sessionNotFound(params.sessionId);
    const turn = {
      sessionId: params.sessionId,
      client,
      session: read(params.sessionId),
      response: { stopReason: 'end_turn' as const },
    };
    await update(turn, { sessionUpdate: 'user_message_chunk', content: text('replayed question') });
    await say(turn, 'replayed answer');
    const cost = { amount: turn.session.cost, currency: 'USD' };
    await update(turn, { sessionUpdate: 'usage_update', used: 1, size: 2, cost });
    return options;
  })
  .onRequest(methods.agent.session.resume, ({ params }) => {
    trace('resume', params);
    read(params.sessionId);
    return options;
  })
  .onRequest(methods.agent.session.setMode, ({ params }) => {
    trace('mode', params.modeId);
    return {};
  })
  .onRequest(methods.agent.session.setConfigOption, ({ params }) => {
    trace('config', params);
    return { configOptions: options.configOptions };
  })
  .onNotification(methods.agent.session.cancel, () => {
    trace('cancel', process.env.TASKMESH_TASK_ID);
    cancel.resolve();
  })
  .onRequest(methods.agent.session.prompt, ({ params, client }) => {
    const blocks = params.prompt.map((block) => ('text' in block ? block.text : ''));
    const { sessionId } = params;
    trace('prompt', [process.env.TASKMESH_TASK_ID, blocks]);
    if (sessionId !== last) trace('session', [process.env.TASKMESH_TASK_ID, sessionId]);
    last = sessionId;
    const turn: Turn = { sessionId, client, session: read(sessionId), response: { stopReason: 'end_turn' } };
    return prompt(
      turn,
      blocks.filter((block) => !block.startsWith('This is a new session')),
    );
  })
  .connect(
    ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin) as ReadableStream<Uint8Array>),
  );
