import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { progressLines, type Tree } from '../../src/cli/contract-progress.ts';
import { LiveView } from '../../src/cli/live-view.ts';
import type { Paint } from '../../src/cli/style.ts';
import { FakeApi } from './support/fake-api.ts';
import { FakeLog } from './support/fake-log.ts';
import { runCli } from './support/run-cli.ts';
import { screenOf } from './support/screen.ts';

const plain: Paint = (_format, text) => text;

function terminal(columns = 40): {
  screen: PassThrough & { isTTY?: boolean; columns?: number };
  shown: () => string[];
} {
  const screen = Object.assign(new PassThrough(), { isTTY: true, columns });
  let written = '';
  screen.on('data', (bytes: Buffer) => {
    written += bytes.toString();
  });
  return { screen, shown: () => screenOf(written) };
}

describe('lines that stay below', () => {
  it('change in place, while what is printed moves up above them', () => {
    const { screen, shown } = terminal();
    const view = new LiveView(screen);
    view.show(['one', 'two']);
    view.above(() => screen.write('first\n'));
    view.show(['three']);
    view.above(() => screen.write('second\nthird\n'));
    expect(shown()).toEqual(['first', 'second', 'third', 'three', '']);
    view.end();
    expect(shown()).toEqual(['first', 'second', 'third', '']);
  });

  it('are cut to the width, so that none becomes two', () => {
    const { screen, shown } = terminal(10);
    new LiveView(screen).show(['0123456789abc', '\u001b[31mred and long\u001b[39m']);
    expect(shown()).toEqual(['01234567…', 'red and …', '']);
  });

  it('are not there for a pipe', () => {
    const pipe = new PassThrough();
    const view = new LiveView(pipe);
    view.show(['one']);
    view.above(() => pipe.write('first\n'));
    view.end();
    expect(String(pipe.read())).toBe('first\n');
  });
});

describe('the progress of a contract', () => {
  const task = (name: string, more: object = {}) => ({
    depth: 1,
    task: { id: name, name, role: 'WORK', status: 'RUNNING', durationSeconds: 61, costUsd: 0, ...more },
  });
  const tree = (nodes: object[], contract: object = {}) =>
    ({
      contract: { name: 'Login', phase: 'EXECUTE', costUsd: 0, tokens: 0, budgetUsd: null, ...contract },
      nodes,
    }) as unknown as Tree;
  const lines = (of: Tree, questions: string[] = []) =>
    progressLines(of, { secondsSince: 2, questions, paint: plain }).slice(1);

  it('says how far it is, what runs and since when, what it cost, and what waits for the person', () => {
    const nodes = [
      task('Supervisor', { role: 'SUPERVISOR', status: 'WAITING' }),
      task('done', { status: 'MERGED' }),
      task('broken', { status: 'FAILED' }),
      task('build', { costUsd: 0.42 }),
      task('later', { status: 'PENDING', durationSeconds: null, pendingReason: 'All daemons are busy.' }),
    ];
    const contract = { costUsd: 0.42, budgetUsd: 5, tokens: 12_345 };
    expect(lines(tree(nodes, contract), ['question_1'])).toEqual([
      'Login execute  ██████████░░░░░░░░░░ 2 of 4 tasks ended  1 failed  $0.42 of $5  12k tokens',
      '  Supervisor  WAITING     1 m 01 s',
      '  build       RUNNING     1 m 03 s  $0.42',
      '  later       PENDING     All daemons are busy.',
      '  waits for you: taskmesh question answer question_1',
    ]);
  });

  it('leaves room for the log, however many run', () => {
    const many = Array.from({ length: 30 }, (_, index) => task(`task ${index}`));
    expect(lines(tree(many))).toHaveLength(8);
    expect(lines(tree(many)).at(-1)).toBe('  and 24 more');
  });

  it('shows no cost where no agent reports any', () => {
    expect(lines(tree([]))).toEqual(['Login execute']);
  });
});

describe('contract watch at a terminal', () => {
  it('shows the log, the progress below it while it runs, and only the log in the end', async () => {
    await using log = await FakeLog.start();
    log.output('compiling');
    const argv = ['contract', 'watch', 'contract_x', '--all'];
    const watching = runCli(argv, { env: { TASKMESH_URL: log.url }, columns: 80 });
    await log.subscribed(1);
    log.output('linking');
    log.completed();
    log.contractStatus = 'COMPLETED';
    log.add({
      __typename: 'ContractChangedEvent',
      eventType: 'CONTRACT_COMPLETED',
      updatedFields: [],
      updatedBy: 'x',
      contract: { id: 'contract_x', name: 'Work', status: 'COMPLETED', phase: 'REVIEW' },
    });
    const { code, stdout } = await watching;
    expect(code).toBe(0);
    expect(stdout).toContain('0 of 1 task ended');
    const shown = screenOf(stdout);
    expect(shown.slice(-5)).toEqual([
      'build        │ compiling',
      'build        │ linking',
      'build        │ ended DONE',
      'Contract Work is completed.',
      '',
    ]);
  });
});

describe('task wait at a terminal', () => {
  it('says on stderr that it goes on, and takes that away in the end', async () => {
    const ended = (id: string) => ({
      status: 'DONE',
      completed: true,
      task: { id, name: id, durationSeconds: 2 },
    });
    await using api = await FakeApi.start({
      WaitForTasks: [{ waitForTasks: [ended('task_a')] }, { waitForTasks: [ended('task_b')] }],
    });
    const argv = ['task', 'wait', 'task_a', 'task_b'];
    const { stdout, stderr } = await runCli(argv, { env: { TASKMESH_URL: api.url }, columns: 80 });
    expect(stderr).toContain('0 of 2 ended');
    expect(screenOf(stderr)).toEqual(['']);
    expect(screenOf(stdout).map((line) => line.slice(0, 12))).toEqual(['task_a  DONE', 'task_b  DONE', '']);
  });
});
