import { describe, expect, it } from 'vitest';
import { FakeApi } from './support/fake-api.ts';
import { asPerson, runCli } from './support/run-cli.ts';

describe('daemons', () => {
  const daemon = (name: string, more: object = {}) => ({
    id: `daemon_${name}`,
    name,
    hostname: name,
    version: '1.2.3',
    status: 'CONNECTED',
    removedAt: null,
    localPaths: [],
    agents: ['shell', 'claude'],
    maxConcurrentTasks: 4,
    runningTasks: 1,
    lastHeartbeatAt: null,
    ...more,
  });

  it('list shows those in service, all with --all', async () => {
    const removed = daemon('old', { removedAt: '2026-01-01T00:00:00Z', status: 'DISCONNECTED' });
    await using api = await FakeApi.start({ DaemonList: { daemons: [daemon('box'), removed] } });
    const { stdout } = await asPerson(api, ['daemons', 'list']);
    expect(stdout).toMatch(/daemon_box\s+box\s+CONNECTED\s+1\/4\s+shell, claude\s+–\s+1\.2\.3/);
    expect(stdout).not.toContain('daemon_old');
    const all = await asPerson(api, ['daemons', 'list', '--all']);
    expect(all.stdout).toMatch(/daemon_old\s+old\s+REMOVED/);
  });

  it('drain and its undoing say what was wanted', async () => {
    await using api = await FakeApi.start({ DrainDaemon: { drainDaemon: { daemon: daemon('box') } } });
    await asPerson(api, ['daemons', 'drain', 'daemon_box']);
    await asPerson(api, ['daemons', 'drain', 'daemon_box', '--undo']);
    expect(api.calls.map((call) => call.variables.input.draining)).toEqual([true, false]);
  });

  it('remove does nothing without a yes', async () => {
    await using api = await FakeApi.start({ RemoveDaemon: { removeDaemon: { daemon: daemon('box') } } });
    const argv = ['daemons', 'remove', 'daemon_box'];
    expect((await asPerson(api, argv)).code).toBe(2);
    const typed = await runCli(argv, { env: { TASKMESH_URL: api.url }, stdin: 'n\n', columns: 80 });
    expect(typed.code).toBe(1);
    expect(api.calls).toEqual([]);
    expect((await asPerson(api, [...argv, '--yes'])).stdout).toBe('daemon_box box removed\n');
  });
});
