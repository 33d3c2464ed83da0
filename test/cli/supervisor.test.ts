import { describe, expect, it } from 'vitest';
import { CUT, FakeApi, refuse } from './support/fake-api.ts';
import { agentEnv, runCli } from './support/run-cli.ts';

const spawned = { spawnTask: { task: { id: 'task_new' } } };
const asAgent = (api: FakeApi, argv: string[], stdin?: string) =>
  runCli(argv, { env: agentEnv(api.url), ...(stdin === undefined ? {} : { stdin }) });

describe('supervisor spawn', () => {
  it('prints the id alone, so that a script can keep it', async () => {
    await using api = await FakeApi.start({ SpawnTask: spawned });
    const outcome = await asAgent(api, [
      'supervisor',
      'spawn',
      '--name',
      'Build',
      '--plan',
      'make',
      '--own-worktree',
    ]);
    expect(outcome).toEqual({ code: 0, stdout: 'task_new\n', stderr: '' });
    expect(api.calls[0]?.variables.input).toMatchObject({
      contractId: 'contract_mine',
      name: 'Build',
      plan: 'make',
      useOwnWorktree: true,
    });
  });

  it('takes the plan from stdin with -', async () => {
    await using api = await FakeApi.start({ SpawnTask: spawned });
    await asAgent(api, ['supervisor', 'spawn', '--name', 'x', '--plan-file', '-'], 'line 1\nline 2\n');
    expect(api.calls[0]?.variables.input.plan).toBe('line 1\nline 2\n');
  });

  it('names the request by the word of --once, so that a script that runs again finds its task', async () => {
    await using api = await FakeApi.start({ SpawnTask: [spawned, spawned] });
    const argv = ['supervisor', 'spawn', '--name', 'x', '--plan', 'y', '--once', 'first'];
    await asAgent(api, argv);
    await asAgent(api, argv);
    const ids = api.calls.map((call) => call.variables.input.requestId);
    expect(ids).toEqual(['contract_mine/first', 'contract_mine/first']);
  });

  it('repeats itself with the same requestId when the connection is cut before the answer', async () => {
    await using api = await FakeApi.start({ SpawnTask: [CUT, CUT, spawned] });
    const outcome = await asAgent(api, ['supervisor', 'spawn', '--name', 'x', '--plan', 'y']);
    expect(outcome.code).toBe(0);
    expect(outcome.stdout).toBe('task_new\n');
    expect(outcome.stderr).toContain('trying again');
    const ids = api.calls.map((call) => call.variables.input.requestId);
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(1);
  });

  it('takes a new requestId for each call of its own', async () => {
    await using api = await FakeApi.start({ SpawnTask: spawned });
    await asAgent(api, ['supervisor', 'spawn', '--name', 'x', '--plan', 'y']);
    await asAgent(api, ['supervisor', 'spawn', '--name', 'x', '--plan', 'y']);
    expect(new Set(api.calls.map((call) => call.variables.input.requestId)).size).toBe(2);
  });
});

describe('finish', () => {
  it('is not sent again when it may have arrived: its key ends with it', async () => {
    await using api = await FakeApi.start({
      FinishTask: [CUT, { finishTask: { task: { id: 'task_me', status: 'DONE' } } }],
    });
    expect((await asAgent(api, ['finish', '--summary', 'done'])).code).toBe(6);
    expect(api.calls).toHaveLength(1);
  });
});

describe('supervisor wait', () => {
  const result = (id: string, status: string, completed = true) => ({
    status,
    completed,
    timedOut: !completed,
    outputSummary: null,
    errorMessage: null,
    task: { id, name: id, durationSeconds: 2 },
  });

  it('waits in slices of at most 50 s, for those that are left, until all have ended', async () => {
    await using api = await FakeApi.start({
      WaitForTasks: [
        { waitForTasks: [result('task_a', 'DONE'), result('task_b', 'RUNNING', false)] },
        { waitForTasks: [result('task_b', 'RUNNING', false)] },
        { waitForTasks: [result('task_b', 'MERGED')] },
      ],
    });
    const outcome = await asAgent(api, ['supervisor', 'wait', 'task_a', 'task_b', '--timeout', '3000']);
    expect(outcome.code).toBe(0);
    expect(outcome.stdout.split('\n').map((line) => line.split('  ').slice(0, 2))).toEqual([
      ['task_a', 'DONE'],
      ['task_b', 'MERGED'],
      [''],
    ]);
    expect(api.calls.map((call) => call.variables.taskIds)).toEqual([
      ['task_a', 'task_b'],
      ['task_b'],
      ['task_b'],
    ]);
    for (const call of api.calls) expect(call.variables.timeoutSeconds).toBeLessThanOrEqual(50);
  });

  it('ends with 1 when one did not end DONE, after all have ended', async () => {
    await using api = await FakeApi.start({
      WaitForTasks: [
        { waitForTasks: [result('task_a', 'FAILED')] },
        { waitForTasks: [result('task_b', 'DONE')] },
      ],
    });
    const outcome = await asAgent(api, ['supervisor', 'wait', 'task_a', 'task_b']);
    expect(outcome.code).toBe(1);
    expect(outcome.stdout).toContain('task_b');
    expect(outcome.stderr).toContain('task_a ended FAILED');
  });

  it('ends with 5 when the time is up', async () => {
    await using api = await FakeApi.start({
      WaitForTasks: { waitForTasks: [result('task_a', 'RUNNING', false)] },
    });
    const outcome = await asAgent(api, ['supervisor', 'wait', 'task_a', '--timeout', '1']);
    expect(outcome.code).toBe(5);
    expect(outcome.stderr).toContain('task_a');
  });

  it('outlives an outage of the server', async () => {
    await using api = await FakeApi.start({
      WaitForTasks: [CUT, CUT, { waitForTasks: [result('task_a', 'DONE')] }],
    });
    expect((await asAgent(api, ['supervisor', 'wait', 'task_a'])).code).toBe(0);
  });
});

describe('supervisor ask', () => {
  const outcome = (outcome: string, response: string | null) => ({
    outcome,
    response,
    question: { id: 'question_1' },
  });

  it('prints the answer alone, goes on waiting in slices, and acknowledges', async () => {
    await using api = await FakeApi.start({
      AskQuestion: { askQuestion: outcome('PENDING', null) },
      AwaitAnswer: [
        { awaitAnswer: outcome('PENDING', null) },
        { awaitAnswer: outcome('ANSWERED', 'not yet') },
      ],
      AcknowledgeAnswer: { acknowledgeAnswer: { question: { id: 'question_1' } } },
    });
    const asked = await asAgent(api, [
      'supervisor',
      'ask',
      'Merge?',
      '--choice',
      'yes',
      '--choice',
      'not yet',
    ]);
    expect(asked).toEqual({ code: 0, stdout: 'not yet\n', stderr: '' });
    expect(api.calls.map((call) => call.operation)).toEqual([
      'AskQuestion',
      'AwaitAnswer',
      'AwaitAnswer',
      'AcknowledgeAnswer',
    ]);
    expect(api.calls[0]?.variables.input).toMatchObject({
      question: 'Merge?',
      choices: ['yes', 'not yet'],
      waitSeconds: 50,
    });
    expect(api.calls[1]?.variables.input).toEqual({ questionId: 'question_1', timeoutSeconds: 50 });
  });

  it('ends with 5 and prints nothing when nobody answered: that is never consent', async () => {
    await using api = await FakeApi.start({ AskQuestion: { askQuestion: outcome('TIMED_OUT', null) } });
    const asked = await asAgent(api, ['supervisor', 'ask', 'Merge?']);
    expect(asked).toMatchObject({ code: 5, stdout: '' });
    expect(api.calls.map((call) => call.operation)).not.toContain('AcknowledgeAnswer');
  });

  it('still gives the answer when it cannot be acknowledged', async () => {
    await using api = await FakeApi.start({
      AskQuestion: { askQuestion: outcome('ANSWERED', 'yes') },
      AcknowledgeAnswer: refuse('INTERNAL_SERVER_ERROR'),
    });
    const asked = await asAgent(api, ['supervisor', 'ask', 'Merge?']);
    expect(asked).toMatchObject({ code: 0, stdout: 'yes\n' });
    expect(asked.stderr).toContain('may come again');
  });
});

describe('supervisor merge', () => {
  const merge = (outcome: string, conflicts: unknown[] = []) => ({
    mergeTask: {
      outcome,
      message: 'said',
      commitSha: null,
      targetBranch: 'taskmesh/x',
      conflicts,
      task: { id: 'task_a', name: 'a', status: 'DONE' },
    },
  });

  it('ends with 1 for a conflict and shows where it is and who caused it', async () => {
    const conflict = {
      path: 'src/a.ts',
      kind: 'content',
      hunks: ['<<<<<<< ours'],
      tasks: [{ id: 'task_b', name: 'other' }],
    };
    await using api = await FakeApi.start({ MergeTask: merge('CONFLICT', [conflict]) });
    const merged = await asAgent(api, ['supervisor', 'merge', 'task_a']);
    expect(merged.code).toBe(1);
    expect(merged.stdout).toBe(
      'CONFLICT into taskmesh/x: said\nsrc/a.ts (content), changed by other\n<<<<<<< ours\n',
    );
  });

  it('takes the waiting up again with the same requestId while the daemon is at it', async () => {
    await using api = await FakeApi.start({
      MergeTask: [merge('PENDING'), merge('PENDING'), merge('MERGED')],
    });
    expect((await asAgent(api, ['supervisor', 'merge', 'task_a'])).code).toBe(0);
    expect(new Set(api.calls.map((call) => call.variables.input.requestId)).size).toBe(1);
    expect(api.calls).toHaveLength(3);
  });
});

describe('supervisor inbox', () => {
  const message = { id: 'message_1', number: 1, sender: 'PERSON', content: 'Use port 8080', createdAt: '' };

  it('does not wait unless asked to', async () => {
    await using api = await FakeApi.start({ Inbox: { inbox: [] } });
    expect(await asAgent(api, ['supervisor', 'inbox'])).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(api.calls.map((call) => call.variables)).toEqual([{ timeoutSeconds: 0 }]);
  });

  it('waits on until there is one, and acknowledges what it printed', async () => {
    await using api = await FakeApi.start({
      Inbox: [{ inbox: [] }, { inbox: [message] }],
      AcknowledgeMessages: { acknowledgeMessages: { acknowledged: 1 } },
    });
    const read = await asAgent(api, ['supervisor', 'inbox', '--wait']);
    expect(read).toEqual({ code: 0, stdout: '[person] Use port 8080\n', stderr: '' });
    expect(api.calls.at(-1)?.variables.input).toEqual({ upTo: 1 });
  });
});
