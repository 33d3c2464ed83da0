import type { Command } from 'commander';
import { RotateKeyDocument } from '../../../client/generated/graphql.ts';
import { newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { teach, wholeNumber } from '../../help.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Puts another key in the place of one, of the same name, for the same daemon and with as long to live, and prints it,\n' +
      'this once. The old one stops at once, and its sockets are closed; with a grace both count for so long.',
    examples: ['PATH key_01k… > daemon-key', 'PATH key_01k… --grace 3600'],
    exits: { 1: 'the key was revoked already', 4: 'there is no such key' },
  })
    .argument('<key>', 'id of the key, as `taskmesh keys list` shows it')
    .option('--grace <seconds>', 'for how long the old one goes on to count', wholeNumber(0, 604_800), 0)
    .action(async (keyId: string, { grace }: { grace: number }) => {
      const api = await cli.api();
      const { rotateKey } = await api.call(RotateKeyDocument, {
        input: { keyId, graceSeconds: grace, requestId: newRequestId() },
      });
      const { key, record } = rotateKey;
      cli.result({ ...record, key }, () => key);
      cli.hint('It is not shown again.');
    });
}
