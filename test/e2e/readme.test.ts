import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../support/api.ts';
import { onEnd } from '../support/cleanup.ts';
import { HandDaemon, openContract } from '../support/daemon.ts';
import { ROOT } from '../support/processes.ts';
import { startTestServer } from '../support/server.ts';

const { api } = await startTestServer();
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');

test('the client example of the README runs as printed, but for the port', async () => {
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(readme) ?? [];
  expect(code.trim().split('\n').length).toBeLessThanOrEqual(15);
  // Beside the dependencies, as the README says; ignored by git.
  const directory = join(ROOT, '.taskmesh');
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `output-${process.pid}.mjs`);
  onEnd(() => rmSync(file, { force: true }));
  writeFileSync(file, code.replace('ws://127.0.0.1:4000/graphql', api.url.replace('http', 'ws')));

  const { contractId, supervisorId } = await openContract(api);
  const daemon = await HandDaemon.connect(api);
  await daemon.start(supervisorId);
  await daemon.append(supervisorId, 1, 0, ['hello from the supervisor']);
  const env = { PATH: process.env.PATH, TASKMESH_KEY: api.key ?? '' };
  const child = execFile(process.execPath, [file, contractId], { env });
  let printed = '';
  child.stdout?.on('data', (text: string) => {
    printed += text;
  });
  child.stderr?.on('data', (text: string) => {
    printed += text;
  });
  onEnd(() => child.kill());
  await eventually(() => printed.includes('Supervisor hello from the supervisor') || child.exitCode !== null);
  expect(printed).toMatch(/^\d+ Supervisor hello from the supervisor$/m);
});

/** Of npm itself, and the word in `an npm package`. */
const NPM_OWN = new Set(['ci', 'install', 'package']);

test('the commands of the README exist', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const [, name = ''] of readme.matchAll(/npm (?:run )?([a-z]+)\b(?! install)/g)) {
    if (!NPM_OWN.has(name)) expect(Object.keys(scripts), name).toContain(name);
  }
});
