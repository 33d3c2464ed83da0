import type {
  PermissionOption,
  PermissionOptionKind,
  RequestPermissionRequest,
  RequestPermissionResponse,
} from '@agentclientprotocol/sdk/unstable';
import type { PersonAnswer, PersonQuestion } from '../conversation.ts';
import type { PermissionPolicy } from '../profiles.ts';
import { messageOf } from './failures.ts';
import { isOwnTool } from './own-tools.ts';
import { entry, type SessionLog } from './session-log.ts';
import { loggedInput, shortened, textOf } from './texts.ts';
import { toolName } from './tool-calls.ts';
import { readToolCall, type ToolCallUpdate } from './update-schema.ts';

export interface PermissionOptions {
  readonly policy: PermissionPolicy;
  readonly log: SessionLog;
  readonly ask: (question: PersonQuestion, signal: AbortSignal) => Promise<PersonAnswer | null>;
  /** Something that the agent is to be told with its next prompt. */
  readonly tell: (text: string) => void;
}

const CANCELLED: RequestPermissionResponse = { outcome: { outcome: 'cancelled' } };
/** The least that is enough comes first. */
const ALLOWING: readonly PermissionOptionKind[] = ['allow_once', 'allow_always'];
const REJECTING: readonly PermissionOptionKind[] = ['reject_once', 'reject_always'];
const MAX_CONTEXT_CHARS = 20_000;

/**
 * Answers a request for permission by the profile's policy. No answer, and no clear answer, is never consent.
 */
export async function decide(
  options: PermissionOptions,
  request: RequestPermissionRequest,
  signal: AbortSignal,
): Promise<RequestPermissionResponse> {
  const { policy, log } = options;
  const call = await log.show(readToolCall(request.toolCall));
  const allowing = first(request.options, ALLOWING);
  if (allowing && isOwnTool(call, request._meta)) return selected(allowing);
  const title = shortened(call.title ?? toolName(call), 500);
  if (policy === 'ask') return askPerson(options, request, { call, title, signal });
  const option = policy === 'allow' ? allowing : first(request.options, REJECTING);
  const decided = policy === 'allow' ? 'Allowed' : 'Refused';
  await log.add(entry('SYSTEM', `${decided}, as the agent's profile says: ${title}`));
  return option ? selected(option) : CANCELLED;
}

async function askPerson(
  { log, ask, tell }: PermissionOptions,
  { options }: RequestPermissionRequest,
  about: { call: ToolCallUpdate; title: string; signal: AbortSignal },
): Promise<RequestPermissionResponse> {
  const { title, signal } = about;
  const names = new Map(options.map((option) => [option.name.trim().slice(0, 500), option]));
  names.delete('');
  const question: PersonQuestion = {
    question: `The agent asks for permission: ${title}`,
    choices: [...names.keys()].slice(0, 50),
    context: contextOf(about.call),
    isPermission: true,
  };
  const rejecting = first(options, REJECTING);
  const rejected = rejecting ? selected(rejecting) : CANCELLED;
  let answer: PersonAnswer | null;
  try {
    answer = await ask(question, signal);
  } catch (error) {
    signal.throwIfAborted();
    await log.add(entry('ERROR', `The person could not be asked: ${messageOf(error)}`, { isError: true }));
    return rejected;
  }
  if (answer === null) {
    await log.add(entry('SYSTEM', `Refused, since nobody answered in time: ${title}`));
    return rejected;
  }
  const chosen = names.get(answer.choices[0] ?? '');
  if (answer.text) tell(`You asked for permission: ${title}\nThe person answered: ${answer.text}`);
  if (chosen) return selected(chosen);
  await log.add(entry('SYSTEM', `Refused, since none of the choices was taken: ${title}`));
  return rejected;
}

function first(
  options: readonly PermissionOption[],
  kinds: readonly PermissionOptionKind[],
): PermissionOption | undefined {
  for (const kind of kinds) {
    const found = options.find((option) => option.kind === kind);
    if (found) return found;
  }
  return undefined;
}

function selected({ optionId }: PermissionOption): RequestPermissionResponse {
  return { outcome: { outcome: 'selected', optionId } };
}

/** What the person has to see to decide. */
function contextOf(call: ToolCallUpdate): string | undefined {
  const input = loggedInput(call);
  const parts = [
    input === null ? null : JSON.stringify(input, null, 2),
    ...(call.content ?? []).map((content) => ('content' in content ? textOf(content.content) : null)),
    ...(call.content ?? []).map((content) =>
      'newText' in content ? `${content.path}\n${content.newText}` : null,
    ),
  ];
  const text = parts.filter((part) => part !== null && part !== '').join('\n\n');
  return text === '' ? undefined : shortened(text, MAX_CONTEXT_CHARS);
}
