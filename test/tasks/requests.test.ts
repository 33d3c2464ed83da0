import { describe, expect, test } from 'vitest';
import type { Answer } from '../support/api.ts';
import { HandDaemon, openContract, spawn } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing, countOf } from '../support/snapshot.ts';

const { api, server, newOwner } = await startTestServer();
const daemon = (await HandDaemon.connect(api, { max: 50 })).alive();
const { contractId, supervisorId } = await openContract(api);
await daemon.start(supervisorId);

async function running(): Promise<string> {
  const taskId = await spawn(api, contractId);
  await daemon.start(taskId);
  return taskId;
}
async function done(): Promise<string> {
  const taskId = await running();
  await daemon.finish(taskId, 1);
  return taskId;
}
async function asked(): Promise<string> {
  const input = { contractId, question: 'Which?', waitSeconds: 0 };
  return (await api.mutate('askQuestion', input, 'question { id }')).question.id;
}

const toMerge = await done();
const toSave = await running();
const toCancel = await running();
const toAnswer = await asked();
const toComplete = (await openContract(api, { startSupervisor: false })).contractId;
const toDelete = (await openContract(api, { startSupervisor: false })).contractId;
await api.mutate('completeContract', { contractId: toDelete }, 'contract { id }');
await api.mutate('archiveContract', { contractId: toDelete }, 'contract { id }');
const closed = (await openContract(api, { startSupervisor: false })).contractId;
await api.mutate('completeContract', { contractId: closed }, 'contract { id }');

interface Case {
  name: string;
  input: object;
  /** The same call with something else in it. */
  otherInput: object;
  /** One that is refused for what it finds, not for its form. */
  refusedInput: object;
  selection: string;
  /** What there is one more of afterwards. */
  table: string;
  where?: string;
  answer?: () => Promise<unknown>;
}

const merged = { outcome: 'MERGED', commitSha: 'a'.repeat(40), message: 'merged', conflicts: [] };
const CASES: Case[] = [
  {
    name: 'createContract',
    input: {
      name: 'once',
      startSupervisor: true,
      supervisorPlan: 'x',
      repositories: [{ localPath: '/elsewhere' }],
    },
    otherInput: { name: 'twice', startSupervisor: false },
    refusedInput: { name: 'x' },
    selection: 'contract { id createdAt } supervisor { id }',
    table: 'contract',
  },
  {
    name: 'spawnTask',
    input: { contractId, name: 'once', plan: 'x', agent: 'nobody' },
    otherInput: { contractId, name: 'once', plan: 'y', agent: 'nobody' },
    refusedInput: { contractId: closed, name: 'once', plan: 'x' },
    selection: 'task { id createdAt }',
    table: 'task',
  },
  {
    name: 'askQuestion',
    input: { contractId, question: 'Once?', waitSeconds: 0 },
    otherInput: { contractId, question: 'Once?', choices: ['yes'], waitSeconds: 0 },
    refusedInput: { contractId: closed, question: 'Once?', waitSeconds: 0 },
    selection: 'outcome question { id createdAt }',
    table: 'question',
  },
  {
    name: 'sendMessage',
    input: { taskId: toSave, content: 'once' },
    otherInput: { taskId: toSave, content: 'twice' },
    refusedInput: { taskId: toMerge, content: 'once' },
    selection: 'message { id number }',
    table: 'task_message',
  },
  {
    name: 'mergeTask',
    input: { taskId: toMerge, message: 'once' },
    otherInput: { taskId: toMerge, message: 'once', squash: true },
    refusedInput: { taskId: toSave, message: 'once' },
    selection: 'outcome commitSha task { id status }',
    table: 'command',
    where: "type = 'MERGE_TASK'",
    answer: async () => daemon.complete(await daemon.command('MERGE_TASK', toMerge), merged),
  },
  {
    name: 'createCheckpoint',
    input: { taskId: toSave, message: 'once' },
    otherInput: { taskId: toSave, message: 'twice' },
    refusedInput: { taskId: supervisorId.replace(/..$/, '00'), message: 'once' },
    selection: 'created pending checkpoint { id }',
    table: 'command',
    where: "type = 'CREATE_CHECKPOINT'",
    answer: async () =>
      daemon.complete(await daemon.command('CREATE_CHECKPOINT', toSave), {
        checkpointId: null,
        created: false,
      }),
  },
  {
    name: 'cancelTask',
    input: { taskId: toCancel, reason: 'once' },
    otherInput: { taskId: toCancel, reason: 'twice' },
    refusedInput: { taskId: toMerge, reason: 'once' },
    selection: 'task { id status version }',
    table: 'history',
    where: "action = 'cancelled'",
  },
  {
    name: 'answerQuestion',
    input: { questionId: toAnswer, text: 'once' },
    otherInput: { questionId: toAnswer, text: 'twice' },
    refusedInput: { questionId: toAnswer, choices: ['none of these'] },
    selection: 'question { id response answeredAt }',
    table: 'history',
    where: "action = 'question.answered'",
  },
  {
    name: 'completeContract',
    input: { contractId: toComplete, summary: 'once' },
    otherInput: { contractId: toComplete, summary: 'twice' },
    refusedInput: { contractId: closed, summary: 'once' },
    selection: 'contract { id status completedAt version }',
    table: 'history',
    where: "action = 'contract.completed'",
  },
  {
    name: 'deleteContract',
    input: { contractId: toDelete },
    otherInput: { contractId },
    refusedInput: { contractId },
    selection: 'contractId',
    table: 'history',
    where: "action = 'contract.deleteContract'",
  },
];

describe.each(CASES)(
  '$name with a requestId',
  ({ name, input, otherInput, refusedInput, selection, table, where, answer }) => {
    const requestId = `${name} 1`;

    test('leaves the id free when its first call was refused', async () => {
      await changesNothing(server, () => api.mutationRefused(name, { ...refusedInput, requestId }));
    });

    test('sent 50 times at once does it once and gives 50 equal answers', async () => {
      const before = await countOf(server, table, where);
      const calls = Array.from({ length: 50 }, () => api.mutate(name, { ...input, requestId }, selection));
      await answer?.();
      const answers: Answer[] = await Promise.all(calls);
      expect(new Set(answers.map((each) => JSON.stringify(each))).size).toBe(1);
      expect(await countOf(server, table, where)).toBe(before + 1);
    });

    test('sent again later gives the first answer', async () => {
      await changesNothing(server, () => api.mutate(name, { ...input, requestId }, selection));
    });

    test('is refused with REQUEST_ID_REUSED for another input', async () => {
      const refused = await changesNothing(server, () =>
        api.mutationRefused(name, { ...otherInput, requestId }),
      );
      expect(refused).toMatchObject({ code: 'REQUEST_ID_REUSED', field: 'requestId' });
    });
  },
);

test('a requestId of one operation cannot serve another', async () => {
  const input = { contractId, name: 'x', plan: 'x', requestId: 'createContract 1' };
  const refused = await changesNothing(server, () => api.mutationRefused('spawnTask', input));
  expect(refused.code).toBe('REQUEST_ID_REUSED');
});

test("another owner's requestIds are their own", async () => {
  const other = await newOwner();
  const input = { name: 'theirs', startSupervisor: false, requestId: 'createContract 1' };
  const { contract } = await other.mutate('createContract', input, 'contract { id name }');
  expect(contract.name).toBe('theirs');
  expect((await api.refused('query($id: ID!) { contract(id: $id) { id } }', { id: contract.id })).code).toBe(
    'NOT_FOUND',
  );
});

test('what an input leaves out is the same as what it sets to null', async () => {
  const once = { contractId, name: 'n', plan: 'p', agent: 'nobody', requestId: 'nulls' };
  const { task } = await api.mutate('spawnTask', once, 'task { id }');
  expect((await api.mutate('spawnTask', { ...once, description: null }, 'task { id }')).task.id).toBe(
    task.id,
  );
});
