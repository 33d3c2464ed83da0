import type { EntityClass } from '@mikro-orm/core';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { Contract } from '../../src/contracts/contract.entity.ts';
import { Repository } from '../../src/contracts/repository.entity.ts';
import { Command } from '../../src/daemons/command.entity.ts';
import { Daemon } from '../../src/daemons/daemon.entity.ts';
import { ContractCounter } from '../../src/events/contract-counter.entity.ts';
import { History } from '../../src/events/history.entity.ts';
import { kysely } from '../../src/platform/database.ts';
import { type Id, type IdPrefix, newId, toUuid } from '../../src/platform/ids.ts';
import { readRow, readRows, readTogether, rowOf, rowsOf } from '../../src/platform/read-rows.ts';
import { transact } from '../../src/platform/transaction.ts';
import { Question } from '../../src/questions/question.entity.ts';
import { Task } from '../../src/tasks/task.entity.ts';
import { TaskAttempt } from '../../src/tasks/task-attempt.entity.ts';
import { Worktree } from '../../src/worktrees/worktree.entity.ts';
import { HandDaemon, spawn } from '../support/daemon.ts';
import { runningTask } from '../support/running-task.ts';
import { startTestServer } from '../support/server.ts';

const { api, server } = await startTestServer();
const daemon = await HandDaemon.connect(api, {
  agents: ['shell', 'a "quoted", one'],
  localPaths: ['/repositories', '/with space'],
});
/** What stands for something else in the text of a list. */
const CHOICES = ['a', 'b,c', '{d}', 'NULL', 'null', '"e"', 'f\\', '\\"', 'g\nh', ' i ', '🦊'];
const { contractId, taskId, supervisor } = await runningTask(api, daemon);
await spawn(api, contractId, { description: 'NULL', agent: 'nobody has it' });
await supervisor.mutate(
  'askQuestion',
  { question: 'Which?', choices: CHOICES, waitSeconds: 0 },
  'question { id }',
);
await daemon.report(taskId, 1, 'DONE', { outputSummary: 'ok' });

test('texts of a list come back as they were given', async () => {
  const { pendingQuestions } = await api.ask('{ pendingQuestions { choices } }');
  expect(pendingQuestions).toEqual([{ choices: CHOICES.map((choice) => choice.trim()) }]);
  // A line end alone, and nothing at all.
  const copyFiles = ['\n', 'NULL', ' '];
  const copied = await transact(server.runtime, async (tx) => {
    const task = await tx.em.findOneOrFail(Task, { id: taskId as Id<'task'> });
    task.copyFiles = [...copyFiles];
    return task;
  });
  expect((await readRow(em(), Task, { id: copied.id }))?.copyFiles).toEqual(copyFiles);
});

const entities: [string, EntityClass<object>, string][] = [
  ['Task', Task, 'id'],
  ['TaskAttempt', TaskAttempt, 'taskId'],
  ['Contract', Contract, 'id'],
  ['ContractCounter', ContractCounter, 'contractId'],
  ['Repository', Repository, 'id'],
  ['Daemon', Daemon, 'id'],
  ['Command', Command, 'id'],
  ['Question', Question, 'id'],
  ['Worktree', Worktree, 'id'],
];
const em = () => server.runtime.db.fork();
const plain = (row: object) => JSON.parse(JSON.stringify(row));
/** The ORM leaves out what is null in a partial object; both count as not there. */
const filled = (row: object) =>
  Object.fromEntries(Object.entries(plain(row)).filter(([, value]) => value !== null));

test.each(entities)('rows of %s are read as the ORM reads them', async (_, entity, key) => {
  const managed = await em().find(entity, {}, { orderBy: { [key]: 'asc' } as never });
  const ids = managed.map((row) => (row as Record<string, unknown>)[key]);
  const read = await readRows(em(), entity, { [key]: ids }, key as never);
  expect(read.length).toBeGreaterThan(0);
  expect(read.map(filled)).toEqual(managed.map(filled));
  for (const row of read)
    for (const [property, value] of Object.entries(row))
      if (property.endsWith('At') && value !== null) expect(value, property).toBeInstanceOf(Date);
});

test.each(entities)(
  'rows of %s that are read in one trip with others are the same',
  async (_, entity, key) => {
    const alone = await em().find(entity, {}, { orderBy: { [key]: 'asc' } as never });
    const ids = alone.map((row) => (row as Record<string, unknown>)[key]);
    const together = await readTogether(em(), {
      all: rowsOf(em(), entity, { [key]: ids }, key as never),
      first: rowOf(em(), entity, { [key]: ids[0] }),
      none: rowsOf(em(), Task, { id: [] }, 'id'),
      nobody: rowOf(em(), Task, { id: newId('task') }),
    });
    expect(together.all).toEqual(await readRows(em(), entity, { [key]: ids }, key as never));
    expect(together.first).toEqual(await readRow(em(), entity, { [key]: ids[0] }));
    expect([together.none, together.nobody]).toEqual([[], null]);
  },
);

test('what was changed in a followed row is stored, what was not is left to others, and its version grows', async () => {
  const before = (await readRow(em(), Task, { id: taskId })) as Task;
  // Somebody else, between the reading and the storing.
  await sql`update task set agent = 'another' where id = ${toUuid(taskId as Id)}`.execute(kysely(em()));
  const changed = await transact(server.runtime, async (tx) => {
    const task = tx.follow(Task, { ...before });
    return Object.assign(task, { name: 'Changed', failedDaemons: [daemon.id], completedAt: null });
  });
  const stored = (await readRow(em(), Task, { id: taskId })) as Task;
  expect(stored).toEqual({ ...changed, agent: 'another', version: stored.version });
  expect(changed.version).toBe(before.version + 1);
});

test('a followed row in which nothing was changed is not written', async () => {
  const { version } = (await readRow(em(), Task, { id: taskId })) as Task;
  await transact(server.runtime, async (tx) => {
    tx.follow(Task, (await readRow(tx.em, Task, { id: taskId })) as Task);
  });
  expect((await readRow(em(), Task, { id: taskId }))?.version).toBe(version);
});

test('lists, single values, nothing and limits are what a filter means', async () => {
  const read = async (filter: object, limit?: number) =>
    (await readRows(em(), Task, { ...filter }, 'id', { ...(limit && { limit }) })).map(
      ({ role, status }) => `${role} ${status}`,
    );
  expect(await read({ contractId, status: ['DONE', 'PENDING'] })).toEqual(['WORK DONE', 'WORK PENDING']);
  expect(await read({ contractId, role: 'SUPERVISOR' })).toEqual(['SUPERVISOR RUNNING']);
  expect(await read({ contractId, daemonId: null })).toEqual(['WORK PENDING']);
  expect(await read({ contractId, status: [] })).toEqual([]);
  expect(await read({ contractId }, 2)).toHaveLength(2);
  await expect(read({ nothing: 1 })).rejects.toThrow('no column nothing');
});

test.each<[string, EntityClass<{ id: string }>, IdPrefix]>([
  ['Task', Task, 'task'],
  ['Command', Command, 'command'],
  ['Worktree', Worktree, 'worktree'],
  ['History', History, 'history'],
])('rows of %s are stored as the ORM stores them', async (_, entity, prefix) => {
  const managed = await em().find(entity, {} as never);
  expect(managed.length).toBeGreaterThan(0);
  for (const { id } of managed) {
    const row = await readRow(em(), entity, { id });
    // A contract has one supervisor.
    const copy = { ...row, id: newId(prefix), ...(entity === Task ? { role: 'WORK' } : {}) };
    expect(await transact(server.runtime, (tx) => tx.insertNow(entity, copy as never))).toEqual(copy);
    const [stored] = await em().find(entity, { id: copy.id } as never);
    expect(filled(stored as object)).toEqual(filled(copy));
  }
});

test('what a new row leaves out is as the ORM would have it', async () => {
  const pattern = (await readRow(em(), Task, { id: taskId })) as Task;
  const { ownerId, name, plan, role, agent, createdAt, updatedAt } = pattern;
  const given = { ownerId, contractId: pattern.contractId, name, plan, role, agent, createdAt, updatedAt };
  const id = newId('task');
  const made = await transact(server.runtime, async (tx) => tx.record(Task, { ...given, id }));
  expect(made).toEqual(await readRow(em(), Task, { id }));
  const other = em();
  const task = other.create(Task, { ...given, id: newId('task') } as never);
  await other.persist(task).flush();
  const byOrm = await readRow(em(), Task, { id: task.id });
  expect({ ...made, id: null }).toEqual({ ...byOrm, id: null });
});
