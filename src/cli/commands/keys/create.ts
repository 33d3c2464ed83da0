import { type Command, Option } from 'commander';
import { CreateKeyDocument, type KeyKind } from '../../../client/generated/graphql.ts';
import { newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { oneOf, pointInTime, teach } from '../../help.ts';

interface Options {
  kind: KeyKind;
  name: string;
  expires?: Date;
  local?: true;
  databaseUrl?: string;
}

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Makes a key and prints it, this once: only a hash of it is kept. A daemon key is for `taskmesh daemon`, a user key\n' +
      'may do everything. With --local it is written to the database of this machine without asking the API: the way back\n' +
      'in when all keys are lost (stop a server with an embedded database first).',
    examples: [
      'PATH --kind daemon --name laptop > daemon-key',
      'PATH --kind user --name pipeline --expires 90d',
      'PATH --kind user --name recovery --local',
    ],
  })
    .addOption(
      new Option('--kind <kind>', 'user or daemon')
        .argParser(oneOf(['USER', 'DAEMON'] as const satisfies KeyKind[]))
        .makeOptionMandatory(),
    )
    .requiredOption('--name <name>', 'what the key is called in the history')
    .option('--expires <when>', 'when it stops to count: 12h, 90d, or a date (default: never)', pointInTime)
    .option('--local', 'by the database of this machine instead of the API')
    .option('--database-url <url>', 'with --local: PostgreSQL (DATABASE_URL; default: the embedded database)')
    .action(async ({ kind, name, expires, local, databaseUrl }: Options) => {
      const input = { kind, name, expiresAt: expires ?? null };
      if (local) {
        const key = await createLocally(cli, input, databaseUrl);
        cli.result({ kind, name, key }, () => key);
      } else {
        const api = await cli.api();
        const { createKey } = await api.call(CreateKeyDocument, {
          input: { ...input, expiresAt: expires?.toISOString(), requestId: newRequestId() },
        });
        const { key, record } = createKey;
        cli.result({ id: record.id, kind, name, key, expiresAt: record.expiresAt }, () => key);
      }
      cli.hint('It is not shown again.');
    });
}

async function createLocally(
  cli: Cli,
  input: { kind: KeyKind; name: string; expiresAt: Date | null },
  databaseUrl?: string,
): Promise<string> {
  const [{ serverConfig }, { createLocalKey }] = await Promise.all([
    import('../../../platform/config.ts'),
    import('../../../server/local-keys.ts'),
  ]);
  return createLocalKey(serverConfig({ databaseUrl, dataDir: cli.flags.dataDir }, cli.terminal.env), input);
}
