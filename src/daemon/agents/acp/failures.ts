import type { RequestError } from '@agentclientprotocol/sdk/unstable';

/** The agent's work cannot go on; the message, which the person reads, says why and what to do. */
export class AgentFailure extends Error {
  override readonly name = 'AgentFailure';
}

/** The code of the protocol for an agent that has to be signed in first. */
export const AUTH_REQUIRED = -32_000;

/** @param ways how the agent can be signed in, as it calls them */
export function signedOut(command: string, ways: readonly string[] = []): string {
  const by = ways.length > 0 ? ` (${ways.join('; ')})` : '';
  return `${command} is not signed in. Sign it in on the daemon's machine, as the user whom the daemon runs as${by}.`;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What an agent says about its error besides the message; empty when nothing. */
export function detailsOf({ data }: RequestError): string {
  return data === undefined || data === null ? '' : ` ${JSON.stringify(data).slice(0, 2_000)}`;
}
