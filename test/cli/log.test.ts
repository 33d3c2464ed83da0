import { describe, expect, it } from 'vitest';
import { FakeLog } from './support/fake-log.ts';
import { runCli } from './support/run-cli.ts';

const other = { id: 'task_b', name: 'other', role: 'WORK', status: 'RUNNING' };
const output = (log: FakeLog, ...more: string[]) =>
  runCli(['task', 'output', 'task_a', '--url', log.url, ...more]);

describe('task output', () => {
  it('ends at what there was when it was called, also while the task runs on', async () => {
    await using log = await FakeLog.start();
    log.output('one\n');
    log.output('not mine\n', other);
    log.output('two');
    log.completed(other);
    expect(await output(log)).toEqual({ code: 0, stdout: 'one\ntwo\n', stderr: '' });
  });

  it('is empty at once when there is nothing', async () => {
    await using log = await FakeLog.start();
    expect(await output(log)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(log.cursors).toEqual([]);
  });

  it('reads page by page, and nothing of the rest of the log', async () => {
    await using log = await FakeLog.start();
    for (let line = 1; line <= 1_100; line += 1) log.output(`${line}`);
    const { stdout } = await output(log);
    expect(stdout.trim().split('\n').map(Number)).toEqual(Array.from({ length: 1_100 }, (_, at) => at + 1));
    expect(log.pages).toEqual([0, 500, 1_000]);
    expect(log.cursors).toEqual([]);
  });

  it('follows from where its pages end', async () => {
    await using log = await FakeLog.start();
    log.output('1');
    const following = output(log, '--follow', '--json');
    await log.subscribed(1);
    expect(log.cursors).toEqual([1]);
    log.completed();
    expect((await following).stdout.trim().split('\n')).toHaveLength(1);
  });

  it('shows the last entries with --last, and goes on behind a sequence with --after', async () => {
    await using log = await FakeLog.start();
    for (const line of ['1', '2', '3', '4']) log.output(line);
    expect((await output(log, '--last', '2')).stdout).toBe('3\n4\n');
    expect((await output(log, '--after', '3')).stdout).toBe('4\n');
  });

  it('gives whole entries as JSON lines with --json', async () => {
    await using log = await FakeLog.start();
    log.output('one');
    expect(JSON.parse((await output(log, '--json')).stdout)).toMatchObject({
      sequence: 1,
      content: 'one',
      outputType: 'STDOUT',
    });
  });

  it('follows until the task completes, past the completion of another and of an earlier attempt', async () => {
    await using log = await FakeLog.start();
    log.output('first attempt');
    log.completed();
    log.task.status = 'RUNNING';
    const following = output(log, '--follow');
    await log.subscribed(1);
    log.output('second attempt');
    log.completed(other);
    log.output('the end');
    log.completed();
    expect(await following).toEqual({
      code: 0,
      stdout: 'build        │ first attempt\nbuild        │ second attempt\nbuild        │ the end\n',
      stderr: '',
    });
  });

  it('goes on where it was after a cut connection: nothing is missing, nothing comes twice', async () => {
    await using log = await FakeLog.start();
    log.output('1');
    const following = output(log, '--follow', '--json');
    await log.subscribed(1);
    log.output('2');
    await new Promise((resolve) => setTimeout(resolve, 100));
    log.cut();
    log.output('3');
    await log.subscribed(2);
    log.output('4');
    log.completed();
    const { code, stdout, stderr } = await following;
    expect(code).toBe(0);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).content),
    ).toEqual(['1', '2', '3', '4']);
    expect(stderr).toContain('the connection was cut');
  });
});

describe('contract watch', () => {
  it('ends when the contract is completed and its last task has ended', async () => {
    await using log = await FakeLog.start();
    log.output('before');
    const watching = runCli(['contract', 'watch', 'contract_x', '--all', '--url', log.url]);
    await log.subscribed(1);
    log.contractStatus = 'COMPLETED';
    log.add({
      __typename: 'ContractChangedEvent',
      eventType: 'CONTRACT_COMPLETED',
      updatedFields: ['status'],
      updatedBy: 'x',
      contract: { id: 'contract_x', name: 'Work', status: 'COMPLETED', phase: 'EXECUTE' },
    });
    // The watch has seen all there is, and the task has not ended: there is more to come.
    await new Promise((resolve) => setTimeout(resolve, 150));
    log.output('last words');
    log.completed();
    const { code, stdout } = await watching;
    expect(code).toBe(0);
    expect(stdout).toBe(
      'build        │ before\nContract Work is completed.\nbuild        │ last words\nbuild        │ ended DONE\n',
    );
  });

  it('says what to do when the supervisor has ended and the contract is still open', async () => {
    await using log = await FakeLog.start();
    const watching = runCli(['contract', 'watch', 'contract_x', '--all', '--url', log.url]);
    await log.subscribed(1);
    log.completed({ ...other, role: 'SUPERVISOR' });
    log.add({
      __typename: 'ContractChangedEvent',
      eventType: 'CONTRACT_COMPLETED',
      updatedFields: [],
      updatedBy: 'x',
      contract: { id: 'contract_x', name: 'Work', status: 'COMPLETED', phase: 'EXECUTE' },
    });
    log.completed();
    const { stderr } = await watching;
    expect(stderr).toContain('taskmesh contract resume contract_x');
    expect(stderr).toContain('taskmesh contract complete contract_x');
  });

  it('starts at the present unless told otherwise', async () => {
    await using log = await FakeLog.start();
    log.output('before');
    const watching = runCli(['contract', 'watch', 'contract_x', '--url', log.url]);
    await log.subscribed(1);
    expect(log.cursors).toEqual([1]);
    log.cut();
    await log.subscribed(2);
    log.add({
      __typename: 'ContractChangedEvent',
      eventType: 'CONTRACT_COMPLETED',
      updatedFields: [],
      updatedBy: 'x',
      contract: { id: 'contract_x', name: 'Work', status: 'COMPLETED', phase: 'EXECUTE' },
    });
    log.completed();
    expect((await watching).stdout).not.toContain('before');
  });
});
