import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../cli/support/run-cli.ts';
import { type Answer, eventually } from '../support/api.ts';
import { git, Program, ROOT, repository, temporaryDirectory } from '../support/processes.ts';
import { startTestServer } from '../support/server.ts';

const { api } = await startTestServer();
const directory = temporaryDirectory();
const PLANS = {
  'plans/greeting': 'echo hello > greeting.txt; echo one > same.txt',
  'plans/unlucky': 'if [ -n "${TASKMESH_RECOVERY:-}" ]; then echo luck > luck.txt; else exit 7; fi',
  'plans/rival': 'echo two > same.txt',
  'plans/hopeless': 'echo "It cannot be done" && exit 9',
};
const path = repository(directory, { 'README.md': '# One\n', ...PLANS });

async function taskmesh(...argv: string[]): Promise<string> {
  const env = { TASKMESH_URL: api.url, TASKMESH_KEY: api.key ?? '' };
  const { code, stdout, stderr } = await runCli(argv, { env });
  if (code !== 0) throw new Error(`taskmesh ${argv.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`);
  return stdout.trim();
}

test('examples/supervise.sh runs a contract: retries, asks, merges, leaves what conflicts or failed', async () => {
  const { key } = await api.mutate('createKey', { kind: 'DAEMON', name: 'machine' }, 'key');
  const flags = ['--server', api.url, '--max', '4', '--local-path', directory];
  const daemon = new Program(['daemon', ...flags, '--data-dir', join(directory, 'daemon')], {
    TASKMESH_DAEMON_KEY: key,
  });
  await daemon.printed(/connected/);
  const script = join(ROOT, 'examples/supervise.sh');
  const create = ['contract', 'create', '--name', 'All plans', '--repo', path, '--agent', 'shell'];
  const contractId = await taskmesh(...create, '--plan-file', script);

  const asked = new Set<string>();
  const status = await eventually(async () => {
    const { pendingQuestions } = await api.ask('{ pendingQuestions { id question choices } }');
    for (const { id, choices } of pendingQuestions) {
      expect(choices).toEqual(['merge', 'leave it']);
      asked.add(id);
      await taskmesh('question', 'answer', id, '--choice', 'merge');
    }
    const { contract } = await api.ask(
      'query($id: ID!) { contract(id: $id) { status supervisor { status } } }',
      {
        id: contractId,
      },
    );
    if (contract.supervisor.status === 'FAILED') {
      const id = (
        await api.ask('query($id: ID!) { contract(id: $id) { supervisor { id } } }', { id: contractId })
      ).contract.supervisor.id;
      throw new Error(await taskmesh('task', 'output', id));
    }
    return contract.status === 'COMPLETED' && contract.supervisor.status === 'DONE' && contract.status;
  }, 90_000);
  expect(status).toBe('COMPLETED');
  expect(asked.size).toBe(3);
  const tree = JSON.parse(await taskmesh('contract', 'tree', contractId, '--json'));
  const statuses = Object.fromEntries(tree.nodes.map(({ task }: Answer) => [task.name, task.status]));
  expect(statuses).toEqual({
    Supervisor: 'DONE',
    greeting: 'MERGED',
    unlucky: 'MERGED',
    rival: 'DONE',
    hopeless: 'FAILED',
  });
  expect(tree.contract.summary).toBe('2 merged, 2 left as they are');
  const report = await taskmesh('document', 'show', 'report', '--contract', contractId);
  expect(report).toContain('- merged: 2');
  const { supervisor } = JSON.parse(await taskmesh('contract', 'show', contractId, '--json'));
  const { worktree } = JSON.parse(await taskmesh('task', 'show', supervisor.id, '--json'));
  expect(git(path, 'show', `${worktree.branch}:same.txt`)).toBe('one');
  expect(git(path, 'show', `${worktree.branch}:luck.txt`)).toBe('luck');
  expect(await taskmesh('task', 'output', supervisor.id)).toContain('It cannot be done');
}, 120_000);
