import {
  type ContentBlock,
  methods,
  PROTOCOL_VERSION,
  type PromptResponse,
  RequestError,
} from '@agentclientprotocol/sdk/unstable';
import { z } from 'zod';
import type { AcpProfile } from '../profiles.ts';
import { AgentFailure, AUTH_REQUIRED, detailsOf, signedOut } from './failures.ts';
import type { AcpProcess } from './process.ts';
import { entry, type SessionLog } from './session-log.ts';
import { type Configured, configure, configuredSchema } from './session-options.ts';

export interface SessionOptions {
  readonly process: AcpProcess;
  readonly log: SessionLog;
  readonly profile: AcpProfile;
  readonly cwd: string;
  readonly mcpServer: {
    name: string;
    command: string;
    args: string[];
    env: { name: string; value: string }[];
  };
  /** The session to go on in; null: a new one. */
  readonly resume: string | null;
  readonly clientVersion: string;
  readonly signal: AbortSignal;
}

const INITIALIZE_MS = 60_000;
const SESSION_MS = 120_000;

const capability = z
  .unknown()
  .optional()
  .transform((value) => value !== undefined && value !== null && value !== false);
const initializedSchema = z.object({
  protocolVersion: z.number(),
  agentCapabilities: z
    .object({
      loadSession: capability,
      sessionCapabilities: z.object({ resume: capability }).nullish().catch(undefined),
    })
    .nullish()
    .catch(undefined),
  authMethods: z
    .array(z.object({ name: z.string() }))
    .nullish()
    .catch(undefined),
});
type Initialized = z.infer<typeof initializedSchema>;

const newSessionSchema = z.object({ sessionId: z.string().min(1) });
const promptedSchema = z.object({ stopReason: z.string() });

/** A session of an agent, in a process that lives as long as this is used. */
export class AcpSession {
  readonly id: string;
  /** Whether it knows nothing of what was said before. */
  readonly isNew: boolean;
  readonly #options: SessionOptions;

  constructor(options: SessionOptions, id: string, isNew: boolean) {
    this.#options = options;
    this.id = id;
    this.isNew = isNew;
  }

  /**
   * Tells the agent something. Resolves at the end of its turn, with all that it said logged.
   * @throws RequestError when it answers with an error, AgentFailure when not at all
   */
  async prompt(parts: readonly string[]): Promise<PromptResponse> {
    const { process, log, signal } = this.#options;
    log.isReplay = false;
    const prompt: ContentBlock[] = parts.map((text) => ({ type: 'text', text }));
    const params = { sessionId: this.id, prompt };
    const asked: Promise<PromptResponse> = process.agent.request(methods.agent.session.prompt, params);
    const response = await process.answer(asked, 'in the middle of a turn', { signal });
    understood(process, promptedSchema, response, 'at the end of a turn');
    return response;
  }

  /** Asks the agent to end its turn. */
  async cancel(): Promise<void> {
    const { agent } = this.#options.process;
    await agent.notify(methods.agent.session.cancel, { sessionId: this.id }).catch(() => undefined);
  }
}

/**
 * Opens a session: the one to go on in, else a new one.
 * @throws AgentFailure saying what to do, when there can be none
 */
export async function openSession(options: SessionOptions): Promise<AcpSession> {
  const initialized = await initialize(options);
  const resumed = options.resume === null ? null : await resume(options, initialized, options.resume);
  if (resumed) return resumed;
  return create(options, initialized);
}

async function initialize(options: SessionOptions): Promise<Initialized> {
  const { process, clientVersion } = options;
  const asked = process.agent.request(methods.agent.initialize, {
    protocolVersion: PROTOCOL_VERSION,
    clientInfo: { name: 'taskmesh', title: 'Taskmesh', version: clientVersion },
    clientCapabilities: {
      fs: { readTextFile: false, writeTextFile: false },
      terminal: false,
      elicitation: { form: {}, url: {} },
    },
  });
  const answer = await answered(options, asked, 'while it was being initialized', INITIALIZE_MS);
  const initialized = understood(process, initializedSchema, answer, 'when it was initialized');
  if (initialized.protocolVersion !== PROTOCOL_VERSION) {
    throw new AgentFailure(
      `${process.command} speaks version ${initialized.protocolVersion} of the Agent Client Protocol, this daemon version ${PROTOCOL_VERSION}. Update the older of the two.`,
    );
  }
  return initialized;
}

/** @returns null when the agent cannot, or has the session no more */
async function resume(
  options: SessionOptions,
  initialized: Initialized,
  sessionId: string,
): Promise<AcpSession | null> {
  const { process, log, cwd, mcpServer } = options;
  const can = initialized.agentCapabilities;
  const params = { sessionId, cwd, mcpServers: [mcpServer] };
  log.sessionId = sessionId;
  log.isReplay = true;
  try {
    let answer: unknown;
    if (can?.sessionCapabilities?.resume)
      answer = await signedIn(options, () => process.agent.request(methods.agent.session.resume, params));
    else if (can?.loadSession)
      answer = await signedIn(options, () => process.agent.request(methods.agent.session.load, params));
    else return null;
    await configure(options, sessionId, configured(answer));
    return new AcpSession(options, sessionId, false);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    await log.add(entry('SYSTEM', `Its session could not be taken up again: ${error.message}.`));
    return null;
  }
}

async function create(options: SessionOptions, initialized: Initialized): Promise<AcpSession> {
  const { process, log, cwd, mcpServer } = options;
  log.sessionId = null;
  let answer: unknown;
  try {
    const params = { cwd, mcpServers: [mcpServer] };
    answer = await signedIn(options, () => process.agent.request(methods.agent.session.new, params));
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw new AgentFailure(refusal(process.command, error, initialized), { cause: error });
  }
  const { sessionId } = understood(process, newSessionSchema, answer, 'when it was to open a session');
  log.sessionId = sessionId;
  log.meter.newSession();
  await configure(options, sessionId, configured(answer));
  return new AcpSession(options, sessionId, true);
}

function refusal(command: string, error: RequestError, { authMethods }: Initialized): string {
  if (error.code !== AUTH_REQUIRED) return `${command} opened no session: ${error.message}.`;
  return signedOut(
    command,
    (authMethods ?? []).map(({ name }) => name),
  );
}

function configured(answer: unknown): Configured {
  return configuredSchema.parse(answer ?? {});
}

/** Asks for a session, and once more after signing in when the agent wants that first and the profile says how. */
async function signedIn<T>(options: SessionOptions, ask: () => Promise<T>): Promise<T> {
  const { process, profile } = options;
  const { authMethod: methodId } = profile;
  const opened = () => answered(options, ask(), 'while it was opening a session', SESSION_MS);
  try {
    return await opened();
  } catch (error) {
    const isSignedOut = error instanceof RequestError && error.code === AUTH_REQUIRED;
    if (!isSignedOut || methodId === undefined) throw error;
  }
  const asked = process.agent.request(methods.agent.authenticate, { methodId });
  try {
    await answered(options, asked, 'while it was signing in', SESSION_MS);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw new AgentFailure(
      `${process.command} could not sign in by ${methodId}: ${error.message}${detailsOf(error)}. ${signedOut(process.command)}`,
      { cause: error },
    );
  }
  return opened();
}

async function answered<T>(
  { process, profile, signal }: SessionOptions,
  asked: Promise<T>,
  doing: string,
  defaultMs: number,
): Promise<T> {
  const { startTimeoutSeconds } = profile;
  const timeoutMs = startTimeoutSeconds === undefined ? defaultMs : startTimeoutSeconds * 1_000;
  return process.answer(asked, doing, { timeoutMs, signal });
}

/** @throws AgentFailure when an answer is not what the protocol says */
function understood<T>(process: AcpProcess, schema: z.ZodType<T>, answer: unknown, when: string): T {
  const read = schema.safeParse(answer);
  if (read.success) return read.data;
  throw new AgentFailure(
    `${process.command} answered ${when} with what the protocol does not know: ${z.prettifyError(read.error)}`,
  );
}
