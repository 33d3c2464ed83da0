import { PassThrough } from 'node:stream';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { expect, test } from 'vitest';
import { TaskmeshClient } from '../../src/client/client.ts';
import { serveMcp } from '../../src/mcp/start.ts';
import { type Answer, eventually } from '../support/api.ts';
import { onEnd } from '../support/cleanup.ts';
import { TestClock } from '../support/clock.ts';
import { HandDaemon, openContract, readInbox, spawn } from '../support/daemon.ts';
import { passTime } from '../support/passing-time.ts';
import { ROOT } from '../support/processes.ts';
import { CuttingProxy } from '../support/proxy.ts';
import { startTestServer } from '../support/server.ts';
import { Tools } from './support/tools.ts';

/** Waiting for tasks and people, with clients that do not wait long. */
const clock = new TestClock();
const { api, server } = await startTestServer({ clock });
const daemon = (await HandDaemon.connect(api, { max: 100 })).alive();
const { contractId, supervisorId } = await openContract(api);
const { agent } = await daemon.start(supervisorId, 1, 'session');
/** A client gives up after 3 s; one call waits for 1 s. */
const impatient = { timeout: 3_000 };
const tools = await Tools.of(agent, { maxWaitSeconds: 1 });

async function runningTask(): Promise<string> {
  const taskId = await spawn(api, contractId);
  await daemon.start(taskId);
  return taskId;
}
const later = (milliseconds: number) => passTime(server, clock, milliseconds, daemon);

test('a wait longer than the timeout of the client is taken up by the next calls', async () => {
  const taskId = await runningTask();
  for (const startedAt = performance.now(); performance.now() - startedAt < impatient.timeout; ) {
    const result = await tools.call('wait_for_tasks', { taskIds: [taskId] }, impatient);
    expect(result).toMatchObject({ done: false, tasks: [{ status: 'RUNNING', completed: false }] });
    expect(result.hint).toMatch(/Call wait_for_tasks again with the same arguments/);
  }
  await daemon.finish(taskId, 1);
  expect(await tools.call('wait_for_tasks', { taskIds: [taskId] }, impatient)).toMatchObject({ done: true });
});

test('ANY ends with the first task; the others are named to be waited for', async () => {
  const [first, second] = [await runningTask(), await runningTask()];
  await daemon.finish(first, 1, 'FAILED');
  const taskIds = [first, second];
  const any = await tools.call('wait_for_tasks', { taskIds, mode: 'ANY' });
  expect(any).toMatchObject({
    done: true,
    tasks: [{ taskId: first, completed: true }, { completed: false }],
  });
  const all = await tools.call('wait_for_tasks', { taskIds });
  expect(all).toMatchObject({ done: false, hint: expect.stringContaining('those that have not completed') });
  await daemon.finish(second, 1);
});

test('a client that asks for progress has its clock restarted', async () => {
  const patient = await Tools.of(agent, { maxWaitSeconds: 3 });
  const taskId = await runningTask();
  const heard: number[] = [];
  const options = {
    timeout: 1_900,
    resetTimeoutOnProgress: true,
    onprogress: ({ progress }: { progress: number }) => void heard.push(progress),
  };
  expect(await patient.call('wait_for_tasks', { taskIds: [taskId] }, options)).toMatchObject({ done: false });
  expect(heard.length).toBeGreaterThan(0);
  await daemon.finish(taskId, 1);
});

test('a message that comes meanwhile ends the wait, is given once, and stands in the conversation once', async () => {
  const patient = await Tools.of(agent);
  const taskId = await runningTask();
  const waiting = patient.call('wait_for_tasks', { taskIds: [taskId] });
  await api.mutate(
    'sendMessage',
    { taskId: supervisorId, content: 'Stop after this one.' },
    'message { id }',
  );
  expect(await waiting).toMatchObject({
    done: false,
    tasks: [{ taskId, status: 'RUNNING' }],
    messages: [{ from: 'PERSON', content: 'Stop after this one.' }],
  });
  await eventually(async () => (await patient.call('read_messages')).messages.length === 0);
  const query = 'query($id: ID!) { conversation(contractId: $id) { nodes { role content } } }';
  const { nodes } = (await api.ask(query, { id: contractId })).conversation;
  const told = nodes.filter(({ content }: Answer) => content.includes('Stop after this one.'));
  expect(told).toEqual([{ role: 'USER', content: 'Stop after this one.' }]);
  await daemon.finish(taskId, 1);
});

test('an answer is awaited over several calls and then told once, not as a message too', async () => {
  const asked = await tools.call('ask_question', { question: 'Which way?', choices: ['left', 'right'] });
  expect(asked).toMatchObject({ outcome: 'PENDING', hint: expect.stringContaining('await_answer') });
  const { questionId } = asked;
  expect(await tools.call('await_answer', { questionId }, impatient)).toMatchObject({ outcome: 'PENDING' });
  await api.mutate('answerQuestion', { questionId, choices: ['left'] }, 'question { id }');
  expect(await tools.call('await_answer', { questionId })).toEqual({
    outcome: 'ANSWERED',
    questionId,
    answer: 'left',
  });
  // What is not acknowledged by then becomes a message.
  await tools.client.ping();
  await later(11_000);
  expect(await readInbox(agent)).toEqual([]);
});

test('an answer that came when the client had given up becomes a message', async () => {
  const { questionId } = await tools.call('ask_question', { question: 'And now?' });
  const patient = await Tools.of(agent);
  const waiting = patient.call('await_answer', { questionId }, { timeout: 300 });
  await expect(waiting).rejects.toThrow();
  await api.mutate('answerQuestion', { questionId, text: 'up' }, 'question { id }');
  await later(11_000);
  expect((await tools.call('read_messages')).messages).toMatchObject([
    { content: expect.stringContaining('Answer: up') },
  ]);
});

test('a wait goes on when the connection to the server is cut', async () => {
  const proxy = await CuttingProxy.open(api.url);
  onEnd(() => proxy.close());
  const patient = await Tools.of({ url: proxy.url, key: agent.key });
  const taskId = await runningTask();
  const waiting = patient.call('wait_for_tasks', { taskIds: [taskId] });
  await eventually(() => proxy.cut());
  await daemon.finish(taskId, 1);
  expect(await waiting).toMatchObject({ done: true });
});

test('the program writes nothing but the protocol, and ends with its stdin', async () => {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [`${ROOT}/bin/taskmesh.js`, 'mcp'],
    env: {
      PATH: process.env.PATH ?? '',
      HOME: '/nonexistent',
      TASKMESH_URL: api.url,
      TASKMESH_TOOL_KEY: agent.key ?? '',
      TASKMESH_TASK_ID: supervisorId,
      TASKMESH_CONTRACT_ID: contractId,
    },
    stderr: 'pipe',
  });
  const failures: Error[] = [];
  const client = new Client({ name: 'test', version: '0' });
  client.onerror = (error) => void failures.push(error);
  await client.connect(transport);
  const { structuredContent } = await client.callTool({ name: 'contract_tree', arguments: {} });
  expect(structuredContent).toMatchObject({ contractId });
  const { pid } = transport;
  await client.close();
  await eventually(() => !isRunning(pid ?? 0));
  expect(failures).toEqual([]);
});

test('a client of the first revision is served as well', async () => {
  const [toServer, fromServer] = [new PassThrough(), new PassThrough()];
  let received = '';
  fromServer.on('data', (bytes: Buffer) => {
    received += bytes.toString();
  });
  const ended = serveMcp({
    client: new TaskmeshClient({ url: api.url, key: agent.key ?? '' }),
    isTask: true,
    version: '0',
    maxWaitSeconds: 1,
    stdin: toServer,
    stdout: fromServer,
    onError: () => undefined,
  });
  const send = (message: object) => toServer.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const answerTo = (id: number): Promise<Answer> =>
    eventually(() => {
      const lines = received.split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line)).find((message) => message.id === id);
    });
  const clientInfo = { name: 'old', version: '1' };
  const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo };
  send({ id: 1, method: 'initialize', params });
  expect((await answerTo(1)).result).toMatchObject({
    protocolVersion: '2024-11-05',
    serverInfo: { name: 'taskmesh' },
    capabilities: { tools: {} },
    instructions: expect.stringContaining('call it again'),
  });
  send({ method: 'notifications/initialized' });
  send({ id: 2, method: 'tools/call', params: { name: 'contract_tree', arguments: {} } });
  expect((await answerTo(2)).result.content[0].text).toContain(`contractId: ${contractId}`);
  toServer.end();
  await ended;
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
