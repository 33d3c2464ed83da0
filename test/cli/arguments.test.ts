import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { eventually } from '../support/api.ts';
import { Program, temporaryDirectory } from '../support/processes.ts';

it.skipIf(process.platform !== 'linux')(
  'a daemon whose key was an argument takes it out of the list of processes',
  async () => {
    const key = `tmk_daemon_${'k'.repeat(43)}`;
    const server = 'http://127.0.0.1:1/graphql';
    const program = new Program([
      'daemon',
      '--server',
      server,
      '--key',
      key,
      '--data-dir',
      temporaryDirectory(),
    ]);
    const file = `/proc/${program.child.pid}/cmdline`;
    await eventually(() => readFileSync(file, 'utf8').startsWith('taskmesh daemon'));
    expect(readFileSync(file, 'utf8')).not.toContain('kkkk');
    await program.stop();
    expect(program.output).not.toContain('kkkk');
  },
);
