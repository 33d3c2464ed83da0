import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Answer } from '../support/api.ts';
import { eventually } from '../support/api.ts';
import { TestClock } from '../support/clock.ts';
import { git, Program, repository, temporaryDirectory } from '../support/processes.ts';
import { startTestServer } from '../support/server.ts';

/*
 * A supervisor and two tasks on a daemon that is killed in the middle: another one, with a directory of its own, finishes
 * everything, and what comes of it is to the byte what comes of it without the kill.
 */
const clock = new TestClock();
// Past the time in which a server that has just started judges no daemon.
clock.advance(61_000);
const { api, server } = await startTestServer({ clock });
const directory = temporaryDirectory();
const url = `file://${encodeURI(repository(directory, { 'README.md': '# One\n', 'list.txt': 'a\nb\nc\nd\n' }))}`;
/** While this file is there, whoever starts for the first time stops half way. */
const held = join(directory, 'held');

async function startDaemon(name: string): Promise<Program> {
  const { key } = await api.mutate('createKey', { kind: 'DAEMON', name }, 'key');
  const flags = ['daemon', '--server', api.url, '--name', name, '--data-dir', join(directory, name)];
  const daemon = new Program([...flags, '--local-path', directory], { TASKMESH_DAEMON_KEY: key });
  await daemon.printed(/connected/);
  return daemon;
}

/** Half of the work, a checkpoint, and the other half; started again it goes on from what it finds. */
const work = (first: string, second: string) => `set -eu
if [ ! -e half.txt ]; then
  ${first}
  echo half > half.txt
  taskmesh task checkpoint "$TASKMESH_TASK_ID" --message half > /dev/null
fi
echo half
while [ -e '${held}' ] && [ -z "\${TASKMESH_RECOVERY:-}" ]; do sleep 0.1; done
rm half.txt
${second}
`;
const PLAN = `set -eu
export A='${work("printf 'A\\\\n' > a.txt; printf '\\\\000\\\\377' > bytes", "sed -i 's/^a$/A/' list.txt; chmod 755 a.txt").replaceAll("'", "'\\''")}'
export B='${work("printf 'B\\\\n' > b.txt", "sed -i 's/^d$/D/' list.txt; mkdir -p deep/er; mv b.txt deep/er/b.txt").replaceAll("'", "'\\''")}'
a=$(printf '%s' "$A" | taskmesh supervisor spawn --name a --own-worktree --once a --plan-file -)
b=$(printf '%s' "$B" | taskmesh supervisor spawn --name b --own-worktree --once b --plan-file -)
taskmesh supervisor wait "$a" "$b" > /dev/null
for task in "$a" "$b"; do taskmesh supervisor merge "$task" > /dev/null; done
taskmesh supervisor complete --summary done > /dev/null
`;

const TREE = `query($id: ID!) { contract(id: $id) { status supervisor { worktree { branch } } }
  contractTree(contractId: $id) { nodes { task { name status attempt daemon { name } } } } }`;

async function open(name: string): Promise<string> {
  const input = { name, supervisorPlan: PLAN, agent: 'shell', repositories: [{ url }] };
  return (await api.mutate('createContract', input, 'contract { id }')).contract.id;
}
const tasksOf = async (id: string): Promise<Answer[]> =>
  (await api.ask(TREE, { id })).contractTree.nodes.map(({ task }: Answer) => task);

/** Waits for both tasks to be half way. */
async function halfWay(id: string): Promise<void> {
  await api
    .subscribe(
      'subscription($id: ID!) { contractOutput(contractId: $id, afterSequence: 0, role: WORK) { content } }',
      { id },
    )
    .until((received) => received.filter(({ content }) => content === 'half').length === 2, 30_000);
}

/** @returns the tree of the branch on which all of it ended */
async function result(id: string): Promise<string> {
  await eventually(async () => {
    await server.scheduler.sweepNow();
    return (await tasksOf(id)).every(({ status }) => status === 'DONE' || status === 'MERGED');
  }, 40_000).catch(async (error: unknown) => {
    throw new Error(JSON.stringify(await api.ask(TREE, { id }), null, 1), { cause: error });
  });
  const { contract } = await api.ask(TREE, { id });
  expect(contract.status).toBe('COMPLETED');
  return git(join(directory, 'repository'), 'rev-parse', `${contract.supervisor.worktree.branch}^{tree}`);
}

test('a contract whose machine dies in the middle ends as it would have ended, to the byte', async () => {
  const one = await startDaemon('one');
  const undisturbed = await result(await open('Undisturbed'));

  writeFileSync(held, '');
  const id = await open('Moved');
  await halfWay(id);
  const two = await startDaemon('two');
  one.child.kill('SIGKILL');
  rmSync(held);
  // The living daemon's last heartbeat is at most 5 s old: moved on by this, only the dead one's lease runs out.
  clock.advance(14_000);
  expect(await result(id)).toBe(undisturbed);

  const tasks = await tasksOf(id);
  expect(tasks.map(({ name, attempt, daemon }) => [name, attempt, daemon.name])).toEqual([
    ['Supervisor', 2, 'two'],
    ['a', 2, 'two'],
    ['b', 2, 'two'],
  ]);
  const list = git(join(directory, 'repository'), 'show', `${undisturbed}:list.txt`);
  expect(list).toBe('A\nb\nc\nD');
  await two.stop();
}, 120_000);
