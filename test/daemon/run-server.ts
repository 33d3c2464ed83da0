import { startServer } from '../../src/server/server.ts';

/**
 * A server of its own process for daemon.test.ts: prints where it is and the owner's key. Arguments: data
 * directory, and the database's URL where it is not in there.
 */
const [, , dataDir, databaseUrl] = process.argv as [string, string, string, string | undefined];
const server = await startServer({
  host: '127.0.0.1',
  port: 0,
  dataDir,
  databaseUrl: databaseUrl ?? null,
  logLevel: 'silent',
  production: false,
});
console.log(JSON.stringify({ url: server.url, key: server.firstKey }));
