import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/processes.ts';
import { FakeApi, refuse } from './support/fake-api.ts';
import { agentEnv, asPerson, runCli } from './support/run-cli.ts';

const contract = { id: 'contract_x', name: 'Work', status: 'ACTIVE', phase: 'REVIEW' };
const task = { id: 'task_a', status: 'PAUSED' };
const question = {
  id: 'question_1',
  question: 'Merge?',
  choices: [],
  status: 'WITHDRAWN',
  response: null,
  contract: { id: 'contract_x', name: 'Work' },
  task: { id: 'task_a', name: 'Boss' },
};
const resumed = {
  task,
  status: 'STARTING',
  daemon: { id: 'daemon_1', name: 'box' },
  resumedFrom: { phase: 'PLAN', lastActivity: null, messageCount: 3 },
};
const RED_TEAM = ['--red-team-prompt', 'Look for races', '--red-team-agent', 'codex'];
const SPAWN_OPTIONS = ['--copy', '.env', '--copy', 'a/b', '--when-done', 'pull-request', '--rounds', '2'];

/** Command line, operation, its answer, and what is sent beside the requestId. */
const MUTATIONS: [string[], string, object, object][] = [
  [['task', 'pause', 'task_a'], 'PauseTask', { task }, { taskId: 'task_a' }],
  [['task', 'resume', 'task_a'], 'ResumeTask', { task }, { taskId: 'task_a' }],
  [['task', 'retry', 'task_a'], 'RetryTask', { task }, { taskId: 'task_a' }],
  [['question', 'withdraw', 'question_1'], 'WithdrawQuestion', { question }, { questionId: 'question_1' }],
  [
    ['contract', 'update', 'contract_x', '--name', 'New', '--no-local-only'],
    'UpdateContract',
    { contract },
    { contractId: 'contract_x', name: 'New', localOnly: false },
  ],
  [
    ['contract', 'phase', 'contract_x', 'review'],
    'SetContractPhase',
    { contract },
    { contractId: 'contract_x', phase: 'REVIEW' },
  ],
  [
    ['contract', 'update', 'contract_x', '--budget', '$2.50', '--no-red-team', '--agent', 'claude'],
    'UpdateContract',
    { contract },
    { contractId: 'contract_x', budgetUsd: 2.5, redTeamEnabled: false, agent: 'claude' },
  ],
  [
    ['contract', 'create', '--name', 'x', '--plan', 'y', '--budget', '5', ...RED_TEAM],
    'CreateContract',
    { contract, supervisor: null },
    {
      name: 'x',
      supervisorPlan: 'y',
      budgetUsd: 5,
      redTeamEnabled: true,
      redTeamPrompt: 'Look for races',
      redTeamAgent: 'codex',
      localOnly: false,
      repositories: [],
      startSupervisor: true,
    },
  ],
  [
    ['contract', 'resume', 'contract_x'],
    'ResumeSupervisor',
    resumed,
    { contractId: 'contract_x', mode: 'CONTINUE' },
  ],
  [
    ['contract', 'resume', 'contract_x', '--restart-phase'],
    'ResumeSupervisor',
    resumed,
    { contractId: 'contract_x', mode: 'RESTART_PHASE' },
  ],
  [
    ['contract', 'resume', 'contract_x', '--checkpoint', 'checkpoint_1'],
    'ResumeSupervisor',
    resumed,
    { contractId: 'contract_x', mode: 'FROM_CHECKPOINT', checkpointId: 'checkpoint_1' },
  ],
  [
    ['task', 'spawn', 'contract_x', '--name', 'x', '--plan', 'y', ...SPAWN_OPTIONS, '--time-limit', '30'],
    'SpawnTask',
    { task },
    {
      contractId: 'contract_x',
      name: 'x',
      plan: 'y',
      useOwnWorktree: false,
      copyFiles: ['.env', 'a/b'],
      completionAction: 'PULL_REQUEST',
      autonomousLoop: 2,
      timeLimitMinutes: 30,
    },
  ],
  [
    [
      'task',
      'spawn',
      'contract_x',
      '--name',
      'x',
      '--plan',
      'y',
      '--continue-from',
      'task_b',
      '--target-repo',
      '/r',
    ],
    'SpawnTask',
    { task },
    {
      contractId: 'contract_x',
      name: 'x',
      plan: 'y',
      useOwnWorktree: false,
      copyFiles: [],
      completionAction: 'NONE',
      continueFromTaskId: 'task_b',
      targetRepoPath: '/r',
    },
  ],
  [['contract', 'archive', 'contract_x'], 'ArchiveContract', { contract }, { contractId: 'contract_x' }],
  [
    ['contract', 'repository', 'add', 'contract_x', 'https://example.com/a.git', '--base', 'dev'],
    'AddRepository',
    { repository: { id: 'repo_1' } },
    {
      contractId: 'contract_x',
      repository: { url: 'https://example.com/a.git', baseBranch: 'dev', isPrimary: false },
    },
  ],
];

describe('a command that changes something', () => {
  it.each(MUTATIONS)('%j sends what was said, with a requestId', async (argv, operation, payload, input) => {
    const field = `${operation[0]?.toLowerCase()}${operation.slice(1)}`;
    await using api = await FakeApi.start({ [operation]: { [field]: payload } });
    const { code, stdout, stderr } = await asPerson(api, argv);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^\w+_\w+/);
    const { requestId, ...rest } = api.calls[0]?.variables.input ?? {};
    expect(rest).toEqual(input);
    expect(requestId).toMatch(/^[\da-f-]{36}$/);
  });

  it('leaves out what was not given', async () => {
    await using api = await FakeApi.start({ UpdateContract: { updateContract: { contract } } });
    await asPerson(api, ['contract', 'update', 'contract_x', '--description', '']);
    expect(Object.keys(api.calls[0]?.variables.input).sort()).toEqual([
      'contractId',
      'description',
      'requestId',
    ]);
  });

  it('takes a phase that is none for wrong usage', async () => {
    await using api = await FakeApi.start({});
    const { code, stderr } = await asPerson(api, ['contract', 'phase', 'contract_x', 'lunch']);
    expect(code).toBe(2);
    expect(stderr).toContain('research, specify, plan, execute, review');
    expect(api.calls).toEqual([]);
  });
});

describe('contract delete', () => {
  it('asks for --yes and sends nothing without it', async () => {
    await using api = await FakeApi.start({});
    const { code, stdout, stderr } = await asPerson(api, ['contract', 'delete', 'contract_x']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('--yes');
    expect(api.calls).toEqual([]);
  });

  it('deletes with it, and ends with 1 when the contract is not archived', async () => {
    await using api = await FakeApi.start({
      DeleteContract: [{ deleteContract: { contractId: 'contract_x' } }, refuse('INVALID_TRANSITION')],
    });
    const argv = ['contract', 'delete', 'contract_x', '--yes'];
    expect(await asPerson(api, argv)).toEqual({ code: 0, stdout: 'contract_x deleted\n', stderr: '' });
    expect((await asPerson(api, argv)).code).toBe(1);
    // Sent again after a lost answer it must not say that there is no such contract.
    for (const { variables } of api.calls)
      expect(variables).toEqual({ input: { contractId: 'contract_x', requestId: expect.any(String) } });
  });
});

describe('contract repository remove', () => {
  const repositories = [
    { id: 'repo_1', url: 'https://example.com/a.git', localPath: null, isPrimary: true },
    { id: 'repo_2', url: null, localPath: '/srv/b', isPrimary: false },
  ];
  const answers = {
    ContractShow: { contract: { ...contract, repositories } },
    RemoveRepository: { removeRepository: { contract } },
  };
  const remove = (api: FakeApi, given: string) =>
    asPerson(api, ['contract', 'repository', 'remove', 'contract_x', given]);

  it.each([
    ['repo_2', 'repo_2'],
    ['https://example.com/a.git', 'repo_1'],
    ['/srv/b/', 'repo_2'],
  ])('finds it by id, URL or path: %s', async (given, id) => {
    await using api = await FakeApi.start(answers);
    expect((await remove(api, given)).stdout).toBe(`${id} removed\n`);
    expect(api.calls[1]?.variables.input).toMatchObject({ contractId: 'contract_x', repositoryId: id });
  });

  it('says which there are when it is none of them', async () => {
    await using api = await FakeApi.start(answers);
    const { code, stderr } = await remove(api, '/srv/c');
    expect(code).toBe(4);
    expect(stderr).toContain('https://example.com/a.git, /srv/b');
  });
});

describe('writing a document', () => {
  const document = { id: 'doc_1', name: 'plan', phase: 'PLAN', content: '# Plan\n', updatedAt: '' };
  const directory = temporaryDirectory();

  it('takes the text of a file, and the phase', async () => {
    await using api = await FakeApi.start({ SetDocument: { setDocument: { document } } });
    const file = join(directory, 'plan.md');
    writeFileSync(file, '# Plan\n');
    const argv = ['document', 'set', 'plan', '--contract', 'contract_x', '--file', file, '--phase', 'plan'];
    expect(await asPerson(api, argv)).toEqual({ code: 0, stdout: 'plan: 7 characters\n', stderr: '' });
    expect(api.calls[0]?.variables.input).toMatchObject({
      contractId: 'contract_x',
      name: 'plan',
      content: '# Plan\n',
      phase: 'PLAN',
    });
  });

  it('takes it from stdin, as an agent into its own contract', async () => {
    await using api = await FakeApi.start({ SetDocument: { setDocument: { document } } });
    const argv = ['supervisor', 'document', 'plan', '--file', '-'];
    await runCli(argv, { env: agentEnv(api.url), stdin: 'from stdin' });
    expect(api.calls[0]?.variables.input).toMatchObject({
      contractId: 'contract_mine',
      content: 'from stdin',
    });
    expect(api.calls[0]?.variables.input).not.toHaveProperty('phase');
  });

  it('says which option names a file that cannot be read', async () => {
    await using api = await FakeApi.start({});
    const argv = ['document', 'set', 'plan', '--contract', 'contract_x', '--file', join(directory, 'none')];
    const { code, stderr } = await asPerson(api, argv);
    expect(code).toBe(2);
    expect(stderr).toContain('--file');
    expect(stderr).not.toContain('file-file');
  });
});

describe('question list', () => {
  it('asks for the pending ones of all contracts unless told otherwise', async () => {
    await using api = await FakeApi.start({ PendingQuestions: { pendingQuestions: [] } });
    expect((await asPerson(api, ['question', 'list'])).stdout).toBe('Nobody is waiting for an answer.\n');
    expect((await asPerson(api, ['question', 'list', '--status', 'pending'])).code).toBe(0);
  });

  it('shows what came of the others, of one contract', async () => {
    const answered = { ...question, status: 'ANSWERED', response: 'not yet' };
    const timedOut = { ...question, id: 'question_2', status: 'TIMED_OUT' };
    await using api = await FakeApi.start({ QuestionList: { questions: [answered, timedOut] } });
    const argv = ['question', 'list', '--contract', 'contract_x', '--status'];
    const { stdout } = await asPerson(api, [...argv, 'all']);
    expect(stdout).toContain('answered: not yet');
    expect(stdout).toContain('  timed out\n');
    expect(stdout).not.toContain('question answer');
    await asPerson(api, [...argv, 'timed-out']);
    expect(api.calls.map((call) => call.variables)).toEqual([
      { contractId: 'contract_x' },
      { contractId: 'contract_x', status: 'TIMED_OUT' },
    ]);
  });

  it('wants a contract for them', async () => {
    await using api = await FakeApi.start({});
    expect((await asPerson(api, ['question', 'list', '--status', 'answered'])).code).toBe(2);
  });
});

describe('contract history', () => {
  it('shows who did what, and leaves the contract out for everything', async () => {
    const entry = {
      id: 'history_1',
      action: 'paused',
      actor: 'laptop',
      actorKind: 'USER',
      address: '10.0.0.1',
      createdAt: '2026-01-02T03:04:05.000Z',
      details: null,
      contract: { id: 'contract_x', name: 'Work' },
      task: { id: 'task_a', name: 'Build' },
    };
    const history = { nodes: [entry], pageInfo: { hasNextPage: false, endCursor: null } };
    await using api = await FakeApi.start({ History: { history } });
    const { stdout } = await asPerson(api, ['contract', 'history']);
    expect(stdout.split('\n')[1]).toBe('2026-01-02 03:04:05  paused  laptop (user)  10.0.0.1  Build');
    expect(api.calls[0]?.variables).toEqual({ first: 50 });
  });
});

describe('supervisor ask without waiting', () => {
  const pending = { askQuestion: { outcome: 'PENDING', response: null, question: { id: 'question_1' } } };
  const ask = (api: FakeApi, ...more: string[]) =>
    runCli(['supervisor', 'ask', 'Go on?', ...more], { env: agentEnv(api.url) });

  it.each([
    ['--no-wait', { nonBlocking: true, phaseguard: false }],
    ['--phaseguard', { nonBlocking: false, phaseguard: true }],
  ])('%s ends at once, the id on stderr and nothing on stdout', async (flag, input) => {
    await using api = await FakeApi.start({ AskQuestion: pending });
    expect(await ask(api, flag)).toEqual({ code: 0, stdout: '', stderr: 'question_1\n' });
    expect(api.calls.map((call) => call.operation)).toEqual(['AskQuestion']);
    expect(api.calls[0]?.variables.input).toMatchObject(input);
  });

  it('has the id on stdout with --json', async () => {
    await using api = await FakeApi.start({ AskQuestion: pending });
    const { stdout } = await ask(api, '--no-wait', '--json');
    expect(JSON.parse(stdout)).toEqual({ questionId: 'question_1', outcome: 'PENDING', response: null });
  });
});

describe('red-team notify', () => {
  it('sends the warning, with the key of the environment', async () => {
    await using api = await FakeApi.start({ NotifySupervisor: { notifySupervisor: { duplicate: false } } });
    const argv = [
      'red-team',
      'notify',
      '--severity',
      'high',
      '--task',
      'task_a',
      '--file',
      'a.ts',
      'It leaks.',
    ];
    const { code, stdout } = await runCli(argv, { env: agentEnv(api.url) });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'The supervisor is warned.\n' });
    const { requestId: _, ...input } = api.calls[0]?.variables.input ?? {};
    expect(input).toEqual({ message: 'It leaks.', severity: 'HIGH', taskId: 'task_a', file: 'a.ts' });
  });

  it.each([[['It leaks.']], [['--severity', 'high']], [['--severity', 'awful', 'It leaks.']]])(
    '%j is wrong usage',
    async (more) => {
      await using api = await FakeApi.start({});
      expect((await runCli(['red-team', 'notify', ...more], { env: agentEnv(api.url) })).code).toBe(2);
      expect(api.calls).toEqual([]);
    },
  );
});
