import type { EntityClass } from '@mikro-orm/core';
import { expect, test } from 'vitest';
import { Contract } from '../../src/contracts/contract.entity.ts';
import { Repository } from '../../src/contracts/repository.entity.ts';
import { Command } from '../../src/daemons/command.entity.ts';
import { Daemon } from '../../src/daemons/daemon.entity.ts';
import { ContractCounter } from '../../src/events/contract-counter.entity.ts';
import { History } from '../../src/events/history.entity.ts';
import { type IdPrefix, newId } from '../../src/platform/ids.ts';
import { insertRow } from '../../src/platform/insert-rows.ts';
import { readRow, readRows } from '../../src/platform/read-rows.ts';
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
const { contractId, taskId, supervisor } = await runningTask(api, daemon);
await spawn(api, contractId, { description: 'NULL', agent: 'nobody has it' });
await supervisor.mutate(
  'askQuestion',
  { question: 'Which?', choices: ['a', 'b,c', '{d}'], waitSeconds: 0 },
  'question { id }',
);
await daemon.report(taskId, 1, 'DONE', { outputSummary: 'ok' });

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
    expect(await insertRow(em(), entity, copy)).toEqual(copy);
    const [stored] = await em().find(entity, { id: copy.id } as never);
    expect(filled(stored as object)).toEqual(filled(copy));
  }
});

test('what a new row leaves out is as the ORM would have it', async () => {
  const pattern = (await readRow(em(), Task, { id: taskId })) as Task;
  const { ownerId, name, plan, role, agent, createdAt, updatedAt } = pattern;
  const given = { ownerId, contractId: pattern.contractId, name, plan, role, agent, createdAt, updatedAt };
  const made = await insertRow(em(), Task, { ...given, id: newId('task') });
  const other = em();
  const task = other.create(Task, { ...given, id: newId('task') } as never);
  await other.persist(task).flush();
  const byOrm = await readRow(em(), Task, { id: task.id });
  expect({ ...made, id: null }).toEqual({ ...byOrm, id: null });
});
