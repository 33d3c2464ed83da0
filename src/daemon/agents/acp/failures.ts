import type { RequestError } from '@agentclientprotocol/sdk/unstable';

/** The agent's work cannot go on; the message, which the person reads, says why and what to do. */
export class AgentFailure extends Error {
  override readonly name = 'AgentFailure';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What an agent says about its error besides the message; empty when nothing. */
export function detailsOf({ data }: RequestError): string {
  return data === undefined || data === null ? '' : ` ${JSON.stringify(data).slice(0, 2_000)}`;
}
