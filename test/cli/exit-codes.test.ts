import { describe, expect, it } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '../../src/platform/errors.ts';
import { FakeApi, refuse } from './support/fake-api.ts';
import { runCli } from './support/run-cli.ts';

const show = (api: FakeApi, ...more: string[]) =>
  runCli(['task', 'show', 'task_x', '--url', api.url, ...more]);

describe('the exit code says what happened', () => {
  const expected: Partial<Record<ErrorCode, number>> = {
    INVALID_INPUT: 2,
    INVALID_CHOICE: 2,
    UNAUTHENTICATED: 3,
    FORBIDDEN: 3,
    NOT_SUPERVISOR: 3,
    CONTRACT_MISMATCH: 3,
    NOT_FOUND: 4,
    DAEMON_TIMEOUT: 5,
    TASKS_RUNNING: 1,
    INTERNAL_SERVER_ERROR: 1,
  };
  it.each(Object.entries(expected))('%s ends with %i', async (code, exit) => {
    await using api = await FakeApi.start({ TaskShow: refuse(code) });
    expect(await show(api)).toEqual({
      code: exit,
      stdout: '',
      stderr: `taskmesh: refused with ${code} (${code})\n`,
    });
  });

  it('ends with 6 when the server stops: it has not answered', async () => {
    await using api = await FakeApi.start({ TaskShow: refuse('SHUTTING_DOWN') });
    const { code, stdout, stderr } = await show(api);
    expect({ code, stdout }).toEqual({ code: 6, stdout: '' });
    expect(stderr).toContain('(UNREACHABLE)');
  });

  it.each(Object.keys(ERROR_CODES))('%s is never taken for success', async (code) => {
    await using api = await FakeApi.start({ TaskShow: refuse(code) });
    expect((await show(api)).code).toBeGreaterThan(0);
  });

  it('counts a code that it does not know as failed', async () => {
    await using api = await FakeApi.start({ TaskShow: refuse('A_CODE_OF_NEXT_YEAR') });
    expect((await show(api)).code).toBe(1);
  });

  it('ends with 6 at once when no server is there', async () => {
    const gone = await FakeApi.start({});
    const { url } = gone;
    await gone[Symbol.asyncDispose]();
    const startedAt = performance.now();
    const outcome = await runCli(['task', 'show', 'task_x', '--url', url]);
    expect(outcome.code).toBe(6);
    expect(outcome.stderr).toContain(`No answer from ${url}`);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });

  it('ends with 3 and says where a key comes from when there is none', async () => {
    const outcome = await runCli(['contract', 'list'], { env: { TASKMESH_KEY: '' } });
    expect(outcome.code).toBe(3);
    expect(outcome.stderr).toMatch(/TASKMESH_KEY.*\(UNAUTHENTICATED\)/);
  });

  it.each([
    [['nonsense']],
    [['task', 'shw']],
    [['task', 'show']],
    [['task', 'show', 'a', 'b']],
    [['contract', 'create']],
    [['task', 'wait', 'task_x', '--timeout', 'soon']],
    [['task', 'wait', 'task_x', '--timeout', '0']],
    [['task', 'list', 'contract_x', '--status', 'sleeping']],
    [['task', 'show', 'x', '--no-such-option']],
    [['task', 'show', 'x', '--url', 'ftp://example.com']],
    [['supervisor', 'spawn', '--name', 'x']],
    [['supervisor', 'spawn', '--name', 'x', '--plan', 'a', '--plan-file', 'b']],
    [['supervisor', 'spawn', '--name', 'x', '--plan-file', '/nowhere/plan.md']],
  ])('ends with 2 for %j', async (argv) => {
    const outcome = await runCli(argv);
    expect(outcome.code).toBe(2);
    expect(outcome.stdout).toBe('');
    expect(outcome.stderr).toMatch(/^taskmesh: .+ \((USAGE|INVALID_INPUT)\)\n$/);
  });
});

describe('with --json', () => {
  it('tells a refusal as an object on stderr', async () => {
    await using api = await FakeApi.start({ TaskShow: refuse('INVALID_INPUT', 'not an id', 'id') });
    const outcome = await show(api, '--json');
    expect(outcome.code).toBe(2);
    expect(JSON.parse(outcome.stderr)).toEqual({
      error: { code: 'INVALID_INPUT', message: 'not an id', field: 'id' },
    });
  });

  it('tells wrong usage so, too, also where the command line could not be understood', async () => {
    const outcome = await runCli(['task', 'shw', '--json']);
    expect(outcome.code).toBe(2);
    expect(JSON.parse(outcome.stderr)).toEqual({
      error: { code: 'USAGE', message: "unknown command 'shw' (Did you mean show?)", field: null },
    });
  });

  it.each([[['--json', 'task', 'show', 'task_x']], [['task', 'show', 'task_x', '--json']]])(
    'is taken at %j',
    async (argv) => {
      await using api = await FakeApi.start({ TaskShow: { task: { id: 'task_x' } } });
      const outcome = await runCli([...argv, '--url', api.url]);
      expect(JSON.parse(outcome.stdout)).toEqual({ id: 'task_x' });
    },
  );
});

describe('the connection', () => {
  it('never follows a --url that stands in the value of another option', async () => {
    await using evil = await FakeApi.start({});
    await using api = await FakeApi.start({ SpawnTask: { spawnTask: { task: { id: 'task_new' } } } });
    const argv = [
      'task',
      'spawn',
      'contract_x',
      '--name',
      'x',
      '--plan',
      `--url=${evil.url}`,
      '--url',
      api.url,
    ];
    expect((await runCli(argv)).code).toBe(0);
    expect(evil.calls).toEqual([]);
    expect(api.calls[0]?.variables.input.plan).toBe(`--url=${evil.url}`);
  });

  it("sends an agent's tool key", async () => {
    await using api = await FakeApi.start({ TaskShow: { task: { id: 'task_x' } } });
    await runCli(['task', 'show', 'task_x', '--json', '--url', api.url], {
      env: { TASKMESH_TOOL_KEY: 'tmk_task_1' },
    });
    expect(api.calls.map((call) => call.authorization)).toEqual(['Bearer tmk_task_1']);
  });
});
