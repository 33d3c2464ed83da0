import type { Command } from 'commander';
import { LinkIdentityDocument } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';
import { harmless } from '../../style.ts';
import { textOfFile } from '../../text-input.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Lets somebody in with tokens of the identity provider, as the owner whose key calls. They prove who they are with one\n' +
      'such token; it is checked, and not kept.',
    examples: ['PATH --token-file token.jwt', 'print-my-token | PATH --token-file -'],
    exits: { 2: 'wrong usage, or the token is not good, or is that of another owner' },
  })
    .requiredOption('--token-file <file>', 'file with a token of theirs, - for stdin')
    .action(async ({ tokenFile }: { tokenFile: string }) => {
      const token = (await textOfFile(tokenFile, 'token', cli.terminal)).trim();
      const api = await cli.api();
      const { identity } = (await api.call(LinkIdentityDocument, { input: { token } })).linkIdentity;
      cli.result(identity, () => `${identity.id} ${harmless(identity.subject)}`);
    });
}
