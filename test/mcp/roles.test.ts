import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inputFor, schemaOf } from '../../src/mcp/arguments.ts';
import { toolsFor } from '../../src/mcp/catalogue.ts';
import { ROLES, type Role } from '../../src/mcp/tool.ts';
import { HandDaemon, openContract, spawn, untilStatus } from '../support/daemon.ts';
import { ROOT } from '../support/processes.ts';
import { startTestServer } from '../support/server.ts';
import { Tools } from './support/tools.ts';

/** Which tools a role has, and that all that a model reads names only tools that it has. */
const READING = ['contract_tree', 'show_task', 'task_output', 'read_document'];
const OF_SUPERVISORS = [
  ...READING,
  ...['spawn_task', 'wait_for_tasks', 'task_diff', 'read_file', 'merge_task'],
  ...['ask_question', 'await_answer', 'list_questions', 'withdraw_question', 'set_document', 'set_phase'],
  ...['create_checkpoint', 'list_checkpoints', 'send_message', 'cancel_task', 'retry_task', 'pause_task'],
  ...['resume_task', 'create_branch', 'create_pull_request', 'complete_contract'],
];
const EXPECTED: Readonly<Record<Role, readonly string[]>> = {
  SUPERVISOR: [...OF_SUPERVISORS, 'read_messages'],
  WORK: [...READING, 'create_checkpoint', 'finish_task'],
  RED_TEAM: [...READING, 'task_diff', 'read_file', 'notify_supervisor'],
  USER: [
    ...OF_SUPERVISORS,
    ...['list_contracts', 'create_contract', 'pending_questions', 'answer_question', 'resume_supervisor'],
  ],
};

const { api } = await startTestServer();
const daemon = (await HandDaemon.connect(api, { max: 10 })).alive();
const { contractId, supervisorId } = await openContract(api, {
  redTeamEnabled: true,
  redTeamPrompt: 'Look for races',
});
const supervisor = await daemon.start(supervisorId, 1, 'session');
const work = await daemon.start(await spawn(api, contractId), 1, 'session');
const { tasks } = await api.ask(
  'query($id: ID!) { tasks(contractId: $id, role: RED_TEAM) { nodes { id } } }',
  {
    id: contractId,
  },
);
const redTeam = await daemon.start(tasks.nodes[0].id, 1, 'session');
const BRIEFINGS = { SUPERVISOR: supervisor, WORK: work, RED_TEAM: redTeam };
const KEYS = { SUPERVISOR: supervisor.agent, WORK: work.agent, RED_TEAM: redTeam.agent, USER: api };

/** Words that look like the name of a tool. */
function toolWords(text: string): string[] {
  return [...text.matchAll(/\b[a-z]+(?:_[a-z]+)+\b/g)].map(([word]) => word);
}

const KNOWN = new Set(ROLES.flatMap((role) => [...toolsFor(role).keys()]));

describe.each(ROLES)('%s', (role) => {
  test('has the tools of its role, as the server gives them out', async () => {
    const tools = await Tools.of(KEYS[role]);
    expect((await tools.list()).map(({ name }) => name).sort()).toEqual([...EXPECTED[role]].sort());
  });

  test('reads descriptions that name only tools it has, and are short', () => {
    for (const [name, tool] of toolsFor(role)) {
      const { properties } = schemaOf(inputFor(tool, role));
      const texts = [
        tool.description,
        ...Object.values(properties).map(({ description }) => description ?? ''),
      ];
      for (const word of texts.flatMap(toolWords)) expect([...toolsFor(role).keys()], name).toContain(word);
      expect(tool.description.length, name).toBeLessThan(500);
      expect(tool.title.length, name).toBeLessThan(50);
    }
  });
});

describe.each(['SUPERVISOR', 'WORK', 'RED_TEAM'] as const)('the briefing of %s', (role) => {
  const { briefing } = BRIEFINGS[role].command.payload;

  test('names only tools that it has', () => {
    const words = toolWords(briefing);
    expect(words.length).toBeGreaterThan(3);
    for (const word of words) expect([...toolsFor(role).keys()]).toContain(word);
  });

  test('says how it ends', () => {
    const end = { SUPERVISOR: 'complete_contract', WORK: 'finish_task', RED_TEAM: 'notify_supervisor' }[role];
    expect(briefing).toContain(end);
    expect(briefing).toContain('MCP server "taskmesh"');
  });
});

test('every schema is of plain kinds, and every argument says what it is', () => {
  const plain = [
    'type',
    'description',
    'enum',
    'default',
    'minimum',
    'maximum',
    'items',
    'minItems',
    'maxItems',
  ];
  for (const role of ROLES) {
    for (const [name, tool] of toolsFor(role)) {
      expect(name).toMatch(/^[a-z]+(_[a-z]+)+$/);
      for (const [argument, property] of Object.entries(schemaOf(inputFor(tool, role)).properties)) {
        const where = `${name}.${argument}`;
        for (const keyword of Object.keys(property)) expect(plain, where).toContain(keyword);
        expect(['string', 'integer', 'number', 'boolean', 'array'], where).toContain(property.type);
        expect(property.description?.length, where).toBeGreaterThan(7);
      }
    }
  }
});

test('what agents are told elsewhere names only tools that exist', () => {
  const directories = ['src/mcp', 'src/mcp/tools', 'src/scheduler', 'src/supervisor'];
  const files = directories.flatMap((directory) => filesOf(join(ROOT, directory)));
  // Beside them the daemon has the words of the protocol of agents, which have this form too.
  for (const name of ['agents/acp/prompts.ts', 'watching.ts']) files.push(join(ROOT, 'src/daemon', name));
  // Names of columns and the like, which have it as well.
  const code = /(sql|`\s*(select|insert|update|with|from))/i;
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    if (code.test(text)) continue;
    const strings = [...text.matchAll(/'([^'\n]*)'|`([^`]*)`/g)].map(([, a, b]) => a ?? b ?? '');
    for (const word of strings.flatMap(toolWords)) expect([...KNOWN], file).toContain(word);
  }
});

function filesOf(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(directory, name));
  } catch {
    return [];
  }
}

test('a work task saves and ends itself, and reads', async () => {
  const tools = await Tools.of(work.agent);
  expect(await tools.call('contract_tree')).toMatchObject({ contractId });
  expect(await tools.call('read_document')).toEqual({ documents: [] });
  const { id } = work.command.task;
  const saving = tools.call('create_checkpoint', { message: 'half way' });
  const command = await daemon.command('CREATE_CHECKPOINT', id);
  await daemon.accept(command);
  await daemon.complete(command, { checkpointId: null, created: false });
  expect(await saving).toMatchObject({ taskId: id, done: true, created: false });
  expect(await tools.call('finish_task', { summary: 'Done, with tests.' })).toMatchObject({ noted: true });
  await daemon.report(id, 1, 'DONE');
  await untilStatus(api, id, 'DONE');
  const query = 'query($id: ID!) { task(id: $id) { outputSummary } }';
  expect((await api.ask(query, { id })).task.outputSummary).toBe('Done, with tests.');
  // Its key has ended with it.
  expect(await tools.failure('contract_tree')).toMatch(/^This attempt of your task is over/);
});

test('the red team warns once, and the supervisor reads it', async () => {
  const tools = await Tools.of(redTeam.agent);
  const warning = { message: 'The lock is released twice.', severity: 'critical', file: 'src/lock.ts' };
  expect(await tools.call('notify_supervisor', warning)).toEqual({ duplicate: false });
  expect(await tools.call('notify_supervisor', warning)).toMatchObject({ duplicate: true });
  const [message] = (await (await Tools.of(supervisor.agent)).call('read_messages')).messages;
  expect(message.content).toMatch(/CRITICAL[\s\S]*The lock is released twice\.[\s\S]*src\/lock\.ts/);
});

test('a person opens a contract, answers its question and starts its supervisor again', async () => {
  const tools = await Tools.of(api, { isTask: false });
  const opened = await tools.call('create_contract', {
    name: 'By a tool',
    supervisorPlan: 'Do it',
    repositories: ['/repositories/one'],
    redTeamEnabled: false,
  });
  const { agent } = await daemon.start(opened.supervisorTaskId, 1, 'session');
  const { contracts } = await tools.call('list_contracts', { status: 'ACTIVE' });
  expect(contracts[0]).toMatchObject({ contractId: opened.contractId, name: 'By a tool' });
  await agent.mutate('askQuestion', { question: 'Go?', choices: ['yes'], waitSeconds: 0 }, 'question { id }');
  const { questions } = await tools.call('pending_questions');
  expect(questions).toMatchObject([{ question: 'Go?', contract: 'By a tool', choices: ['yes'] }]);
  const { questionId } = questions[0];
  expect(await tools.call('answer_question', { questionId, choices: ['yes'] })).toMatchObject({
    answer: 'yes',
  });
  expect(await tools.failure('answer_question', { questionId, text: 'no' })).toMatch(/^QUESTION_CLOSED/);
  const tree = await tools.call('contract_tree', { contractId: opened.contractId });
  expect(tree.tasks).toMatchObject([{ taskId: opened.supervisorTaskId }]);
  expect(await tools.failure('contract_tree')).toMatch(/contractId is missing: .*list_contracts/);
  const { contractId: id } = opened;
  expect(await tools.failure('resume_supervisor', { contractId: id })).toMatch(/^ALREADY_RUNNING/);
  await api.mutate('cancelTask', { taskId: opened.supervisorTaskId }, 'task { id }');
  await daemon.report(opened.supervisorTaskId, 1, 'CANCELLED');
  expect(await tools.call('resume_supervisor', { contractId: id })).toMatchObject({
    taskId: opened.supervisorTaskId,
    resumedFrom: { phase: 'EXECUTE', messageCount: expect.any(Number) },
  });
});
