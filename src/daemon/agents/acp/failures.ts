/** The agent's work cannot go on; the message, which the person reads, says why and what to do. */
export class AgentFailure extends Error {
  override readonly name = 'AgentFailure';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
