import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Answer } from '../support/api.ts';
import { eventually } from '../support/api.ts';
import { TestClock } from '../support/clock.ts';
import { untilStatus } from '../support/daemon.ts';
import { git, Program, repository, temporaryDirectory } from '../support/processes.ts';
import { startTestServer } from '../support/server.ts';

/*
 * Work that moves to another machine: two daemon programs, each with a directory of its own and no access to the
 * other's. They share nothing but the server and the repository's URL.
 */
const clock = new TestClock();
// Past the time in which a server that has just started judges no daemon.
clock.advance(61_000);
const { api, server } = await startTestServer({ clock });
const directory = temporaryDirectory();
const path = repository(directory);
const url = `file://${encodeURI(path)}`;

async function startDaemon(name: string): Promise<Program> {
  const { key } = await api.mutate('createKey', { kind: 'DAEMON', name }, 'key');
  const flags = ['daemon', '--server', api.url, '--name', name, '--data-dir', join(directory, name)];
  const daemon = new Program([...flags, '--local-path', directory], { TASKMESH_DAEMON_KEY: key });
  await daemon.printed(/connected/);
  return daemon;
}

/** On its first machine it saves a checkpoint and waits for ever; on the next it looks at what it has. */
const PLAN = `set -eu
if [ -n "\${TASKMESH_RECOVERY:-}" ]; then
  echo "recovered: $TASKMESH_RECOVERY"
  echo "draft: $(cat draft.txt), more: $(cat more.txt), mode: $(stat -c %a run.sh), bytes: $(od -An -tx1 binary | tr -d ' ')"
  echo "log: $(git log -1 --format=%s), status: $(git status --porcelain | wc -l | tr -d ' ')"
  exit 0
fi
echo draft > draft.txt
printf '\\000\\001\\377' > binary
printf 'echo hi\\n' > run.sh
chmod 755 run.sh
git add -A
git commit -qm 'By the agent'
echo more > more.txt
taskmesh task checkpoint "$TASKMESH_TASK_ID" --message 'half way'
echo "after the checkpoint" > lost.txt
echo saved
sleep 600
`;

const TASK = `query($id: ID!) { task(id: $id) {
  status attempt retryCount errorMessage daemon { name } failedDaemons { name }
  worktree { branch path } checkpoints { number message commitSha worktree { id } }
} }`;

async function startTask(): Promise<{ id: string; contractId: string; first: Answer }> {
  const contract = { name: 'Moves', startSupervisor: false, repositories: [{ url }] };
  const {
    contract: { id: contractId },
  } = await api.mutate('createContract', contract, 'contract { id }');
  const input = { contractId, name: 'Mover', plan: PLAN, useOwnWorktree: true };
  const {
    task: { id },
  } = await api.mutate('spawnTask', input, 'task { id }');
  await api
    .subscribe('subscription($id: ID!) { taskOutput(taskId: $id, afterSequence: 0) { content } }', { id })
    .until((received) => received.some(({ content }) => content === 'saved'));
  const { task } = await api.ask(TASK, { id });
  return { id, contractId, first: task };
}

async function expectRecovered(id: string, first: Answer): Promise<Answer> {
  await untilStatus(api, id, 'DONE').catch(async (error: unknown) => {
    const output = api.subscribe(
      'subscription($id: ID!) { taskOutput(taskId: $id, afterSequence: 0) { content } }',
      { id },
    );
    await output.count(1);
    throw new Error(JSON.stringify([await api.ask(TASK, { id }), output.received], null, 1), {
      cause: error,
    });
  });
  const { task } = await api.ask(TASK, { id });
  expect(task).toMatchObject({ attempt: 2, retryCount: 1, failedDaemons: [{ name: first.daemon.name }] });
  expect(task.daemon.name).not.toBe(first.daemon.name);
  expect(task.worktree.branch).toBe(first.worktree.branch);
  const lines = await api
    .subscribe(
      'subscription($id: ID!) { taskOutput(taskId: $id, afterSequence: 0) { content type attempt } }',
      { id },
    )
    .until((received) => received.some(({ content }) => content.startsWith('log: ')));
  const second = lines
    .filter(({ attempt, type }) => attempt === 2 && type === 'STDOUT')
    .map(({ content }) => content);
  expect(second[1]).toBe('draft: draft, more: more, mode: 755, bytes: 0001ff');
  return { task, second };
}

test('a task whose daemon is killed goes on elsewhere from its last checkpoint, fenced', async () => {
  const one = await startDaemon('one');
  const { id, first } = await startTask();
  expect(first).toMatchObject({
    daemon: { name: 'one' },
    attempt: 1,
    checkpoints: [{ number: 1, message: 'half way' }],
  });
  const two = await startDaemon('two');
  one.child.kill('SIGKILL');
  // The living daemon's last heartbeat is at most 5 s old: moved on by this, only the dead one's lease runs out.
  clock.advance(14_000);
  await eventually(async () => {
    await server.scheduler.sweepNow();
    return (await api.ask(TASK, { id })).task.attempt === 2;
  });
  const { task, second } = await expectRecovered(id, first);
  expect(second[0]).toMatch(/^recovered: You were interrupted.* checkpoint 1/);
  // The agent's own commit is on the branch; what it had not committed is in the checkpoint on top of it.
  expect(second[2]).toBe('log: half way, status: 0');
  expect(task.checkpoints.map(({ number }: Answer) => number)).toEqual(
    task.checkpoints.map((_: Answer, index: number) => index + 1),
  );
  await two.stop();
}, 60_000);

test('a daemon that is stopped in order saves what its agents did last, and gives the tasks to another', async () => {
  const three = await startDaemon('three');
  const { id, first } = await startTask();
  const four = await startDaemon('four');
  await three.stop();
  const { second } = await expectRecovered(id, first);
  expect(second[0]).toContain('checkpoint 2');
  expect(git(path, 'status', '--porcelain')).toBe('');
  await four.stop();
}, 60_000);
