import { describe, expect, it } from 'vitest';
import { FakeApi, refuse } from './support/fake-api.ts';
import { agentEnv, runCli } from './support/run-cli.ts';

const asAgent = (api: FakeApi, argv: string[], stdin?: string) =>
  runCli(argv, { env: agentEnv(api.url), ...(stdin === undefined ? {} : { stdin }) });
const file = (more: object) => ({
  worktreeFile: {
    path: 'x',
    exists: true,
    content: 'text',
    encoding: 'UTF8',
    size: 4,
    truncated: false,
    ...more,
  },
});

describe('task file', () => {
  it('writes what is in it and nothing else, with no line end of its own', async () => {
    await using api = await FakeApi.start({ WorktreeFile: file({}) });
    expect(await asAgent(api, ['task', 'file', 'task_x', 'x'])).toEqual({
      code: 0,
      stdout: 'text',
      stderr: '',
    });
    expect(api.calls[0]?.variables).toEqual({ taskId: 'task_x', path: 'x' });
  });

  it('says so when there is more', async () => {
    await using api = await FakeApi.start({ WorktreeFile: file({ truncated: true, size: 9 }) });
    const outcome = await asAgent(api, ['supervisor', 'file', 'task_x', 'x']);
    expect(outcome).toMatchObject({ code: 0, stdout: 'text', stderr: expect.stringContaining('9 bytes') });
  });

  it('ends with 4 when there is none, also with --json', async () => {
    await using api = await FakeApi.start({ WorktreeFile: file({ exists: false, content: null, size: 0 }) });
    expect(await asAgent(api, ['task', 'file', 'task_x', 'x'])).toMatchObject({ code: 4, stdout: '' });
    const json = await asAgent(api, ['task', 'file', 'task_x', 'x', '--json']);
    expect(json.code).toBe(4);
    expect(JSON.parse(json.stdout)).toMatchObject({ exists: false });
  });

  it('ends with 3 for a path that leaves the working copy', async () => {
    await using api = await FakeApi.start({ WorktreeFile: refuse('FORBIDDEN_PATH') });
    expect((await asAgent(api, ['task', 'file', 'task_x', '../x'])).code).toBe(3);
  });
});

const pendingBranch = { createBranch: { branchName: 'b', commitSha: null, pending: true } };
const branch = { createBranch: { branchName: 'b', commitSha: 'a'.repeat(40), pending: false } };

describe('supervisor branch', () => {
  it('takes the waiting up again, with the same requestId', async () => {
    await using api = await FakeApi.start({ CreateBranch: [pendingBranch, pendingBranch, branch] });
    const outcome = await asAgent(api, ['supervisor', 'branch', 'b', '--from', 'main']);
    expect(outcome).toEqual({ code: 0, stdout: `b is at ${'a'.repeat(40)}\n`, stderr: '' });
    expect(new Set(api.calls.map(({ variables }) => variables.input.requestId)).size).toBe(1);
    expect(api.calls[0]?.variables.input).toMatchObject({
      contractId: 'contract_mine',
      branchName: 'b',
      fromRef: 'main',
    });
  });

  it('ends with 5 when the daemon does not answer in time', async () => {
    await using api = await FakeApi.start({ CreateBranch: pendingBranch });
    expect((await asAgent(api, ['supervisor', 'branch', 'b', '--timeout', '1'])).code).toBe(5);
  });

  it('ends with 2 for a branch that is at another commit', async () => {
    await using api = await FakeApi.start({ CreateBranch: refuse('INVALID_INPUT') });
    expect((await asAgent(api, ['supervisor', 'branch', 'b'])).code).toBe(2);
  });
});

const opened = {
  createPullRequest: { url: 'https://github.com/a/b/pull/1', number: 1, created: true, pending: false },
};

describe('supervisor pr', () => {
  it('prints the URL alone', async () => {
    await using api = await FakeApi.start({ CreatePullRequest: opened });
    const argv = ['supervisor', 'pr', 'b', '--title', 'Fix', '--body-file', '-', '--base', 'main'];
    expect(await asAgent(api, argv, 'Why\n')).toEqual({
      code: 0,
      stdout: 'https://github.com/a/b/pull/1\n',
      stderr: '',
    });
    expect(api.calls[0]?.variables.input).toMatchObject({
      branch: 'b',
      title: 'Fix',
      body: 'Why\n',
      baseBranch: 'main',
    });
  });

  it('says when it was open already', async () => {
    const found = { createPullRequest: { ...opened.createPullRequest, created: false } };
    await using api = await FakeApi.start({ CreatePullRequest: found });
    const outcome = await asAgent(api, ['supervisor', 'pr', 'b', '--title', 'Fix']);
    expect(outcome).toMatchObject({ code: 0, stderr: expect.stringContaining('already') });
  });

  it('ends with 1 where nothing may be pushed', async () => {
    await using api = await FakeApi.start({ CreatePullRequest: refuse('LOCAL_ONLY') });
    expect((await asAgent(api, ['supervisor', 'pr', 'b', '--title', 'x'])).code).toBe(1);
  });
});
