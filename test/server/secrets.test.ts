import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createLogger } from '../../src/platform/logger.ts';
import { maskKeys, maskKeysInBytes } from '../../src/platform/secrets.ts';
import { HandDaemon, openContract, readInbox, spawn } from '../support/daemon.ts';
import { rawSocket, sendQuery } from '../support/raw.ts';
import { startTestServer } from '../support/server.ts';
import { countOf, rowsOf } from '../support/snapshot.ts';

const lines: string[] = [];
const logger = createLogger('trace', { write: (line: string) => void lines.push(line) });
const { api, server } = await startTestServer({ logger });
const daemon = (await HandDaemon.connect(api, { max: 20 })).alive();
const { contractId, supervisorId } = await openContract(api);
const supervisor = await daemon.start(supervisorId, 1, 'session');
const taskId = await spawn(api, contractId);
const { agent, toolKey, worktreeId } = await daemon.start(taskId);

const MASK = 'tmk_task_[masked]';
const entry = (type: string, content: string, more: object = {}) => ({
  type,
  content,
  createdAt: new Date().toISOString(),
  ...more,
});

/** Where a text stands in the database, in whatever column. */
async function placesOf(text: string): Promise<string[]> {
  const tables = await rowsOf<{ name: string }>(
    server,
    "select tablename as name from pg_tables where schemaname = 'public'",
  );
  const found: string[] = [];
  for (const { name } of tables)
    if ((await countOf(server, name, `position('${text}' in "${name}"::text) > 0`)) > 0) found.push(name);
  return found;
}

test('a key that an agent prints, says, asks or writes is masked before it is stored', async () => {
  const said = `export TASKMESH_TOOL_KEY=${toolKey}; and ${toolKey}`;
  await daemon.api.mutate(
    'appendTaskOutput',
    {
      taskId,
      attempt: 1,
      firstIndex: 0,
      entries: [
        entry('STDOUT', said),
        entry('ASSISTANT', said, { messageId: 'm' }),
        entry('TOOL_CALL', 'env', {
          toolName: 'bash',
          toolInput: { command: said, nested: [{ deep: said }] },
        }),
      ],
    },
    '__typename',
  );
  await daemon.say(supervisorId, 1, 0, [`ASSISTANT: ${said}`]);
  await supervisor.agent.mutate(
    'askQuestion',
    { question: said, choices: [said], context: said, waitSeconds: 0 },
    '__typename',
  );
  await supervisor.agent.mutate('setDocument', { name: 'd', content: said }, '__typename');
  await supervisor.agent.mutate('sendMessage', { taskId, content: said }, '__typename');
  await api.mutate('updateContract', { contractId, description: said }, '__typename');
  await daemon.save(taskId, 1, worktreeId, { message: said });
  await agent.mutate('finishTask', { summary: said, success: true }, '__typename');
  await daemon.report(taskId, 1, 'FAILED', { outputCount: 3, outputSummary: said, errorMessage: said });

  const { taskOutput } = await api.ask(`{ taskOutput(taskId: "${taskId}") { nodes { content toolInput } } }`);
  const masked = `export TASKMESH_TOOL_KEY=${MASK}; and ${MASK}`;
  expect(taskOutput.nodes.map(({ content }: { content: string }) => content)).toEqual([
    masked,
    masked,
    'env',
  ]);
  expect(taskOutput.nodes[2].toolInput).toEqual({ command: masked, nested: [{ deep: masked }] });
  expect((await readInbox(supervisor.agent)).map(({ content }) => content).join()).not.toContain(toolKey);
  expect(await placesOf(toolKey.slice(9))).toEqual([]);
  expect((await placesOf(MASK)).length).toBeGreaterThanOrEqual(6);
});

test('over a WebSocket a key is masked too', async () => {
  const key = api.key as string;
  const socket = rawSocket(server.url);
  await socket.introduce(key);
  const query = `mutation($d: String) { updateContract(input: { contractId: "${contractId}", description: $d }) { contract { description } } }`;
  socket.send({ type: 'subscribe', id: '1', payload: { query, variables: { d: `here: ${key}` } } });
  expect(await socket.type('next')).toMatchObject({
    payload: { data: { updateContract: { contract: { description: 'here: tmk_user_[masked]' } } } },
  });
  const inText = query
    .replace('$d)', '$d2)')
    .replace('description: $d', `description: "${key}"`)
    .replace('($d2: String)', '')
    .replace('($d: String)', '');
  socket.send({ type: 'subscribe', id: '2', payload: { query: inText } });
  await expect
    .poll(() => socket.messages.find(({ id, type }) => id === '2' && type === 'next'))
    .toBeDefined();
  expect(await placesOf(key.slice(9))).toEqual([]);
  socket.socket.terminate();
});

test('no answer repeats a key, whatever is wrong with the request', async () => {
  const key = api.key as string;
  const header = { authorization: `Bearer ${key}` };
  const unknown = `tmk_user_${randomBytes(32).toString('base64url')}`;
  for (const [query, variables] of [
    [`{ node(id: "${key}") { id } }`, {}],
    [`{ ${key} }`, {}],
    [`{ viewer(key: "${key}") { kind } }`, {}],
    ['query($id: ID!) { contract(id: $id) { id } }', { id: key }],
    ['query($id: ID!) { contract(id: $id) { id } }', { id: { key } }],
    ['mutation($i: CreateKeyInput!) { createKey(input: $i) { key } }', { i: { kind: key, name: key } }],
  ] as const) {
    const { text } = await sendQuery(server.url, query, header, variables);
    expect(text).toContain('"errors"');
    expect(text, query).not.toContain(key.slice(9));
  }
  expect(
    (await sendQuery(server.url, '{ viewer { kind } }', { authorization: `Bearer ${unknown}` })).text,
  ).not.toContain(unknown.slice(9));
});

describe('the log', () => {
  test('has no key in it after all of this, though it told everything it can', () => {
    const log = lines.join('');
    expect(lines.length).toBeGreaterThan(10);
    for (const key of [api.key, toolKey, daemon.api.key] as string[]) expect(log).not.toContain(key.slice(9));
  });

  test.each([
    ['a key in a message', (key: string) => logger.info(`came with ${key}`)],
    ['a key in a field of any name', (key: string) => logger.info({ what: { ever: [key] } }, 'x')],
    [
      'a key in an error, its stack and its cause',
      (key: string) => logger.error({ err: new Error(key, { cause: new Error(key) }) }, 'x'),
    ],
    ['a key in a URL', (key: string) => logger.warn({ url: `https://x:${key}@example.com/` }, 'x')],
  ])('masks %s', (_title, write) => {
    const key = `tmk_daemon_${randomBytes(32).toString('base64url')}`;
    lines.length = 0;
    write(key);
    expect(lines.join('')).not.toContain(key.slice(11));
    expect(lines.join('')).toMatch(/masked|redacted/);
    expect(() => JSON.parse(lines[0] ?? '')).not.toThrow();
  });

  test('masks tokens of an identity provider and of GitHub', () => {
    lines.length = 0;
    const token = `${Buffer.from('{"alg":"ES256"}').toString('base64url')}.${'p'.repeat(40)}.${'s'.repeat(40)}`;
    logger.info({ token, github: `ghp_${'a'.repeat(36)}`, other: `github_pat_${'b'.repeat(60)}` }, 'x');
    expect(lines.join('')).not.toMatch(/pppp|ssss|aaaa|bbbb/);
  });
});

test('masking leaves everything else as it is, to the byte', () => {
  const key = `tmk_user_${'K'.repeat(43)}`;
  expect(maskKeys(`<${key}>`)).toBe('<tmk_user_[masked]>');
  for (const text of ['tmk_', 'tmk_user_short', 'tmk_other_', 'a tmk_user_ b', ''])
    expect(maskKeys(text)).toBe(text);
  const bytes = randomBytes(100_000);
  expect(maskKeysInBytes(bytes)).toBe(bytes);
  const around = Buffer.concat([bytes, Buffer.from(key), bytes]);
  const expected = Buffer.concat([bytes, Buffer.from('tmk_user_[masked]'), bytes]);
  expect(maskKeysInBytes(around).equals(expected)).toBe(true);
});
