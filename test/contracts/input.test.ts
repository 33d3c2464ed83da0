import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HandDaemon, openContract, spawn } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { snapshot } from '../support/snapshot.ts';

const { api, server } = await startTestServer();
const daemon = await HandDaemon.connect(api);
const { contractId, supervisorId } = await openContract(api);
const other = await openContract(api);
const supervisor = await daemon.start(supervisorId);
await daemon.start(other.supervisorId);
const taskId = await spawn(api, contractId);
await daemon.start(taskId);
const bare = await openContract(api, { repositories: [], startSupervisor: false });

const HOSTILE_URLS = [
  '--upload-pack=touch /tmp/x',
  '-oProxyCommand=x',
  'ext::sh -c x',
  'https://-host/x',
  'ssh://-oProxyCommand=x/y',
  'fd::17/foo',
  'transport::https://x',
  'user@host:-x',
  'javascript:alert(1)',
  'relative/path',
  'https://host/a b',
  'https://host/\nx',
  '-user@host:path',
];
const HOSTILE_BRANCHES = [
  '--output=x',
  '-x',
  'a..b',
  'a b',
  'a~1',
  'a^',
  'a:b',
  'a?',
  'a*',
  'a[',
  'a\\b',
  '/a',
  'a/',
  'a//b',
  'a.lock',
  'a.',
  '@',
  'a@{1}',
  '.a',
  'a/.b',
  'a\tb',
  'a\u007fb',
];

type Case = [rule: string, input: object, field: string];

function repositories(...all: object[]): { repositories: object[] } {
  return { repositories: all };
}

const CREATE: Case[] = [
  ['a blank name', { name: '  \n' }, 'name'],
  ['a name with NUL', { name: 'a\0b' }, 'name'],
  ['a name with half a surrogate pair', { name: 'a\ud800' }, 'name'],
  ['a name over 200 characters', { name: 'x'.repeat(201) }, 'name'],
  ['a description over 100,000 characters', { description: 'x'.repeat(100_001) }, 'description'],
  ['a supervisor without a plan', { supervisorPlan: null }, 'supervisorPlan'],
  ['a blank plan', { supervisorPlan: ' \t' }, 'supervisorPlan'],
  ['a plan with NUL', { supervisorPlan: 'a\0' }, 'supervisorPlan'],
  ['a plan over a million characters', { supervisorPlan: 'x'.repeat(1_000_001) }, 'supervisorPlan'],
  ['a supervisor without a repository', repositories(), 'repositories'],
  ['a repository without url and localPath', repositories({}), 'repositories.0'],
  ['a repository with both', repositories({ url: 'https://host/x', localPath: '/x' }), 'repositories.0'],
  [
    'two primary repositories',
    repositories({ url: 'https://h/x', isPrimary: true }, { url: 'https://h/y', isPrimary: true }),
    'repositories',
  ],
  [
    'over 50 repositories',
    repositories(...Array.from({ length: 51 }, (_, i) => ({ url: `https://h/${i}` }))),
    'repositories',
  ],
  ['a relative local path', repositories({ localPath: 'x/y' }), 'repositories.0.localPath'],
  ['a local path with ..', repositories({ localPath: '/repositories/../etc' }), 'repositories.0.localPath'],
  ['a local path with NUL', repositories({ localPath: '/x\0' }), 'repositories.0.localPath'],
  ['an agent name over 100 characters', { agent: 'x'.repeat(101) }, 'agent'],
  ['a requestId over 200 characters', { requestId: 'x'.repeat(201) }, 'requestId'],
  ...HOSTILE_URLS.map(
    (url): Case => [`the url ${JSON.stringify(url)}`, repositories({ url }), 'repositories.0.url'],
  ),
  ...HOSTILE_BRANCHES.map(
    (baseBranch): Case => [
      `the base branch ${JSON.stringify(baseBranch)}`,
      repositories({ url: 'https://h/x', baseBranch }),
      'repositories.0.baseBranch',
    ],
  ),
];

const valid = { name: 'Contract', supervisorPlan: 'plan', repositories: [{ url: 'https://host/x.git' }] };

/** Compares the whole database before and after all the tests of a group. */
function nothingChanges(): void {
  let before: object;
  beforeAll(async () => {
    before = await snapshot(server);
  });
  afterAll(async () => expect(await snapshot(server)).toEqual(before));
}

describe('createContract refuses, naming the field, and creates nothing', () => {
  nothingChanges();
  test.each(CREATE)('%s', async (_, input, field) => {
    const refused = await api.mutationRefused('createContract', { ...valid, ...input });
    expect(refused).toMatchObject({ code: 'INVALID_INPUT', field });
  });
});

let deepest = '';
beforeAll(async () => {
  let parentTaskId = taskId;
  for (let depth = 2; depth <= 8; depth += 1)
    parentTaskId = await spawn(api, contractId, { parentTaskId, agent: 'none' });
  deepest = parentTaskId;
});

const SPAWN: Case[] = [
  ['a blank name', { name: ' ' }, 'name'],
  ['a name over 200 characters', { name: 'x'.repeat(201) }, 'name'],
  ['a blank plan', { plan: '\n ' }, 'plan'],
  ['a plan with NUL', { plan: 'do\0it' }, 'plan'],
  ['a plan over a million characters', { plan: 'x'.repeat(1_000_001) }, 'plan'],
  ['a description over 20,000 characters', { description: 'x'.repeat(20_001) }, 'description'],
  ['a parent of another contract', { parentTaskId: other.supervisorId }, 'parentTaskId'],
  ['a parent that does not exist', { parentTaskId: 'task_01k8000000e00800000000000a' }, 'parentTaskId'],
  ['a parent that is a contract', { parentTaskId: contractId }, 'parentTaskId'],
  ['a parent that is no id', { parentTaskId: 'garbage' }, 'parentTaskId'],
  ['a contract that is a task', { contractId: taskId }, 'contractId'],
  ['no contract at all, for a person', { contractId: null }, 'contractId'],
  ['priority 1,001', { priority: 1_001 }, 'priority'],
  ['priority -1,001', { priority: -1_001 }, 'priority'],
  ['a relative path as its repository', { repositoryUrl: 'x/y' }, 'repositoryUrl'],
  ['a path with .. as its repository', { repositoryUrl: '/repositories/../etc' }, 'repositoryUrl'],
  [
    'another repository than the supervisor has, in its working copy',
    { repositoryUrl: 'https://host/other', useOwnWorktree: false },
    'useOwnWorktree',
  ],
  ...HOSTILE_URLS.map(
    (repositoryUrl): Case => [
      `the repository ${JSON.stringify(repositoryUrl)}`,
      { repositoryUrl },
      'repositoryUrl',
    ],
  ),
  ...HOSTILE_BRANCHES.map(
    (targetBranch): Case => [
      `the target branch ${JSON.stringify(targetBranch)}`,
      { targetBranch },
      'targetBranch',
    ],
  ),
  ...HOSTILE_BRANCHES.slice(0, 3).map(
    (baseBranch): Case => [`the base branch ${JSON.stringify(baseBranch)}`, { baseBranch }, 'baseBranch'],
  ),
];

describe('spawnTask refuses, naming the field, and creates nothing', () => {
  nothingChanges();
  test.each(SPAWN)('%s', async (_, input, field) => {
    const refused = await api.mutationRefused('spawnTask', {
      contractId,
      name: 'Task',
      plan: 'work',
      useOwnWorktree: true,
      ...input,
    });
    expect(refused).toMatchObject({ code: 'INVALID_INPUT', field });
  });

  test('a parent at depth 8: the tree is at most 8 deep', async () => {
    expect((await api.ask('query($id: ID!) { task(id: $id) { depth } }', { id: deepest })).task.depth).toBe(
      8,
    );
    const input = { contractId, name: 'x', plan: 'x', useOwnWorktree: true, parentTaskId: deepest };
    expect(await api.mutationRefused('spawnTask', input)).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'parentTaskId',
    });
  });

  test('no repository where the contract has none: MISSING_REPOSITORY', async () => {
    const input = { contractId: bare.contractId, name: 'x', plan: 'x' };
    expect(await api.mutationRefused('spawnTask', input)).toMatchObject({
      code: 'MISSING_REPOSITORY',
      field: 'repositoryUrl',
    });
  });
});

const ID = 'contract_01k8000000e00800000000000a';
const UNKNOWN_TASK = 'task_01k8000000e00800000000000a';
const QUERIES: [rule: string, query: string, code: string, field?: string][] = [
  ['an unknown contract', `{ contract(id: "${ID}") { id } }`, 'NOT_FOUND'],
  ['an unknown task', `{ task(id: "${UNKNOWN_TASK}") { id } }`, 'NOT_FOUND'],
  ['a contract by the id of a task', `{ contract(id: "${taskId}") { id } }`, 'INVALID_INPUT', 'id'],
  ['a task by the id of a contract', `{ task(id: "${contractId}") { id } }`, 'INVALID_INPUT', 'id'],
  ['a task by what is no id', '{ task(id: "task_x") { id } }', 'INVALID_INPUT', 'id'],
  [
    'the tree of a task',
    `{ contractTree(contractId: "${taskId}") { total } }`,
    'INVALID_INPUT',
    'contractId',
  ],
  [
    'the documents of a daemon',
    `{ documents(contractId: "${daemon.id}") { id } }`,
    'INVALID_INPUT',
    'contractId',
  ],
  [
    'the checkpoints of a contract',
    `{ checkpoints(taskId: "${contractId}") { id } }`,
    'INVALID_INPUT',
    'taskId',
  ],
  ['the diff of a contract', `{ taskDiff(taskId: "${contractId}") { patch } }`, 'INVALID_INPUT', 'taskId'],
  [
    'a diff of no bytes',
    `{ taskDiff(taskId: "${taskId}", maxBytes: 0) { patch } }`,
    'INVALID_INPUT',
    'maxBytes',
  ],
  ['an unknown node', `{ node(id: "${ID}") { id } }`, 'NOT_FOUND'],
  ['a node by what is no id', '{ node(id: "x") { id } }', 'NOT_FOUND'],
  ['first: 0', '{ contracts(first: 0) { nodes { id } } }', 'INVALID_INPUT', 'first'],
  [
    'first: 501',
    `{ tasks(contractId: "${contractId}", first: 501) { nodes { id } } }`,
    'INVALID_INPUT',
    'first',
  ],
  ['first: -1', '{ contracts(first: -1) { nodes { id } } }', 'INVALID_INPUT', 'first'],
  [
    'a cursor of another list',
    `{ contracts(after: "${taskId}") { nodes { id } } }`,
    'INVALID_INPUT',
    'after',
  ],
  [
    'a cursor that is none',
    `{ tasks(contractId: "${contractId}", after: "x") { nodes { id } } }`,
    'INVALID_INPUT',
    'after',
  ],
  [
    'waiting for no seconds',
    `{ waitForTask(taskId: "${taskId}", timeoutSeconds: 0) { status } }`,
    'INVALID_INPUT',
    'timeoutSeconds',
  ],
  [
    'waiting for 3,601 seconds',
    `{ waitForTask(taskId: "${taskId}", timeoutSeconds: 3601) { status } }`,
    'INVALID_INPUT',
    'timeoutSeconds',
  ],
  [
    'waiting for a contract',
    `{ waitForTask(taskId: "${contractId}") { status } }`,
    'INVALID_INPUT',
    'taskId',
  ],
  ['waiting for no task', '{ waitForTasks(taskIds: []) { status } }', 'INVALID_INPUT', 'taskIds'],
  [
    'waiting for an unknown one among others',
    `{ waitForTasks(taskIds: ["${taskId}", "${UNKNOWN_TASK}"]) { status } }`,
    'NOT_FOUND',
  ],
  [
    'waiting for 201 tasks',
    `{ waitForTasks(taskIds: [${Array(201).fill(`"${taskId}"`)}]) { status } }`,
    'INVALID_INPUT',
    'taskIds',
  ],
];

test.each(QUERIES)('a query is refused for %s', async (_, query, code, field) => {
  expect(await api.refused(query)).toMatchObject({ code, field });
});

test('an id that spells no UUID is INVALID_INPUT, not an unexpected error', async () => {
  const query = '{ task(id: "task_01kb000000000000000000000a") { id } }';
  expect(await api.refused(query)).toMatchObject({ code: 'INVALID_INPUT', field: 'id' });
});

const MUTATIONS: [name: string, input: object, code: string, field?: string][] = [
  ['cancelTask', { taskId: contractId }, 'INVALID_INPUT', 'taskId'],
  ['cancelTask', { taskId: UNKNOWN_TASK }, 'NOT_FOUND'],
  ['cancelTask', { taskId, reason: 'x'.repeat(2_001) }, 'INVALID_INPUT', 'reason'],
  ['sendMessage', { taskId, content: ' ' }, 'INVALID_INPUT', 'content'],
  ['sendMessage', { taskId, content: 'x'.repeat(100_001) }, 'INVALID_INPUT', 'content'],
  ['mergeTask', { taskId, targetBranch: '--output=x' }, 'INVALID_INPUT', 'targetBranch'],
  ['mergeTask', { taskId: daemon.id }, 'INVALID_INPUT', 'taskId'],
  ['createCheckpoint', { taskId, message: '' }, 'INVALID_INPUT', 'message'],
  ['createCheckpoint', { taskId: UNKNOWN_TASK, message: 'x' }, 'NOT_FOUND'],
  ['completeContract', {}, 'INVALID_INPUT', 'contractId'],
  ['completeContract', { contractId: ID }, 'NOT_FOUND'],
  ['completeContract', { contractId, summary: 'a\0' }, 'INVALID_INPUT', 'summary'],
  ['drainDaemon', { daemonId: taskId }, 'INVALID_INPUT', 'daemonId'],
  ['drainDaemon', { daemonId: 'daemon_01k8000000e00800000000000a' }, 'NOT_FOUND'],
  ['createKey', { kind: 'USER', name: '' }, 'INVALID_INPUT', 'name'],
  ['createKey', { kind: 'DAEMON', name: 'x'.repeat(101) }, 'INVALID_INPUT', 'name'],
  ['askQuestion', { contractId, question: ' ' }, 'INVALID_INPUT', 'question'],
  ['askQuestion', { contractId, question: 'x', timeoutSeconds: 0 }, 'INVALID_INPUT', 'timeoutSeconds'],
  ['askQuestion', { contractId, question: 'x', timeoutSeconds: 86_401 }, 'INVALID_INPUT', 'timeoutSeconds'],
  ['askQuestion', { contractId, question: 'x', waitSeconds: -1 }, 'INVALID_INPUT', 'waitSeconds'],
  ['askQuestion', { contractId, question: 'x', waitSeconds: 86_401 }, 'INVALID_INPUT', 'waitSeconds'],
  ['askQuestion', { contractId, question: 'x', choices: ['a', ' '] }, 'INVALID_INPUT', 'choices'],
  ['askQuestion', { contractId, question: 'x', choices: ['a', 'a'] }, 'INVALID_INPUT', 'choices'],
  [
    'askQuestion',
    { contractId, question: 'x', choices: Array.from({ length: 51 }, (_, i) => `${i}`) },
    'INVALID_INPUT',
    'choices',
  ],
  ['askQuestion', { contractId, question: 'x', multiSelect: true }, 'INVALID_INPUT', 'multiSelect'],
  ['askQuestion', { contractId: bare.contractId, question: 'x' }, 'NO_SUPERVISOR'],
  ['awaitAnswer', { questionId: taskId }, 'INVALID_INPUT', 'questionId'],
  ['answerQuestion', { questionId: 'question_01k8000000e00800000000000a', text: 'x' }, 'NOT_FOUND'],
];

describe('refused, and changes nothing', () => {
  nothingChanges();
  test.each(MUTATIONS)('%s with %o: %s', async (name, input, code, field) => {
    expect(await api.mutationRefused(name, input)).toMatchObject({ code, field });
  });

  test('a supervisor reads its inbox for 0 to 3,600 seconds, and says something when it finishes', async () => {
    expect(await supervisor.agent.refused('{ inbox(timeoutSeconds: 3601) { id } }')).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'timeoutSeconds',
    });
    expect(await supervisor.agent.refused('{ inbox(timeoutSeconds: -1) { id } }')).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'timeoutSeconds',
    });
    expect(await supervisor.agent.mutationRefused('finishTask', { summary: ' ' })).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'summary',
    });
  });
});
