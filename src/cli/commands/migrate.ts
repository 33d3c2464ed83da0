import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { teach } from '../help.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Brings the database up to date and prints the names of the migrations that were applied. The server does so by\n' +
      'itself when it starts; this is for a deployment that does it as a step of its own.',
    examples: ['PATH', 'DATABASE_URL=postgresql://taskmesh@db/taskmesh PATH'],
    exits: { 1: 'a migration failed; the database is as it was before it' },
  })
    .option('--database-url <url>', 'PostgreSQL (DATABASE_URL; default: the embedded database)')
    .action(async (options: { databaseUrl?: string }) => {
      const [{ serverConfig }, { migrateDatabase }] = await Promise.all([
        import('../../platform/config.ts'),
        import('../../server/migrate.ts'),
      ]);
      const applied = await migrateDatabase(
        serverConfig({ ...options, dataDir: cli.flags.dataDir }, cli.terminal.env),
      );
      cli.result(applied, () => applied.join('\n') || 'The database is up to date.');
    });
}
