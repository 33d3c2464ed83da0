import { expect, test } from 'vitest';
import type { Answer } from '../support/api.ts';
import { HandDaemon, openContract, spawn } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing, countOf, rowsOf } from '../support/snapshot.ts';

const { api, server, newOwner } = await startTestServer();
const daemon = (await HandDaemon.connect(api, { name: 'one', max: 100 })).alive();
const { contractId, supervisorId } = await openContract(api);
const supervisor = await daemon.start(supervisorId);

interface Running {
  taskId: string;
  worktreeId: string;
  agent: typeof api;
}
async function running(): Promise<Running> {
  const taskId = await spawn(api, contractId);
  const { command, agent } = await daemon.start(taskId);
  return { taskId, worktreeId: command.payload.worktree.id, agent };
}

function upload(
  by: HandDaemon,
  task: Running,
  uploadId: string,
  index: number,
  data: Buffer,
  attempt = 1,
): Promise<Answer> {
  const input = { taskId: task.taskId, attempt, uploadId, index, data: data.toString('base64') };
  return by.api.mutate('uploadCheckpointPart', input, 'received');
}

function record(task: Running, uploadId: string, parts: number, bytes: number, more: object = {}): object {
  return {
    taskId: task.taskId,
    attempt: 1,
    worktreeId: task.worktreeId,
    commitSha: 'c'.repeat(40),
    baseSha: '1'.repeat(40),
    branch: 'b',
    message: 'saved',
    filesChanged: 2,
    linesAdded: 3,
    linesRemoved: 1,
    skippedPaths: ['a\0b'],
    uploadId,
    parts,
    bytes,
    ...more,
  };
}
const FIELDS =
  'created checkpoint { id number commitSha message filesChanged linesAdded linesRemoved skippedPaths task { id } worktree { id } }';

test('a checkpoint is uploaded in parts, in any order and repeatedly, and stored byte for byte', async () => {
  const task = await running();
  const parts = [Buffer.from([0, 1, 2, 255]), Buffer.from('second'), Buffer.alloc(100_000, 7)];
  for (const index of [2, 0, 1, 0]) await upload(daemon, task, 'u1', index, parts[index] as Buffer);
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  const first = await daemon.api.mutate('recordCheckpoint', record(task, 'u1', 3, bytes), FIELDS);
  expect(first).toMatchObject({
    created: true,
    checkpoint: {
      number: 1,
      filesChanged: 2,
      linesAdded: 3,
      linesRemoved: 1,
      skippedPaths: ['a\uFFFDb'],
      task: { id: task.taskId },
      worktree: { id: task.worktreeId },
    },
  });
  // Recorded twice, also at the same moment, it is one.
  const again = await Promise.all(
    [1, 2, 3].map(() => daemon.api.mutate('recordCheckpoint', record(task, 'u1', 3, bytes), FIELDS)),
  );
  expect(again).toEqual(Array(3).fill({ ...first, created: false }));
  const stored = await rowsOf<{ hex: string }>(
    server,
    "select encode(data, 'hex') as hex from checkpoint_part where upload_id = 'u1' order by index",
  );
  expect(stored.map(({ hex }) => Buffer.from(hex, 'hex'))).toEqual(parts);

  await upload(daemon, task, 'u2', 0, Buffer.from('x'));
  const second = await daemon.api.mutate('recordCheckpoint', record(task, 'u2', 1, 1), FIELDS);
  expect(second.checkpoint.number).toBe(2);
  const { checkpoints } = await task.agent.ask(`{ checkpoints(taskId: "${task.taskId}") { number } }`);
  expect(checkpoints).toEqual([{ number: 1 }, { number: 2 }]);
});

test('a checkpoint with a missing part, or other bytes than it says, is refused whole', async () => {
  const task = await running();
  await upload(daemon, task, 'gap', 0, Buffer.from('abc'));
  await changesNothing(server, async () => {
    for (const input of [
      record(task, 'gap', 2, 3),
      record(task, 'gap', 1, 4),
      record(task, 'nothing', 1, 1),
    ]) {
      expect(await daemon.api.mutationRefused('recordCheckpoint', input)).toMatchObject({
        code: 'INVALID_INPUT',
        field: 'parts',
      });
    }
    const bad = record(task, 'gap', 1, 3, { commitSha: '--upload-pack=x' });
    expect(await daemon.api.mutationRefused('recordCheckpoint', bad)).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'commitSha',
    });
    const base = record(task, 'gap', 1, 3, { baseSha: 'HEAD' });
    expect(await daemon.api.mutationRefused('recordCheckpoint', base)).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'baseSha',
    });
    const part = { taskId: task.taskId, attempt: 1, uploadId: 'gap', index: 1 };
    expect(await daemon.api.mutationRefused('uploadCheckpointPart', { ...part, data: '' })).toMatchObject({
      field: 'data',
    });
    expect(
      await daemon.api.mutationRefused('uploadCheckpointPart', { ...part, index: -1, data: 'eA==' }),
    ).toMatchObject({ field: 'index' });
    expect(
      await daemon.api.mutationRefused('uploadCheckpointPart', { ...part, uploadId: ' ', data: 'eA==' }),
    ).toMatchObject({ field: 'uploadId' });
  });
});

test('another daemon, and the working copy of another contract, are NOT_FOUND', async () => {
  const task = await running();
  const stranger = await HandDaemon.connect(api, { name: 'stranger', agents: [] });
  const { supervisorId: elsewhere } = await openContract(api);
  const foreign = (await daemon.start(elsewhere)).command.payload.worktree.id;
  await changesNothing(server, async () => {
    const part = { taskId: task.taskId, attempt: 1, uploadId: 'u', index: 0, data: 'eA==' };
    expect((await stranger.api.mutationRefused('uploadCheckpointPart', part)).code).toBe('NOT_FOUND');
    expect((await stranger.api.mutationRefused('recordCheckpoint', record(task, 'u', 0, 0))).code).toBe(
      'NOT_FOUND',
    );
    const other = record(task, 'u', 0, 0, { worktreeId: foreign });
    expect((await daemon.api.mutationRefused('recordCheckpoint', other)).code).toBe('NOT_FOUND');
  });
});

test('of an older attempt is STALE_ATTEMPT', async () => {
  const task = await running();
  await upload(daemon, task, 'old', 0, Buffer.from('x'));
  await daemon.report(task.taskId, 1, 'INTERRUPTED');
  await daemon.start(task.taskId, 2);
  await changesNothing(server, async () => {
    expect((await daemon.api.mutationRefused('recordCheckpoint', record(task, 'old', 1, 1))).code).toBe(
      'STALE_ATTEMPT',
    );
    const part = { taskId: task.taskId, attempt: 1, uploadId: 'old', index: 1, data: 'eA==' };
    expect((await daemon.api.mutationRefused('uploadCheckpointPart', part)).code).toBe('STALE_ATTEMPT');
  });
});

test('createCheckpoint asks the daemon; with nothing changed it gives the last one, created: false', async () => {
  const task = await running();
  const saving = task.agent.mutate(
    'createCheckpoint',
    { taskId: task.taskId, message: 'half way' },
    `pending ${FIELDS}`,
  );
  const command = await daemon.command('CREATE_CHECKPOINT', task.taskId);
  expect(command.payload).toMatchObject({ worktreeId: task.worktreeId, attempt: 1, message: 'half way' });
  await upload(daemon, task, 'asked', 0, Buffer.from('x'));
  const { checkpoint } = await daemon.api.mutate(
    'recordCheckpoint',
    record(task, 'asked', 1, 1),
    'checkpoint { id }',
  );
  await daemon.complete(command, { checkpointId: checkpoint.id, created: true });
  expect(await saving).toMatchObject({
    created: true,
    pending: false,
    checkpoint: { id: checkpoint.id, number: 1 },
  });

  const again = supervisor.agent.mutate(
    'createCheckpoint',
    { taskId: task.taskId, message: 'again' },
    `pending ${FIELDS}`,
  );
  const next = await daemon.commands.until(
    (all) =>
      all.filter(({ type, task: of }) => type === 'CREATE_CHECKPOINT' && of.id === task.taskId).length === 2,
  );
  await daemon.complete(next.at(-1), { checkpointId: checkpoint.id, created: false });
  expect(await again).toMatchObject({ created: false, pending: false, checkpoint: { id: checkpoint.id } });
  expect(await countOf(server, 'checkpoint', "upload_id = 'asked'")).toBe(1);
});

test('createCheckpoint before there is a working copy is refused, and a failure of the daemon comes through', async () => {
  const waiting = await spawn(api, contractId, { agent: 'nobody' });
  const refused = await changesNothing(server, () =>
    api.mutationRefused('createCheckpoint', { taskId: waiting, message: 'x' }),
  );
  expect(refused.code).toBe('INVALID_TRANSITION');
  const task = await running();
  const saving = api.mutationRefused('createCheckpoint', { taskId: task.taskId, message: 'x' });
  await daemon.fail(
    await daemon.command('CREATE_CHECKPOINT', task.taskId),
    'OUTCOME_UNKNOWN',
    'was interrupted',
  );
  expect(await saving).toMatchObject({ code: 'OUTCOME_UNKNOWN', message: 'was interrupted' });
});

test('a checkpoint is a node for the owner and the tasks of its contract only', async () => {
  const task = await running();
  const { checkpoint } = await daemon.api.mutate(
    'recordCheckpoint',
    record(task, 'node', 0, 0),
    'checkpoint { id }',
  );
  const query = `{ node(id: "${checkpoint.id}") { id } }`;
  expect((await api.ask(query)).node.id).toBe(checkpoint.id);
  expect((await task.agent.ask(query)).node.id).toBe(checkpoint.id);
  const { supervisorId: elsewhere } = await openContract(api);
  const other = await daemon.start(elsewhere);
  const refusal = await (await newOwner()).refused(query);
  expect(refusal.code).toBe('NOT_FOUND');
  expect(refusal.message).not.toContain('task_');
  expect((await other.agent.refused(query)).code).toBe('CONTRACT_MISMATCH');
  expect((await daemon.api.refused(query)).code).toBe('FORBIDDEN');
  expect((await api.as(null).refused(query)).code).toBe('UNAUTHENTICATED');
});
