import type { Command } from 'commander';
import { IdentitiesDocument } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';
import { harmless, painter } from '../../style.ts';
import { table } from '../../table.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about: 'Lists who comes in with tokens of the identity provider, as the owner whose key calls.',
    examples: ['PATH'],
  }).action(async () => {
    const api = await cli.api();
    const { identities } = await api.call(IdentitiesDocument, {});
    const paint = painter(cli.terminal.stdout);
    cli.result(identities, () =>
      identities.length === 0
        ? 'Nobody. `taskmesh keys link --help` shows how to let somebody in.'
        : table([
            ['ID', 'SUBJECT', 'ISSUER', 'LINKED'].map((title) => paint('bold', title)),
            ...identities.map(({ id, subject, issuer, createdAt }) => [
              id,
              harmless(subject),
              harmless(issuer),
              createdAt.slice(0, 16).replace('T', ' '),
            ]),
          ]),
    );
  });
}
