import { describe, expect, test } from 'vitest';
import { ERROR_CODES } from '../../src/platform/errors.ts';
import { type Answer, CUT, FakeApi, refuse, SILENT } from '../cli/support/fake-api.ts';
import { Tools } from './support/tools.ts';

/** What a model is told when something goes wrong, and that nothing is done twice. The server is played. */
const viewer = (kind: string) => ({
  viewer: { kind, task: kind === 'USER' ? null : { id: 'task_me', contract: { id: 'contract_mine' } } },
});
const spawned = { spawnTask: { task: { id: 'task_new', name: 'x', status: 'PENDING', agent: 'shell' } } };
const SPAWN = { name: 'x', plan: 'y', useOwnWorktree: true };

async function world(answers: Record<string, Answer | Answer[]>, kind = 'SUPERVISOR', maxWaitSeconds = 20) {
  const api = await FakeApi.start({ Viewer: viewer(kind), ...answers });
  const tools = await Tools.of(
    { url: api.url, key: 'tmk_test' },
    { maxWaitSeconds, isTask: kind !== 'USER' },
  );
  const requestIds = (operation: string) =>
    api.calls.filter((call) => call.operation === operation).map((call) => call.variables.input.requestId);
  return {
    api,
    tools,
    requestIds,
    async [Symbol.asyncDispose]() {
      await tools.close();
      await api[Symbol.asyncDispose]();
    },
  };
}

const GONE = new Set(['UNAUTHENTICATED', 'STALE_ATTEMPT']);
/** No answers: another one is waited for. */
const AWAY = new Set(['SHUTTING_DOWN', 'UNAVAILABLE']);
test.each(Object.keys(ERROR_CODES).filter((code) => !GONE.has(code) && !AWAY.has(code)))(
  'a refusal with %s is told with its code, its words and its argument',
  async (code) => {
    await using at = await world({ McpSpawnTask: refuse(code, 'The words.', 'plan') });
    const text = await at.tools.failure('spawn_task', SPAWN);
    expect(text.split('\n')[0]).toBe(`${code}: The words. (argument plan)`);
  },
);

describe('a key that is refused', () => {
  test.each([...GONE])(
    'with %s says to stop, once and for all, without asking the server again',
    async (code) => {
      await using at = await world({ McpSpawnTask: refuse(code) });
      const { tools, api } = at;
      expect(await tools.failure('spawn_task', SPAWN)).toMatch(
        /^This attempt of your task is over.*Stop working/,
      );
      const before = api.calls.length;
      expect(await tools.failure('contract_tree')).toMatch(/Stop working now and end your turn/);
      expect(api.calls).toHaveLength(before);
    },
  );

  test('from the start is told to who asks for the tools, and to who calls one', async () => {
    await using at = await world({ Viewer: refuse('UNAUTHENTICATED') });
    await expect(at.tools.list()).rejects.toThrow('This attempt of your task is over');
    expect(await at.tools.failure('contract_tree')).toContain('Stop working');
  });

  test('of a person says how to make another', async () => {
    await using at = await world({ ContractList: refuse('UNAUTHENTICATED') }, 'USER');
    expect(await at.tools.failure('list_contracts')).toContain('taskmesh keys create --kind user');
  });

  test('of a daemon is none for tools', async () => {
    await using at = await world({ Viewer: { viewer: { kind: 'DAEMON', task: null } } });
    await expect(at.tools.list()).rejects.toThrow('the key of a daemon');
  });
});

describe('nothing is done twice', () => {
  test('when the connection is cut before the answer: it is asked again by itself, with the same requestId', async () => {
    await using at = await world({ McpSpawnTask: [CUT, CUT, spawned] });
    expect(await at.tools.call('spawn_task', SPAWN)).toMatchObject({ taskId: 'task_new' });
    expect(new Set(at.requestIds('McpSpawnTask')).size).toBe(1);
    expect(at.requestIds('McpSpawnTask')).toHaveLength(3);
  });

  test('when the client gave up on the call, and the model makes it again, in whatever order of arguments', async () => {
    await using at = await world({ McpSpawnTask: [SILENT, spawned] });
    await expect(at.tools.call('spawn_task', SPAWN, { timeout: 200 })).rejects.toThrow();
    const again = { useOwnWorktree: 'true', plan: 'y', name: 'x', agent: null };
    expect(await at.tools.call('spawn_task', again)).toMatchObject({ taskId: 'task_new' });
    const ids = at.requestIds('McpSpawnTask');
    expect(ids).toEqual([ids[0], ids[0]]);
  });

  test('when the server answers only after the time of a call: the model is told to make it again', async () => {
    await using at = await world({ McpSpawnTask: [SILENT, spawned] }, 'SUPERVISOR', 0.1);
    expect(await at.tools.failure('spawn_task', SPAWN)).toMatch(/same tool again with the same arguments/);
    await at.tools.call('spawn_task', SPAWN);
    const ids = at.requestIds('McpSpawnTask');
    expect(ids).toEqual([ids[0], ids[0]]);
  });

  test('while a daemon is at it: the same call takes the waiting up', async () => {
    const merge = (outcome: string) => ({
      mergeTask: { outcome, message: '', targetBranch: 'b', conflicts: [], task: { status: 'DONE' } },
    });
    await using at = await world({ MergeTask: [merge('PENDING'), merge('MERGED'), merge('UP_TO_DATE')] });
    const args = { taskId: 'task_a' };
    expect(await at.tools.call('merge_task', args)).toMatchObject({
      outcome: 'PENDING',
      hint: expect.stringContaining('same arguments'),
    });
    expect(await at.tools.call('merge_task', args)).toMatchObject({ outcome: 'MERGED' });
    expect(await at.tools.call('merge_task', args)).toMatchObject({ outcome: 'UP_TO_DATE' });
    const [first, second, third] = at.requestIds('MergeTask');
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  test('but the same call after an answer is meant, and so is one after a refusal', async () => {
    await using at = await world({ McpSpawnTask: [spawned, refuse('NOT_FOUND'), spawned] });
    await at.tools.call('spawn_task', SPAWN);
    await at.tools.failure('spawn_task', SPAWN);
    await at.tools.call('spawn_task', SPAWN);
    expect(new Set(at.requestIds('McpSpawnTask')).size).toBe(3);
  });
});

describe('an answer of the person', () => {
  const asked = (outcome: string, response: string | null) => ({
    askQuestion: { outcome, response, question: { id: 'question_1' } },
  });
  const awaited = (outcome: string, response: string | null) => ({
    awaitAnswer: asked(outcome, response).askQuestion,
  });
  const acknowledged = { acknowledgeAnswer: { question: { id: 'question_1' } } };
  const operations = (api: FakeApi) =>
    api.calls.map((call) => call.operation).filter((name) => name !== 'Viewer');

  test('is acknowledged once the client has it', async () => {
    await using at = await world({ AskQuestion: asked('ANSWERED', 'yes'), AcknowledgeAnswer: acknowledged });
    await at.tools.call('ask_question', { question: 'Merge?' });
    await expect.poll(() => operations(at.api)).toEqual(['AskQuestion', 'AcknowledgeAnswer']);
  });

  test('is not acknowledged when the client gave up before it came: it comes again', async () => {
    await using at = await world({
      AskQuestion: asked('PENDING', null),
      AwaitAnswer: [SILENT, awaited('ANSWERED', 'yes')],
      AcknowledgeAnswer: acknowledged,
    });
    const { questionId } = await at.tools.call('ask_question', { question: 'Merge?' });
    await expect(at.tools.call('await_answer', { questionId }, { timeout: 200 })).rejects.toThrow();
    expect(operations(at.api)).toEqual(['AskQuestion', 'AwaitAnswer']);
    expect(await at.tools.call('await_answer', { questionId })).toMatchObject({ answer: 'yes' });
    await expect.poll(() => operations(at.api).at(-1)).toBe('AcknowledgeAnswer');
  });

  test('is not acknowledged when there is none', async () => {
    await using at = await world({ AskQuestion: asked('TIMED_OUT', null) });
    await at.tools.call('ask_question', { question: 'Merge?' });
    await at.tools.client.ping();
    expect(operations(at.api)).toEqual(['AskQuestion']);
  });

  test('that does not come while the server is away is pending, not failed', async () => {
    await using at = await world({ AwaitAnswer: SILENT }, 'SUPERVISOR', 0.1);
    expect(await at.tools.call('await_answer', { questionId: 'question_1' })).toMatchObject({
      outcome: 'PENDING',
      questionId: 'question_1',
    });
  });
});

describe('arguments', () => {
  test.each([
    [
      'spawn_task',
      {},
      [/^spawn_task was not called:$/m, /^name is missing: A few words/m, /^plan is missing/m],
    ],
    [
      'spawn_task',
      { ...SPAWN, worktree: true },
      [/^There is no argument worktree\.$/m, /It takes: name, plan/],
    ],
    ['spawn_task', { ...SPAWN, priority: 'high' }, [/^priority is not usable: /m]],
    ['spawn_task', { ...SPAWN, priority: 5_000 }, [/^priority is not usable: .*1000/m]],
    ['wait_for_tasks', { taskIds: [] }, [/^taskIds is not usable: /m]],
    ['wait_for_tasks', { taskIds: [{}] }, [/^taskIds\.0 is not usable: .*string/m]],
    ['set_phase', { phase: 'DONE' }, [/^phase is not usable: .*RESEARCH/m]],
    ['contract_tree', { contractId: 'contract_other' }, [/no argument contractId/]],
  ])('%s %j is refused in words, all faults at once', async (tool, args, patterns) => {
    await using at = await world({});
    const text = await at.tools.failure(tool, args);
    for (const pattern of patterns) expect(text).toMatch(pattern);
    expect(at.api.calls.map((call) => call.operation)).toEqual(['Viewer']);
  });

  test.each([
    ['a list as JSON text', { taskIds: '["task_a", "task_b"]' }, ['task_a', 'task_b'], 'ALL'],
    ['one element for a list', { taskIds: 'task_a' }, ['task_a'], 'ALL'],
    [
      'a constant in other letters, null for what is left out',
      { taskIds: ['task_a'], mode: 'any', maxSeconds: null },
      ['task_a'],
      'ANY',
    ],
  ])('%s is taken as it is meant', async (_, args, taskIds, mode) => {
    const ended = { status: 'DONE', completed: true, task: { id: 'task_a', name: 'a' } };
    await using at = await world({ WaitForTasks: { waitForTasks: [ended] }, Inbox: SILENT });
    await at.tools.call('wait_for_tasks', args);
    const call = at.api.calls.find(({ operation }) => operation === 'WaitForTasks');
    expect(call?.variables).toMatchObject({ taskIds, mode });
  });
});

test('a tool that is not there is named, with those that are; one of another role says so', async () => {
  await using at = await world({}, 'WORK');
  await expect(at.tools.client.callTool({ name: 'fly' })).rejects.toThrow(
    'There is no tool fly. There is: contract_tree, show_task, task_output',
  );
  await expect(at.tools.client.callTool({ name: 'spawn_task' })).rejects.toThrow(
    'spawn_task is not for a work task',
  );
});

test('the server that is away at the start is asked again by the next call', async () => {
  await using at = await world({ Viewer: [refuse('INTERNAL_SERVER_ERROR'), viewer('WORK')] });
  await expect(at.tools.list()).rejects.toThrow('INTERNAL_SERVER_ERROR');
  expect((await at.tools.list()).map(({ name }) => name)).toContain('finish_task');
});

test('the server ends when its client goes, in the middle of a call', async () => {
  await using at = await world({ AwaitAnswer: SILENT });
  const waiting = at.tools.call('await_answer', { questionId: 'question_1' }).catch((error: Error) => error);
  await expect.poll(() => at.api.calls.length).toBe(2);
  await at.tools.close();
  await at.tools.client.close();
  expect(await waiting).toBeInstanceOf(Error);
});
