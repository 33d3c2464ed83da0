import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPostgres } from './postgres-binaries.ts';

export interface Cluster {
  readonly url: string;
  stop(): void;
}

/**
 * A PostgreSQL of its own in a temporary folder. It refuses to run as root, so there it runs as the user its package made.
 * @param settings `name=value`, over the defaults
 */
export async function startCluster(settings: readonly string[]): Promise<Cluster> {
  const bin = findPostgres();
  if (!bin) throw new Error('no PostgreSQL');
  const directory = mkdtempSync(join(tmpdir(), 'taskmesh-postgres-'));
  const asRoot = process.getuid?.() === 0;
  const user = asRoot ? idsOf('postgres') : undefined;
  if (user) chownSync(directory, user.uid, user.gid);
  const run = (program: string, args: string[]) =>
    execFileSync(join(bin, program), args, { cwd: directory, stdio: 'ignore', ...user });
  const data = join(directory, 'data');
  run('initdb', ['-D', data, '-U', 'taskmesh', '--auth=trust', '-E', 'UTF8', '--locale=C', '--no-sync']);
  const port = await freePort();
  const options = ['max_connections=300', ...settings].map((setting) => `-c ${setting}`).join(' ');
  const start = ['-o', `-h 127.0.0.1 -p ${port} -k ${directory} ${options}`, 'start'];
  run('pg_ctl', ['-D', data, '-w', '-l', join(directory, 'log'), ...start]);
  return {
    url: `postgresql://taskmesh@127.0.0.1:${port}/postgres`,
    stop: () => {
      run('pg_ctl', ['-D', data, '-m', 'immediate', 'stop']);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function idsOf(user: string): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
