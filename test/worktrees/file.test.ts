import { describe, expect, test } from 'vitest';
import { HandDaemon, openContract, spawn } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing, countOf } from '../support/snapshot.ts';
import { afterTheMinute, steadyClock } from './support.ts';

const { api, server } = await startTestServer({ clock: steadyClock });
const daemon = await HandDaemon.connect(api, { max: 100 });
const { contractId, supervisorId } = await openContract(api);
const supervisor = await daemon.start(supervisorId);
const taskId = await spawn(api, contractId);
const worker = await daemon.start(taskId);

const FILE = `query($taskId: ID!, $path: String!) { worktreeFile(taskId: $taskId, path: $path) {
  path exists content encoding size truncated task { id } } }`;
const TEXT = { exists: true, content: 'hällo\n', encoding: 'UTF8', size: 7, truncated: false };

/** The next command of the type, not one that was there before. */
async function nextRead(before: number) {
  const isRead = ({ type }: { type: string }) => type === 'READ_FILE';
  const received = await daemon.commands.until((all) => all.filter(isRead).length > before);
  return received.filter(isRead)[before];
}
const reads = () => daemon.commands.received.filter(({ type }) => type === 'READ_FILE').length;

test('the daemon is asked for the file, and what it says is told', async () => {
  for (const each of [api, supervisor.agent]) {
    const before = reads();
    const asking = each.ask(FILE, { taskId, path: 'src/a b.txt' });
    const command = await nextRead(before);
    const worktreeId = worker.command.payload.worktree.id;
    expect(command.payload).toEqual({
      taskId,
      worktreeId,
      path: 'src/a b.txt',
      maxBytes: 1_048_576,
      away: null,
    });
    await daemon.accept(command);
    await daemon.complete(command, TEXT);
    const task = { id: taskId };
    expect((await asking).worktreeFile).toEqual({ ...TEXT, path: 'src/a b.txt', task });
  }
});

test.each([
  ['a file that is not there', { exists: false, content: null, encoding: 'UTF8', size: 0, truncated: false }],
  ['bytes', { exists: true, content: 'AP8=', encoding: 'BASE64', size: 2, truncated: false }],
  ['more than 2 GiB', { exists: true, content: 'a', encoding: 'UTF8', size: 5_000_000_000, truncated: true }],
  ['an empty file', { exists: true, content: '', encoding: 'UTF8', size: 0, truncated: false }],
])('%s comes through as it is', async (_, file) => {
  const before = reads();
  const asking = api.ask(FILE, { taskId, path: 'x' });
  await daemon.complete(await nextRead(before), file);
  expect((await asking).worktreeFile).toMatchObject(file);
});

describe('a path that the server refuses itself', () => {
  test.each([
    '/etc/passwd',
    '../x',
    'a/../../x',
    'a/..',
    '..',
    'a\0b',
    '.git/config',
    '.GIT/config',
    'sub/.git/hooks/x',
    '.git',
  ])('%j is FORBIDDEN_PATH, and the daemon hears nothing of it', async (path) => {
    await changesNothing(server, async () => {
      expect((await api.refused(FILE, { taskId, path })).code).toBe('FORBIDDEN_PATH');
    });
  });

  test.each(['', 'a'.repeat(4_097), 'a\ud800'])('%j is INVALID_INPUT', async (path) => {
    await changesNothing(server, async () => {
      expect(await api.refused(FILE, { taskId, path })).toMatchObject({
        code: 'INVALID_INPUT',
        field: 'path',
      });
    });
  });
});

test('before there is a working copy: INVALID_TRANSITION', async () => {
  const pending = await spawn(api, contractId, { agent: 'nobody' });
  const starting = await spawn(api, contractId);
  await daemon.accept(await daemon.command('SPAWN_TASK', starting));
  await changesNothing(server, async () => {
    for (const id of [pending, starting])
      expect((await api.refused(FILE, { taskId: id, path: 'x' })).code).toBe('INVALID_TRANSITION');
  });
});

test.each([
  ['FORBIDDEN_PATH', 'FORBIDDEN_PATH'],
  ['WORKING_COPY_BROKEN', 'COMMAND_FAILED'],
])('%s of the daemon comes through as %s', async (code, expected) => {
  const before = reads();
  const asking = api.refused(FILE, { taskId, path: 'link' });
  await daemon.fail(await nextRead(before), code, 'the reason');
  expect(await asking).toMatchObject({ code: expected, message: 'the reason' });
});

test('an answer that is no file is COMMAND_FAILED', async () => {
  const before = reads();
  const asking = api.refused(FILE, { taskId, path: 'x' });
  await daemon.complete(await nextRead(before), { content: 7 });
  expect((await asking).code).toBe('COMMAND_FAILED');
});

test('no answer within a minute is DAEMON_TIMEOUT', async () => {
  const before = reads();
  const asking = api.refused(FILE, { taskId, path: 'slow' });
  await nextRead(before);
  expect((await afterTheMinute(asking)).code).toBe('DAEMON_TIMEOUT');
});

test('with the daemon gone: NO_DAEMON, and no command is left', async () => {
  await daemon.api.mutate('disconnectDaemon', { epoch: daemon.epoch }, 'daemon { id }');
  const before = await countOf(server, 'command');
  await changesNothing(server, async () => {
    expect((await api.refused(FILE, { taskId, path: 'x' })).code).toBe('NO_DAEMON');
  });
  expect(await countOf(server, 'command')).toBe(before);
});
