import type { Command } from 'commander';
import { RevokeKeyDocument } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';
import { harmless } from '../../style.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Takes a key away: from now on it is refused, and whatever it opened is closed within a second. A daemon whose key is\n' +
      'taken away ends; its tasks go on elsewhere. To take away the key of an agent, cancel its task.',
    examples: ['PATH key_01k…'],
    exits: { 4: 'there is no such key' },
  })
    .argument('<key>', 'id of the key, as `taskmesh keys list` shows it')
    .action(async (keyId: string) => {
      const api = await cli.api();
      const { record } = (await api.call(RevokeKeyDocument, { input: { keyId } })).revokeKey;
      cli.result(record, () => `${record.id} ${harmless(record.name)} was revoked`);
    });
}
