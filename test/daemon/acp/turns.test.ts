import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { shell } from '../../../src/daemon/agents/profiles.ts';
import type { Answer } from '../../support/api.ts';
import { processesWith } from '../support.ts';
import { AcpWorld, soon } from './world.ts';

let world: AcpWorld;

beforeAll(async () => {
  world = await AcpWorld.start();
  await world.daemon('machine', {
    agent: world.profile(''),
    tuned: world.profile('--signed-out', { mode: 'bold', model: 'large', authMethod: 'key' }),
    shell,
  });
}, 120_000);

const brief = ({ type, content }: Answer) => `${type} ${content}`;
const ended = 'RESULT The turn ended. (end_turn)';

/** Runs a task to its end. @returns it, and what was logged after its briefing */
async function run(plan: string, more: object = {}, agent = 'agent') {
  const id = await world.work(agent, plan, more);
  const task = await world.until(id, 'DONE');
  const [briefing, ...log] = await world.output(id);
  return { id, task, briefing, log };
}

describe.concurrent('what an agent says', { timeout: 120_000 }, () => {
  it('is logged by its kind, and its last message is the summary of a task done at the end of the turn', async () => {
    const plan = [
      '> stderr a warning',
      '> wait 100',
      '> think Hm.',
      '> say Hello ',
      '> say there.',
      '> plan a, b, c',
      '> write w.txt w',
      '> say Done.',
    ];
    const { id, task, briefing, log } = await run(plan.join('\n'));
    expect(briefing).toMatchObject({ type: 'USER' });
    expect(briefing.content).toContain('# Your task: work');
    expect(log.map(brief)).toEqual([
      'STDERR a warning',
      'THOUGHT Hm.',
      'ASSISTANT Hello there.',
      'SYSTEM Plan:\n[x] a\n[>] b\n[ ] c',
      'ASSISTANT Done.',
      ended,
    ]);
    expect(log.at(-1).durationMs).toBeGreaterThanOrEqual(0);
    expect(task).toMatchObject({ outputSummary: 'Done.', errorMessage: null, attempt: 1 });
    expect(task.checkpoints).toEqual([{ message: 'Task work: done' }]);
    const query = 'query($id: ID!) { worktreeFile(taskId: $id, path: "w.txt") { content } }';
    expect((await world.api.ask(query, { id })).worktreeFile.content).toBe('w\n');
  });

  it('is a few entries a second that share a messageId, the last of them not partial', async () => {
    const { log } = await run('> stream 60 20');
    const chunks = log.filter(({ type }) => type === 'ASSISTANT');
    expect(chunks.map(({ content }) => content).join('')).toBe(
      Array.from({ length: 60 }, (_, index) => `${index + 1} `).join(''),
    );
    expect(chunks.length).toBeGreaterThan(1);
    expect(chunks.length).toBeLessThan(10);
    expect(new Set(chunks.map(({ messageId }) => messageId)).size).toBe(1);
    expect(chunks[0].messageId).not.toBeNull();
    expect(chunks.map(({ isPartial }) => isPartial)).toEqual(
      chunks.map((_, index) => index < chunks.length - 1),
    );
  });

  it('may come as fast as it likes: it is joined all the same, and nothing of it is lost', async () => {
    const { log } = await run('> stream 20000 0');
    const chunks = log.filter(({ type }) => type === 'ASSISTANT');
    expect(chunks.length).toBeLessThan(100);
    const text = chunks.map(({ content }) => content).join('');
    expect(text).toBe(Array.from({ length: 20_000 }, (_, index) => `${index + 1} `).join(''));
  });

  it('is cut into pieces when one chunk is very long, and nothing of it is lost', async () => {
    const { log } = await run('> long 200000');
    const chunks = log.filter(({ type }) => type === 'ASSISTANT');
    expect(chunks.length).toBeGreaterThan(10);
    expect(chunks.map(({ content }) => content).join('')).toBe('é'.repeat(200_000));
  });

  it('has of each tool call one entry with its input and one with its result and duration', async () => {
    const { log } = await run('> tool ls -> a.txt b.txt\n> tool rm -> fails\n> edit\n> open forgotten');
    expect(log.map(brief)).toEqual([
      'TOOL_CALL Runs ls',
      'TOOL_RESULT a.txt b.txt',
      'TOOL_CALL Runs rm',
      'TOOL_RESULT fails',
      'TOOL_CALL Edits a.txt',
      'TOOL_RESULT /a.txt\n-two\n+2',
      'TOOL_CALL forgotten',
      'TOOL_RESULT The turn ended before this did.',
      ended,
    ]);
    expect(log[0]).toMatchObject({ toolName: 'execute', toolInput: { command: 'ls' } });
    expect(log[1]).toMatchObject({ toolName: 'execute', isError: false });
    expect(log[1].durationMs).toBeGreaterThanOrEqual(0);
    expect(log.filter(({ isError }) => isError).map(({ content }) => content)).toEqual([
      'fails',
      'The turn ended before this did.',
    ]);
  });

  it('may be what is not understood: that is logged, and costs nothing of what stands beside it', async () => {
    const { log } = await run(
      [
        '> raw this is no JSON',
        '> raw [1]',
        '> raw {"jsonrpc":"2.0","id":77,"result":{}}',
        '> update {"sessionUpdate":"agent_message_chunk"}',
        '> update {"sessionUpdate":"of_the_future","x":1}',
        '> update {"sessionUpdate":"tool_call","toolCallId":"t","status":"odd","title":"Odd","kind":7,"rawInput":{"a":1}}',
        '> say still here',
      ].join('\n'),
    );
    const errors = log.filter(({ type }) => type === 'ERROR').map(({ content }) => content);
    expect(errors.slice(0, 3)).toEqual([
      expect.stringContaining('this is no JSON'),
      expect.stringContaining('[1]'),
      expect.stringContaining('"id":77'),
    ]);
    expect(errors.slice(3)).toEqual([expect.stringContaining('update that is not understood')]);
    expect(log.map(brief)).toContain('TOOL_CALL Odd');
    expect(log.map(brief)).toContain('ASSISTANT still here');
  });

  it('about what it used is added up: the cost so far of its session, and the tokens of its turns', async () => {
    const { task, log } = await run('> cost 0.25\n> cost 0.5\n> tokens 1000');
    expect(task).toMatchObject({ costUsd: 0.75, tokens: 1000 });
    expect(log.at(-1)).toMatchObject({ type: 'RESULT', costUsd: 0.75 });
  });
});

describe.concurrent('an agent', { timeout: 120_000 }, () => {
  it('has in its environment what every agent has and what its profile adds, and the Taskmesh MCP server in its session', async () => {
    const { id, log } = await run('> env');
    expect(log[0].content.split(' ')).toEqual([
      'GIT_TERMINAL_PROMPT',
      'NODE_COMPILE_CACHE',
      'PATH',
      'SESSIONS',
      'TASKMESH_CONTRACT_ID',
      'TASKMESH_PLAN',
      'TASKMESH_PLAN_FILE',
      'TASKMESH_RUN_ID',
      'TASKMESH_TASK_ID',
      'TASKMESH_TOOL_KEY',
      'TASKMESH_URL',
      'TRACE',
    ]);
    const { mcpServers, cwd } = world.heard('new').find((params) => JSON.stringify(params).includes(id));
    expect(cwd).toContain(join(world.root, 'machine'));
    expect(mcpServers).toEqual([
      {
        name: 'taskmesh',
        command: process.execPath,
        args: ['/nonexistent', 'mcp'],
        env: [
          { name: 'TASKMESH_URL', value: world.api.url },
          { name: 'TASKMESH_TOOL_KEY', value: expect.stringMatching(/^tmk_task_/) },
          { name: 'TASKMESH_TASK_ID', value: id },
          { name: 'TASKMESH_CONTRACT_ID', value: expect.stringMatching(/^contract_/) },
        ],
      },
    ]);
    const { clientCapabilities } = world.heard('initialize').at(-1);
    expect(clientCapabilities).toMatchObject({
      terminal: false,
      fs: { readTextFile: false, writeTextFile: false },
    });
  });

  it('is refused what was not offered to it', async () => {
    const { log } = await run('> forbidden');
    expect(log[0].content).toBe('refused: -32601');
  });

  it('signs in, and works in the mode and with the model, as its profile says', async () => {
    await run('> say x', {}, 'tuned');
    expect(world.heard('mode')).toEqual(['bold']);
    expect(world.heard('config')).toMatchObject([{ configId: 'llm', value: 'large' }]);
  });

  it('that said it is done is done, with its summary, whatever rounds it has left', async () => {
    const { task, log } = await run('> mutate finishTask {"summary":"As asked."}\n> say bye', {
      autonomousLoop: 5,
    });
    expect(task).toMatchObject({ outputSummary: 'As asked.' });
    expect(log.filter(({ type }) => type === 'USER')).toEqual([]);
  });

  it('that ended its turn without that is told to go on for as many rounds as the task has', async () => {
    const { log } = await run('> say x', { autonomousLoop: 2 });
    const told = log.filter(({ type }) => type === 'USER').map(({ content }) => content);
    expect(told).toEqual([expect.stringContaining('Round 1 of 2'), expect.stringContaining('Round 2 of 2')]);
    expect(log.filter(({ type }) => type === 'RESULT')).toHaveLength(3);
  });

  it('is told a message that came during its turn when that has ended', async () => {
    const go = join(world.root, 'go');
    const id = await world.work('agent', `1> until ${go}\n> say turn over`);
    await world.entry(id, 'USER', /Your task/);
    await world.api.mutate('sendMessage', { taskId: id, content: '> say heard you' }, 'message { id }');
    await world.api.mutate('sendMessage', { taskId: id, content: '> say twice' }, 'message { id }');
    writeFileSync(go, '');
    await world.until(id, 'DONE');
    expect((await world.output(id)).slice(1).map(brief)).toEqual([
      'ASSISTANT turn over',
      ended,
      'USER A message from the person:\n\n> say heard you\n\n---\n\nA message from the person:\n\n> say twice',
      'ASSISTANT heard youtwice',
      ended,
    ]);
  });

  it('whose turn was cut off is done all the same, and the log says how', async () => {
    const { log } = await run('> stop max_tokens');
    const content = 'The turn was cut off: the agent came to its limit of tokens. (max_tokens)';
    expect(log.at(-1)).toMatchObject({ type: 'RESULT', content, isError: true });
  });

  it('that refuses to go on has failed', async () => {
    const id = await world.work('agent', '> say I will not.\n> stop refusal');
    expect((await world.until(id, 'FAILED')).errorMessage).toContain('refused to go on');
  });
});

describe.concurrent('the red team', { timeout: 120_000 }, () => {
  it('is told what work tasks say, in batches, keeps its process between them, and ends with the contract', async () => {
    const contractId = await world.contract('agent', {
      redTeamEnabled: true,
      redTeamPrompt: '1> say watching',
    });
    const plan = `echo one; echo ${'x'.repeat(3_000)}; while [ ! -e more ]; do sleep 0.1; done; echo two`;
    const input = { contractId, name: 'noisy', plan, agent: 'shell', useOwnWorktree: true };
    const task = (await world.api.mutate('spawnTask', input, 'task { id }')).task.id;
    const id = await soon(async () => {
      const query = 'query($id: ID!) { tasks(contractId: $id, role: RED_TEAM) { nodes { id } } }';
      return (await world.api.ask(query, { id: contractId })).tasks.nodes[0]?.id;
    });
    await world.entry(id, 'ASSISTANT', /watching/);
    const batch = await world.entry(id, 'USER', /What the work tasks/);
    expect(batch.content).toContain(`## Task noisy (${task})\none\n`);
    expect(batch.content).toContain(`${'x'.repeat(1_000)} […]`);
    expect(batch.content).not.toContain('x'.repeat(1_001));
    const query = `query($id: ID!) { taskOutput(taskId: $id) { nodes { sequence content } } }`;
    const [, last] = (await world.api.ask(query, { id: task })).taskOutput.nodes;
    expect(batch.toolInput).toEqual({ upToSequence: last.sequence });

    // A message does not wait for output.
    const [process] = processesWith(id);
    await world.api.mutate('sendMessage', { taskId: id, content: '> say heard' }, 'message { id }');
    await world.entry(id, 'ASSISTANT', /heard/);
    expect(processesWith(id)).toContain(process);

    await world.api.mutate('completeContract', { contractId, cancelTasks: true }, 'contract { id }');
    expect((await world.until(id, 'DONE')).attempt).toBe(1);
    expect(processesWith(id)).toEqual([]);
  });
});
