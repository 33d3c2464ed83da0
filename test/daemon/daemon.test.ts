import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { run } from './git/support.ts';
import { processesWith } from './support.ts';
import { appears, world as newWorld, type Server, startServer } from './world.ts';

let server: Server;

beforeAll(async () => {
  const started = await startServer();
  server = started;
  return started.end;
}, 60_000);

const world = () => newWorld(server);

interface Saved {
  readonly message: string;
}

describe('a daemon at a server', { timeout: 60_000 }, () => {
  it('runs a task, saves what it did, and leaves nothing of the run behind', async () => {
    const { daemon, spawnTask, wait, task, root } = await world();
    await daemon();
    const id = await spawnTask('echo hello; echo new > b.txt; cat b.txt');
    await wait(id);
    expect(await task(id)).toMatchObject({
      status: 'DONE',
      attempt: 1,
      outputSummary: 'new',
      errorMessage: null,
    });
    expect((await task(id)).checkpoints).toEqual([{ message: 'Task t: done', filesChanged: 1 }]);
    await delay(200);
    for (const dir of ['runs', 'spool', 'plans']) expect(readdirSync(join(root, 'daemon', dir))).toEqual([]);
    expect(readFileSync(join(root, 'daemon', 'journal.jsonl'), 'utf8')).not.toContain('tmk_task_');
  });

  it('gives back any bytes that an agent writes as documented', async () => {
    const { daemon, spawnTask, wait, task, call } = await world();
    await daemon();
    const id = await spawnTask(`
      printf 'nul \\000 end\\n'
      printf 'split \\360\\237'; sleep 0.2; printf '\\230\\200 whole\\n'
      printf '\\033[1;31mred\\033[0m\\a\\b\\t.\\n'
      printf 'half \\355\\240\\275 surrogate, \\377 none, \\303'; printf '\\n'
      printf '10%%\\r20%%\\r\\n'
      printf '\\357\\273\\277mark\\n'
      printf 'no \\000 end \\342\\202' >&2`);
    await wait(id);
    const read = (field: string) =>
      call(`query ($id: ID!) { ${field}(taskId: $id, first: 50) { nodes { type content } } }`, { id });
    const { taskOutput } = await read('taskOutput');
    const of = (type: string) =>
      taskOutput.nodes
        .filter((entry: { type: string }) => entry.type === type)
        .map(({ content }: { content: string }) => content);
    expect(of('STDOUT')).toEqual([
      'nul \uFFFD end',
      'split 😀 whole',
      '\u001b[1;31mred\u001b[0m\u0007\b\t.',
      'half \uFFFD\uFFFD\uFFFD surrogate, \uFFFD none, \uFFFD',
      '10%\r20%',
      '\uFEFFmark',
    ]);
    expect(of('STDERR')).toEqual(['no \uFFFD end \uFFFD']);
    expect(await task(id)).toMatchObject({ status: 'DONE' });
  });

  it('says what is wrong when an agent fails, and saves its work all the same', async () => {
    const { daemon, spawnTask, wait, task } = await world();
    await daemon();
    const id = await spawnTask('echo half > half.txt; exit 3');
    await wait(id);
    expect(await task(id)).toMatchObject({ status: 'FAILED', errorMessage: 'The agent exited with code 3.' });
    expect((await task(id)).checkpoints).toHaveLength(1);
  });

  it('fails a task whose time is over, saying so, and saves every 10 minutes what one that works has changed', async () => {
    const { daemon, root, spawnTask, task, wait } = await world();
    await daemon(root, { QUICK: '420000=500,600000=500' });
    const late = await spawnTask('echo some > some.txt; sleep 600', { timeLimitMinutes: 7 });
    const long = await spawnTask(
      `for n in 1 2; do echo $n > $n.txt; until [ -e ${root}/on$n ]; do sleep 0.1; done; done`,
    );
    for (const saved of [1, 2]) {
      for (const until = Date.now() + 20_000; ; await delay(50)) {
        const { checkpoints } = await task(long);
        if (checkpoints.length >= saved) break;
        if (Date.now() > until) throw new Error(JSON.stringify(checkpoints));
      }
      writeFileSync(join(root, `on${saved}`), '');
    }
    await wait(long);
    // Nothing had changed since the last of them: the end is no checkpoint of its own.
    const messages: string[] = (await task(long)).checkpoints.map(({ message }: Saved) => message);
    expect(new Set(messages)).toEqual(new Set(['Task t: at work']));
    await wait(late);
    expect(await task(late)).toMatchObject({
      status: 'FAILED',
      errorMessage: 'The time limit of 7 minutes is over.',
      checkpoints: [{ filesChanged: 1 }],
    });
  });

  it('confirms a cancellation when nothing of the agent runs any more', async () => {
    const { daemon, spawnTask, wait, task, call, root } = await world();
    await daemon();
    const id = await spawnTask(`(trap '' TERM; touch ${root}/up; while :; do sleep 1; done) & wait`);
    await appears(join(root, 'up'));
    await call('mutation ($id: ID!) { cancelTask(input: { taskId: $id }) { task { status } } }', { id });
    await wait(id);
    expect(processesWith(id)).toEqual([]);
    expect((await task(id)).status).toBe('CANCELLED');
  });

  it('gives its tasks back once when it is stopped, saved and with no agent left', async () => {
    const { daemon, spawnTask, task, root } = await world();
    const child = await daemon();
    const id = await spawnTask(`echo work > w.txt; touch ${root}/up; sleep 300`);
    await appears(join(root, 'up'));
    child.kill('SIGTERM');
    expect((await once(child, 'exit'))[0]).toBe(0);
    expect(processesWith(id)).toEqual([]);
    expect(await task(id)).toMatchObject({ status: 'PENDING', attempt: 1, retryCount: 1 });
    expect((await task(id)).checkpoints).toHaveLength(1);
  });

  it('stops, after it was killed, what it left, gives the task back with what it had done, and starts it once', async () => {
    const { daemon, spawnTask, status, task, root, call } = await world();
    const child = await daemon();
    const id = await spawnTask(
      `echo start >> ${root}/starts; seq 1 500; echo work > w.txt; touch ${root}/up$(wc -l < ${root}/starts | tr -d ' '); sleep 300`,
    );
    await appears(join(root, 'up1'));
    const before = processesWith(`${id}.1`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(before.length).toBeGreaterThan(0);
    await daemon();
    await appears(join(root, 'up2'));
    expect(processesWith(`${id}.1`)).toEqual([]);
    expect(await status(id, 'RUNNING')).toMatchObject({ attempt: 2, retryCount: 1 });
    expect((await task(id)).checkpoints).toHaveLength(1);
    expect(readFileSync(join(root, 'starts'), 'utf8')).toBe('start\nstart\n');
    await call('mutation ($id: ID!) { cancelTask(input: { taskId: $id }) { task { status } } }', { id });
    await status(id, 'CANCELLED');
  });

  it('reports the end of an agent that ended while the daemon was suspended', async () => {
    const { daemon, spawnTask, status, root } = await world();
    const child = await daemon();
    const id = await spawnTask(`touch ${root}/up; sleep 0.5; echo done`);
    await appears(join(root, 'up'));
    await delay(300);
    child.kill('SIGSTOP');
    await delay(1_000);
    child.kill('SIGCONT');
    expect(await status(id, 'DONE')).toMatchObject({ attempt: 1, outputSummary: 'done' });
  });

  it('ends when another takes over with its key', async () => {
    const { daemon, root } = await world();
    const child = await daemon();
    const exited = once(child, 'exit');
    let said = '';
    child.stdout?.on('data', (chunk) => {
      said += chunk;
    });
    mkdirSync(join(root, 'other'));
    await daemon(join(root, 'other'));
    expect((await exited)[0]).toBe(3);
    expect(said).toContain('STALE_EPOCH');
  });

  it('merges and publishes what a person finds in the repository', async () => {
    const { daemon, spawnTask, wait, call, repo } = await world();
    await daemon();
    const id = await spawnTask('echo feature > feature.txt');
    await wait(id);
    const { mergeTask } = await call(
      'mutation ($id: ID!) { mergeTask(input: { taskId: $id, targetBranch: "main" }) { outcome commitSha message } }',
      { id },
    );
    expect(mergeTask.outcome).toBe('MERGED');
    expect(run(repo, 'rev-parse', 'main')).toBe(mergeTask.commitSha);
    expect(run(repo, 'log', '-1', '--format=%(trailers:key=Taskmesh-Task,valueonly)')).toContain(id);
    expect(readFileSync(join(repo, 'feature.txt'), 'utf8')).toBe('feature\n');
  });
});
