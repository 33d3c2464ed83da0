import type { Command } from 'commander';
import type { Cli } from './cli.ts';
import { dollars } from './help.ts';
import { givenText } from './text-input.ts';

/** What `contract create` and `contract update` have in common. */
export interface SettingsOptions {
  agent?: string;
  budget?: number;
  redTeam?: boolean;
  redTeamAgent?: string;
  redTeamPrompt?: string;
  redTeamPromptFile?: string;
}

/** @param isNew whether the contract is yet to be opened: then its red team is not there to be taken away */
export function settingsOptions(command: Command, isNew: boolean): Command {
  command
    .option(
      '--budget <usd>',
      isNew
        ? 'what it may cost, in US dollars; past it nothing starts and you are asked (default: no limit)'
        : 'what it may cost, in US dollars; 0: no limit; raised, work goes on',
      dollars,
    )
    .option('--red-team', 'have a red team watch the work tasks and warn the supervisor');
  if (!isNew) command.option('--no-red-team', 'no red team from now on');
  return command
    .option('--red-team-agent <profile>', 'who that is (default: the agent of the contract)')
    .option('--red-team-prompt <text>', 'what it is to look for besides')
    .option('--red-team-prompt-file <file>', 'the same in a file, - for stdin');
}

/** As the API takes it, without what was not given. */
export async function settingsOf(cli: Cli, options: SettingsOptions) {
  const redTeamPrompt = await givenText(
    { text: options.redTeamPrompt, file: options.redTeamPromptFile, flag: 'red-team-prompt' },
    cli.terminal,
  );
  return {
    agent: options.agent,
    budgetUsd: options.budget,
    redTeamEnabled: options.redTeam,
    redTeamAgent: options.redTeamAgent,
    redTeamPrompt,
  };
}
