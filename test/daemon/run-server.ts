import { startServer } from '../../src/server/server.ts';

/**
 * A server of its own process for daemon.test.ts: prints where it is and the owner's key. Argument: data
 * directory.
 */
const dataDir = process.argv[2] as string;
const server = await startServer({
  host: '127.0.0.1',
  port: 0,
  dataDir,
  databaseUrl: null,
  logLevel: 'silent',
  production: false,
});
console.log(JSON.stringify({ url: server.url, key: server.firstKey }));
