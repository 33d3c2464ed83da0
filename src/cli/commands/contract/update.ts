import type { Command } from 'commander';
import { UpdateContractDocument } from '../../../client/generated/graphql.ts';
import { newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { type SettingsOptions, settingsOf, settingsOptions } from '../../contract-settings.ts';
import { teach } from '../../help.ts';
import { harmless } from '../../style.ts';

interface Options extends SettingsOptions {
  name?: string;
  description?: string;
  localOnly?: boolean;
}

export function register(command: Command, cli: Cli): void {
  const changing = teach(command, {
    about:
      'Changes what is given of a contract and leaves the rest. Tasks that were spawned before stay as they are.',
    examples: ['PATH contract_01k… --name "Dark mode, second try"', 'PATH contract_01k… --budget 20'],
    exits: { 2: 'wrong usage or input, or nothing to change was given', 4: 'there is no such contract' },
  })
    .argument('<contract>', 'id of the contract')
    .option('--name <name>', 'what the work is called')
    .option('--description <text>', 'what the work is about; an empty text removes it')
    .option('--agent <profile>', 'the agent profile of tasks that name none')
    .option('--local-only', 'never push anything to a remote')
    .option('--no-local-only', 'pushing is allowed');
  settingsOptions(changing, false).action(async (contractId: string, options: Options) => {
    const { name, description, localOnly } = options;
    const settings = await settingsOf(cli, options);
    const api = await cli.api();
    const { updateContract } = await api.call(UpdateContractDocument, {
      input: { contractId, name, description, localOnly, ...settings, requestId: newRequestId() },
    });
    const { contract } = updateContract;
    cli.result(contract, () => `${contract.id} ${harmless(contract.name)}`);
  });
}
