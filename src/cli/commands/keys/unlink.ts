import type { Command } from 'commander';
import { UnlinkIdentityDocument } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';
import { harmless } from '../../style.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about: 'Lets somebody in no more with tokens of the identity provider, and closes whatever they opened.',
    examples: ['PATH identity_01k…'],
    exits: { 4: 'there is no such identity' },
  })
    .argument('<identity>', 'id of the identity, as `taskmesh keys identities` shows it')
    .action(async (identityId: string) => {
      const api = await cli.api();
      const { unlinkIdentity } = await api.call(UnlinkIdentityDocument, { input: { identityId } });
      const { identity } = unlinkIdentity;
      cli.result(identity, () => `${identity.id} ${harmless(identity.subject)} was unlinked`);
    });
}
