import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { CreateContractDocument, type RepositoryInput } from '../../../client/generated/graphql.ts';
import { newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { type SettingsOptions, settingsOf, settingsOptions } from '../../contract-settings.ts';
import { collect, teach } from '../../help.ts';
import { givenText } from '../../text-input.ts';

interface Options extends SettingsOptions {
  name: string;
  description?: string;
  repo?: string[];
  base?: string;
  plan?: string;
  planFile?: string;
  localOnly?: true;
  start: boolean;
}

export function register(command: Command, cli: Cli): void {
  const opening = teach(command, {
    about:
      'Opens a contract on one or more git repositories and starts its supervisor, an agent that works by the plan.\n' +
      'Prints the id of the contract. The first repository is the primary one, in which tasks work by default.',
    examples: [
      'PATH --name "Dark mode" --repo . --agent shell --plan-file supervise.sh',
      "PATH --name Nightly --repo https://github.com/me/app.git --agent shell --plan 'make test'",
      'PATH --name Login --repo . --agent claude --plan-file plan.md --budget 10 --red-team',
    ],
  })
    .requiredOption('--name <name>', 'what the work is called')
    .option('--description <text>', 'what the work is about')
    .option('--repo <url|path>', 'git repository, by URL or local path; may be repeated', collect)
    .option('--base <branch>', 'branch to start from (default: the default branch of each repository)')
    .option(
      '--agent <profile>',
      'who supervises and works: a profile that your daemons offer (default: shell, whose plan is a script)',
    )
    .option('--plan <text>', 'the plan of the supervisor')
    .option('--plan-file <file>', 'the plan in a file, - for stdin')
    .option('--local-only', 'never push anything to a remote')
    .option('--no-start', 'do not start the supervisor yet');
  settingsOptions(opening, true).action(async (options: Options) => {
    const plan = await givenText({ text: options.plan, file: options.planFile, flag: 'plan' }, cli.terminal);
    const settings = await settingsOf(cli, options);
    const api = await cli.api();
    const { createContract } = await api.call(CreateContractDocument, {
      input: {
        name: options.name,
        description: options.description,
        repositories: (options.repo ?? []).map((repo, index) =>
          repositoryOf(repo, options.base, index === 0),
        ),
        localOnly: options.localOnly === true,
        ...settings,
        // Who says what it is to look for wants one.
        redTeamEnabled: Boolean(settings.redTeamEnabled ?? settings.redTeamPrompt ?? settings.redTeamAgent),
        supervisorPlan: plan,
        startSupervisor: options.start,
        requestId: newRequestId(),
      },
    });
    cli.result(createContract, () => createContract.contract.id);
    // Right after its creation it always waits; what begins like this will not pass by itself.
    const reason = createContract.supervisor?.pendingReason;
    if (reason?.startsWith('No ')) cli.hint(`The supervisor cannot start yet. ${reason}`);
    cli.hint(`Watch it: taskmesh contract watch ${createContract.contract.id} --all`);
  });
}

/** A URL, an `ssh`-like `user@host:path`, or else a path on this machine, as git itself tells them apart. */
export function repositoryOf(
  given: string,
  baseBranch: string | undefined,
  isPrimary: boolean,
): RepositoryInput {
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) || (/^[^/]+@[^/]+:/.test(given) && !existsSync(given));
  return { ...(isUrl ? { url: given } : { localPath: resolve(given) }), baseBranch, isPrimary };
}
