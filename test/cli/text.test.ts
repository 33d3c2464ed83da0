import { describe, expect, it } from 'vitest';
import { parseAnswer } from '../../src/cli/answering.ts';
import { repositoryOf } from '../../src/cli/commands/contract/create.ts';
import { EventLines } from '../../src/cli/event-lines.ts';
import { duration, harmless, type Paint } from '../../src/cli/style.ts';
import { table } from '../../src/cli/table.ts';
import type { LogEvent } from '../../src/cli/task-log.ts';
import { renderTree, type TreeTask } from '../../src/cli/tree.ts';
import { FakeApi } from './support/fake-api.ts';
import { runCli } from './support/run-cli.ts';

const plain: Paint = (_format, text) => text;

describe('the tree of a contract', () => {
  const task = (id: string, parent: string | null, more: Partial<TreeTask> = {}): TreeTask => ({
    id,
    name: id,
    role: 'WORK',
    status: 'DONE',
    durationSeconds: 4.1,
    parent: parent ? { id: parent } : null,
    ...more,
  });

  it('indents by depth and aligns the columns, in whatever order the tasks come', () => {
    const tasks = [
      task('b1', 'b', { status: 'FAILED' }),
      task('boss', null, { role: 'SUPERVISOR', status: 'WAITING', durationSeconds: 65 }),
      task('a', 'boss', { status: 'MERGED' }),
      task('b', 'boss', { durationSeconds: null, status: 'RUNNING' }),
    ];
    expect(renderTree(tasks, plain)).toBe(
      [
        'boss      supervisor  WAITING  1 m 05 s  boss',
        '├─ a      work        MERGED   4.1 s     a',
        '└─ b      work        RUNNING  –         b',
        '   └─ b1  work        FAILED   4.1 s     b1',
      ].join('\n'),
    );
  });

  it('shows a task whose parent is not there as a root', () => {
    expect(renderTree([task('lost', 'gone')], plain)).toBe('lost  work  DONE  4.1 s  lost');
  });
});

describe('texts of others', () => {
  it('lose what would steer the terminal', () => {
    expect(harmless('\u001b[31mred\u001b[0m\u001b]0;title\u0007\u0008\rok\ttab')).toBe('redok\ttab');
  });

  it('keep their line ends and letters', () => {
    expect(harmless('ä → 日本\nnext')).toBe('ä → 日本\nnext');
  });
});

describe('durations', () => {
  it.each([
    [null, '–'],
    [0, '0.0 s'],
    [9.94, '9.9 s'],
    [9.96, '10 s'],
    [59.6, '1 m 00 s'],
    [3_599, '59 m 59 s'],
    [3_660, '1 h 01 m'],
  ])('%s is %s', (seconds, text) => expect(duration(seconds)).toBe(text));
});

describe('tables', () => {
  it('align by what is seen, not by the bytes of colours', () => {
    expect(
      table([
        ['\u001b[31mred\u001b[39m', 'x'],
        ['longer', 'y'],
      ]),
    ).toBe('\u001b[31mred\u001b[39m     x\nlonger  y');
  });
});

describe('the lines of a log', () => {
  const task = { id: 'task_a', name: 'build', role: 'WORK' as const };
  const output = (content: string, more: object = {}): LogEvent => ({
    __typename: 'OutputEntry',
    sequence: 1,
    occurredAt: '',
    attempt: 1,
    messageId: null,
    outputType: 'STDOUT',
    content,
    toolName: null,
    toolInput: null,
    isError: false,
    isPartial: false,
    task,
    ...more,
  });

  it('have the name of their task in front, each of them', () => {
    expect(new EventLines(plain, 6).linesOf(output('one\ntwo\n'))).toEqual(['build  │ one', 'build  │ two']);
  });

  it('are whole: chunks of a message are held back until a line ends, and two messages never mix', () => {
    const lines = new EventLines(plain, 5);
    const chunk = (messageId: string, content: string, isPartial: boolean) =>
      lines.linesOf(output(content, { messageId, isPartial, outputType: 'ASSISTANT' }));
    expect(chunk('1', 'Hello ', true)).toEqual([]);
    expect(chunk('2', 'Other', true)).toEqual([]);
    expect(chunk('1', 'world\nand ', true)).toEqual(['build │ Hello world']);
    expect(chunk('1', 'more', false)).toEqual(['build │ and more']);
    expect(chunk('2', '!', false)).toEqual(['build │ Other!']);
  });

  it('never carry control characters of an agent', () => {
    expect(new EventLines(plain, 5).linesOf(output('\u001b]52;c;ZXZpbA==\u0007done'))).toEqual([
      'build │ done',
    ]);
  });

  it('tell a status only when it changed', () => {
    const lines = new EventLines(plain, 5);
    const update = (updatedFields: string[]): LogEvent => ({
      __typename: 'TaskUpdatedEvent',
      sequence: 1,
      occurredAt: '',
      type: 'TASK_UPDATED',
      updatedFields,
      updatedBy: 'daemon',
      taskStatus: 'RUNNING',
      task,
    });
    expect(lines.linesOf(update(['status', 'version']))).toEqual(['build │ is RUNNING']);
    expect(lines.linesOf(update(['costUsd']))).toEqual([]);
  });
});

describe('an answer typed at the prompt', () => {
  const question = { choices: ['yes', 'No', '1'], multiSelect: false };
  it.each([
    ['2', { choices: ['No'] }],
    ['no', { choices: ['No'] }],
    ['1', { choices: ['1'] }],
    ['9', { text: '9' }],
    ['later, please', { text: 'later, please' }],
    ['  ', null],
  ])('%j means %j', (line, answer) => expect(parseAnswer(line, question)).toEqual(answer));

  it('may name several choices only where several are allowed', () => {
    expect(parseAnswer('1, no', { ...question, multiSelect: true })).toEqual({ choices: ['1', 'No'] });
    expect(parseAnswer('yes, no', question)).toEqual({ text: 'yes, no' });
  });
});

describe('a repository', () => {
  it.each(['https://github.com/a/b.git', 'ssh://git@host/x', 'git@github.com:a/b.git', 'file:///srv/x.git'])(
    '%s is a URL',
    (given) => {
      expect(repositoryOf(given, undefined, true)).toMatchObject({ url: given, isPrimary: true });
    },
  );

  it('anything else is a path, made absolute', () => {
    expect(repositoryOf('.', 'main', false)).toEqual({
      localPath: process.cwd(),
      baseBranch: 'main',
      isPrimary: false,
    });
  });
});

describe('task show', () => {
  it('says the status, and leaves out what is not set', async () => {
    const task = {
      id: 'task_x',
      name: 'build',
      description: null,
      status: 'FAILED',
      role: 'WORK',
      attempt: 2,
      retryCount: 1,
      agent: 'shell',
      costUsd: 0,
      durationSeconds: 3,
      errorMessage: 'no\nway',
      failedDaemons: [{ name: 'vm' }],
      contract: { id: 'contract_x', name: 'Work' },
    };
    await using api = await FakeApi.start({ TaskShow: { task } });
    const { stdout } = await runCli(['task', 'show', 'task_x', '--url', api.url]);
    expect(stdout).toBe(
      [
        'id         task_x',
        'name       build',
        'contract   contract_x Work',
        'role       WORK',
        'status     FAILED',
        'attempt    2, 1 retries',
        'agent      shell',
        'failed on  vm',
        'duration   3.0 s',
        'error      no\nway',
        '',
      ].join('\n'),
    );
  });
});
