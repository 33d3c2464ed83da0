import { invalidInput } from '../platform/errors.ts';
import { optionalText } from '../platform/text.ts';
import type { Contract } from './contract.entity.ts';

/** What an owner decides about a contract, at its opening or later. What is left out is not decided here. */
export interface SettingsInput {
  readonly localOnly?: boolean | null | undefined;
  readonly redTeamEnabled?: boolean | null | undefined;
  readonly redTeamPrompt?: string | null | undefined;
  readonly redTeamAgent?: string | null | undefined;
  readonly budgetUsd?: number | null | undefined;
}

const MAX_BUDGET = 10_000_000;

/**
 * The settings that were given.
 * @throws DomainError INVALID_INPUT naming the field
 */
export function checkSettings(
  input: SettingsInput,
): Partial<Pick<Contract, 'localOnly' | 'redTeamEnabled' | 'redTeamPrompt' | 'redTeamAgent' | 'budgetUsd'>> {
  const { localOnly, redTeamEnabled, redTeamPrompt, redTeamAgent, budgetUsd } = input;
  return {
    ...(localOnly == null ? {} : { localOnly }),
    ...(redTeamEnabled == null ? {} : { redTeamEnabled }),
    ...(redTeamPrompt == null
      ? {}
      : { redTeamPrompt: optionalText(redTeamPrompt, 'redTeamPrompt', 100_000) }),
    ...(redTeamAgent == null ? {} : { redTeamAgent: optionalText(redTeamAgent, 'redTeamAgent', 100) }),
    ...(budgetUsd == null ? {} : { budgetUsd: checkBudget(budgetUsd) }),
  };
}

/** 0 stands for no limit: null, in an input, for not changing it. */
function checkBudget(budgetUsd: number): number | null {
  if (budgetUsd >= 0 && budgetUsd <= MAX_BUDGET) return budgetUsd === 0 ? null : budgetUsd;
  throw invalidInput('budgetUsd', `budgetUsd is ${budgetUsd}; it must lie between 0 and ${MAX_BUDGET}.`);
}
