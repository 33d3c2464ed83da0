import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { runCli } from '../cli/support/run-cli.ts';
import { eventually } from '../support/api.ts';
import { untilStatus } from '../support/daemon.ts';
import { Program, repository, temporaryDirectory } from '../support/processes.ts';
import { startTestServer } from '../support/server.ts';

/*
 * What a person does with the command line while agents work: a server, a daemon that is a real process, agents that
 * are shell scripts.
 */
const { api } = await startTestServer();
const directory = temporaryDirectory();
const path = repository(directory);

/** Runs a command line with the owner's key. It must end with 0. @returns what it printed */
async function taskmesh(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await attempt(...argv);
  if (code !== 0) throw new Error(`taskmesh ${argv.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`);
  return stdout.trim();
}

function attempt(...argv: string[]) {
  return runCli(argv, { env: { TASKMESH_URL: api.url, TASKMESH_KEY: api.key ?? '' } });
}

async function openContract(...more: string[]): Promise<string> {
  return taskmesh('contract', 'create', '--name', 'By hand', '--repo', path, ...more);
}

async function spawn(plan: string): Promise<{ taskId: string; contractId: string }> {
  const contractId = await openContract('--no-start');
  const spawned = ['task', 'spawn', contractId, '--name', 'Worker', '--plan', plan, '--own-worktree'];
  return { taskId: await taskmesh(...spawned), contractId };
}

const output = (taskId: string) => taskmesh('task', 'output', taskId);

beforeAll(async () => {
  const { key } = await api.mutate('createKey', { kind: 'DAEMON', name: 'machine' }, 'key');
  const flags = ['--server', api.url, '--name', 'machine', '--max', '4', '--local-path', directory];
  const daemon = new Program(['daemon', ...flags, '--data-dir', join(directory, 'daemon')], {
    TASKMESH_DAEMON_KEY: key,
  });
  await daemon.printed(/connected/);
});

test('a paused task says nothing more until it is resumed, and then goes on', async () => {
  const { taskId } = await spawn(
    'echo kept > kept.txt; i=0; while [ ! -f stop ]; do i=$((i+1)); echo "tick $i"; sleep 0.1; done',
  );
  await eventually(async () => (await output(taskId)).includes('tick 2'));
  expect(await taskmesh('task', 'pause', taskId)).toBe(`${taskId} PAUSED`);
  expect((await attempt('task', 'pause', taskId)).code).toBe(1);
  const saved = 'query($id: ID!) { checkpoints(taskId: $id) { message filesChanged } }';
  const { checkpoints } = await eventually(async () => {
    const answer = await api.ask(saved, { id: taskId });
    return answer.checkpoints.length > 0 && answer;
  });
  expect(checkpoints).toEqual([{ message: expect.stringMatching(/: paused$/), filesChanged: 1 }]);
  // What was said before its processes were held may still be on its way.
  const held = await eventually(async () => {
    const before = await output(taskId);
    await new Promise((resolve) => setTimeout(resolve, 700));
    return (await output(taskId)) === before && before;
  });
  expect(await taskmesh('task', 'resume', taskId)).toBe(`${taskId} RUNNING`);
  const more = await eventually(async () => {
    const now = await output(taskId);
    return now.length > held.length && now;
  });
  // The same process went on: it counts on where it was.
  expect(more.startsWith(held)).toBe(true);
  const last = Number(/tick (\d+)$/.exec(held)?.[1]);
  expect(more).toContain(`tick ${last + 1}`);
  expect((await attempt('task', 'resume', taskId)).code).toBe(1);
  await taskmesh('task', 'cancel', taskId);
  await untilStatus(api, taskId, 'CANCELLED');
});

test('a task that failed is started again by retry, and not while it runs or is done', async () => {
  const mark = join(directory, 'second time');
  const { taskId } = await spawn(
    `[ -f "${mark}" ] && echo better && exit 0\ntouch "${mark}"; echo bad; exit 3`,
  );
  expect((await attempt('task', 'wait', taskId)).code).toBe(1);
  expect(await taskmesh('task', 'retry', taskId)).toContain(taskId);
  await taskmesh('task', 'wait', taskId);
  const said = (await output(taskId)).split('\n');
  expect(said.indexOf('bad')).toBeGreaterThanOrEqual(0);
  expect(said.indexOf('better')).toBeGreaterThan(said.indexOf('bad'));
  expect(JSON.parse(await taskmesh('task', 'show', taskId, '--json'))).toMatchObject({
    status: 'DONE',
    attempt: 2,
  });
  expect((await attempt('task', 'retry', taskId)).code).toBe(1);
});

const SUPERVISOR = `set -eu
taskmesh supervisor phase plan
echo '# The plan' | taskmesh supervisor document plan --file - --phase plan
taskmesh document show plan
kept=$(taskmesh supervisor ask 'Is the plan right?' --choice yes --choice no --phaseguard)
echo "kept: <$kept>"
taskmesh supervisor inbox --wait
taskmesh supervisor complete --summary 'Looked at'
`;

test('a phase guard pauses the supervisor until the person has answered; the answer is in its inbox', async () => {
  const contractId = await openContract('--plan', SUPERVISOR);
  const question = await eventually(async () => {
    const asked = JSON.parse(await taskmesh('question', 'list', '--contract', contractId, '--json'));
    return asked[0];
  });
  expect(question).toMatchObject({ question: 'Is the plan right?', choices: ['yes', 'no'] });
  const supervisorId = question.task.id;
  expect(await taskmesh('task', 'show', supervisorId)).toContain('PAUSED');
  expect(await taskmesh('contract', 'show', contractId)).toContain('PLAN');
  await taskmesh('question', 'answer', question.id, '--choice', 'yes');
  await untilStatus(api, supervisorId, 'DONE').catch(async (error: unknown) => {
    throw new Error(await output(supervisorId), { cause: error });
  });
  const said = await output(supervisorId);
  expect(said).toContain('# The plan');
  expect(said).toContain('kept: <>');
  expect(said).toContain(question.id);
  expect(said).toContain('Answer: yes');
  const answered = ['question', 'list', '--contract', contractId, '--status', 'answered'];
  expect(await taskmesh(...answered)).toContain('answered: yes');
});

test('a question nobody needs any more is withdrawn', async () => {
  const plan = "taskmesh supervisor ask 'Still there?' --no-wait; taskmesh supervisor inbox --wait";
  const contractId = await openContract('--plan', plan);
  const question = await eventually(
    async () => JSON.parse(await taskmesh('question', 'list', '--contract', contractId, '--json'))[0],
  );
  expect(await taskmesh('question', 'withdraw', question.id)).toBe(`${question.id} WITHDRAWN`);
  expect((await attempt('question', 'withdraw', question.id)).code).toBe(1);
  expect(await taskmesh('question', 'list', '--contract', contractId)).toContain('Nobody is waiting');
  await taskmesh('contract', 'complete', contractId, '--cancel-tasks');
});

test('a document is written, written anew, and shown as it is', async () => {
  const contractId = await openContract('--no-start');
  const file = join(directory, 'specification.md');
  const set = ['document', 'set', 'specification', '--contract', contractId, '--file', file];
  writeFileSync(file, '# First\n');
  await taskmesh(...set, '--phase', 'specify');
  writeFileSync(file, '# Second: “quoted”\n');
  await taskmesh(...set);
  const show = ['document', 'show', 'specification', '--contract', contractId];
  expect(await taskmesh(...show)).toBe('# Second: “quoted”');
  expect(JSON.parse(await taskmesh(...show, '--json'))).toMatchObject({ phase: 'SPECIFY' });
});

test('a contract is changed, completed, archived and deleted; its history stays', async () => {
  const contractId = await openContract('--no-start');
  await taskmesh('contract', 'update', contractId, '--name', 'Renamed', '--local-only');
  await taskmesh('contract', 'phase', contractId, 'review');
  const url = 'https://example.com/docs.git';
  expect(await taskmesh('contract', 'repository', 'add', contractId, url)).toMatch(/^repo_/);
  expect(JSON.parse(await taskmesh('contract', 'show', contractId, '--json'))).toMatchObject({
    name: 'Renamed',
    localOnly: true,
    phase: 'REVIEW',
    repositories: [{ localPath: path, isPrimary: true }, { url }],
  });
  await taskmesh('contract', 'repository', 'remove', contractId, url);
  expect((await attempt('contract', 'update', contractId)).code).toBe(2);
  expect((await attempt('contract', 'archive', contractId)).code).toBe(1);
  await taskmesh('contract', 'complete', contractId);
  expect(await taskmesh('contract', 'archive', contractId)).toBe(`${contractId} ARCHIVED`);
  await taskmesh('contract', 'delete', contractId, '--yes');
  expect((await attempt('contract', 'show', contractId)).code).toBe(4);
  const history = JSON.parse(await taskmesh('contract', 'history', contractId, '--json'));
  expect(history.nodes[0]).toMatchObject({ action: 'contract.deleteContract', contract: null });
  expect(history.nodes.length).toBeGreaterThan(5);
});

test('a supervisor that has ended is started again; what it was told can be taken back; a machine is drained', async () => {
  const plan = 'if [ -n "$TASKMESH_RECOVERY" ]; then taskmesh supervisor inbox --wait; else exit 3; fi';
  const contractId = await openContract('--plan', plan, '--budget', '5');
  const { supervisor } = JSON.parse(await taskmesh('contract', 'show', contractId, '--json'));
  await untilStatus(api, supervisor.id, 'FAILED');
  expect((await attempt('contract', 'rewind', contractId)).code).toBe(2);
  expect(await taskmesh('contract', 'resume', contractId)).toMatch(/^task_\w+ (PENDING|STARTING)/);
  await untilStatus(api, supervisor.id, 'RUNNING');
  expect((await attempt('contract', 'resume', contractId)).code).toBe(1);
  await taskmesh('task', 'send', supervisor.id, 'Go on, please.');
  await untilStatus(api, supervisor.id, 'DONE');
  expect(await taskmesh('contract', 'conversation', contractId)).toContain('Go on, please.');
  const { messagesRemoved } = JSON.parse(
    await taskmesh('contract', 'rewind', contractId, '--dry-run', '--json'),
  );
  expect(messagesRemoved).toBe(1);
  await taskmesh('contract', 'rewind', contractId, '--yes');
  expect(await taskmesh('contract', 'conversation', contractId)).not.toContain('Go on, please.');
  expect(await taskmesh('contract', 'conversation', contractId, '--removed')).toContain('Go on, please.');
  expect(await taskmesh('contract', 'show', contractId)).toContain('$0 of $5');

  const [machine] = JSON.parse(await taskmesh('daemons', 'list', '--json'));
  expect(await taskmesh('daemons', 'drain', machine.id)).toBe(`${machine.id} machine DRAINING`);
  expect(await taskmesh('daemons', 'drain', machine.id, '--undo')).toBe(`${machine.id} machine CONNECTED`);
});
