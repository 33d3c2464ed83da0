import type { PromptResponse } from '@agentclientprotocol/sdk/unstable';
import { z } from 'zod';

/** What an attempt has used so far. */
export interface Usage {
  readonly costUsd: number;
  readonly tokens: number;
}

const MAX_COST_USD = 1_000_000;
const MAX_TOKENS = 2_000_000_000;

/** Where Gemini's CLI tells its tokens. */
const quotaSchema = z.object({
  quota: z.object({ token_count: z.object({ input_tokens: z.number(), output_tokens: z.number() }) }),
});

/**
 * Adds up what an agent says it used. Tokens come with the end of a turn, for that turn; the cost as the total
 * of the session, which may have been gone on with from an earlier attempt and may begin anew with a process.
 */
export class UsageMeter {
  #costUsd = 0;
  #tokens = 0;
  #sessionCost = 0;

  get total(): Usage {
    return { costUsd: this.#costUsd, tokens: this.#tokens };
  }

  /** A session was taken up that has cost this much before: not ours to count. */
  isCostBefore(amount: number): void {
    if (Number.isFinite(amount) && amount >= 0) this.#sessionCost = amount;
  }

  /** The session has cost this much so far. */
  sessionCosts(amount: number): void {
    if (!Number.isFinite(amount) || amount < 0) return;
    // Less than before: the agent counts from its own start.
    const added = amount >= this.#sessionCost ? amount - this.#sessionCost : amount;
    this.#sessionCost = amount;
    this.#costUsd = Math.min(this.#costUsd + added, MAX_COST_USD);
  }

  /** A session that has cost nothing yet. */
  newSession(): void {
    this.#sessionCost = 0;
  }

  turnUsed(response: PromptResponse): void {
    const tokens = Math.round(tokensOf(response));
    if (tokens > 0) this.#tokens = Math.min(this.#tokens + tokens, MAX_TOKENS);
  }
}

function tokensOf({ usage, _meta }: PromptResponse): number {
  if (usage) return usage.totalTokens;
  const quota = quotaSchema.safeParse(_meta);
  if (!quota.success) return 0;
  const { input_tokens, output_tokens } = quota.data.quota.token_count;
  return input_tokens + output_tokens;
}
