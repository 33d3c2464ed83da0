import { type PromptResponse, RequestError } from '@agentclientprotocol/sdk/unstable';
import type { OutputEntry } from '../../output.ts';
import { AgentFailure, AUTH_REQUIRED, detailsOf, signedOut } from './failures.ts';
import type { Prompt } from './prompts.ts';
import { entry } from './session-log.ts';
import { pieces } from './texts.ts';

/** How a turn ended, in the protocol's words; an agent may have others. */
export type StopReason = PromptResponse['stopReason'] | (string & {});

const ENDS: Readonly<Record<string, string>> = {
  end_turn: 'The turn ended.',
  max_tokens: 'The turn was cut off: the agent came to its limit of tokens.',
  max_turn_requests: 'The turn was cut off: the agent came to its limit of requests.',
  refusal: 'The agent refused to go on.',
  cancelled: 'The turn was cancelled.',
};

/** The entries of what an agent is told. @param number makes it distinct among the prompts of the attempt */
export function promptEntries({ logged, upToSequence }: Prompt, number: number): OutputEntry[] {
  const parts = pieces(logged);
  const toolInput = upToSequence === undefined ? null : { upToSequence };
  return parts.map((content, index) => ({
    ...entry('USER', content, { toolInput }),
    ...(parts.length === 1 ? {} : { messageId: `prompt-${number}`, isPartial: index < parts.length - 1 }),
  }));
}

/** The entry of the end of a turn. */
export function turnEntry(reason: StopReason, used: { costUsd: number; durationMs: number }): OutputEntry {
  const isError = reason !== 'end_turn' && reason !== 'cancelled';
  const content = `${ENDS[reason] ?? 'The turn ended.'} (${reason})`;
  const costUsd = used.costUsd > 0 ? used.costUsd : null;
  return entry('RESULT', content, { isError, costUsd, durationMs: used.durationMs });
}

/** Why a turn failed that an agent answered with an error. */
export function turnFailure(command: string, error: unknown): unknown {
  if (!(error instanceof RequestError)) return error;
  if (error.code === AUTH_REQUIRED) return new AgentFailure(signedOut(command), { cause: error });
  return new AgentFailure(`${command} could not go on: ${error.message}${detailsOf(error)}`, {
    cause: error,
  });
}
