import {
  type GraphQLObjectType,
  getNamedType,
  isCompositeType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';
import { expect, test } from 'vitest';
import { rowsOf } from '../../src/platform/read-rows.ts';
import { schema } from '../../src/server/schema.ts';
import { Task } from '../../src/tasks/task.entity.ts';
import { furnish } from '../keys/furnish.ts';
import type { Answer } from '../support/api.ts';
import { StillClock } from '../support/clock.ts';
import { HandDaemon, spawn } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { statementsDuring } from '../support/statements.ts';

const clock = new StillClock();
const { api, server } = await startTestServer({ clock });
const daemon = (await HandDaemon.connect(api, { max: 100 })).alive();
const { contractId, taskId } = await furnish(api, daemon, 'mark');
// Why they wait is told of each.
for (const more of [{ agent: 'nobody has it' }, { useOwnWorktree: false, agent: 'nobody has it' }])
  await spawn(api, contractId, more);

/** Lists that read no more of each row than was asked for: where the rows stand in their answer. */
const lists: Record<string, { query: string; rows: (data: Answer) => Answer[] }> = {
  Task: {
    query: `contractTree(contractId: "${contractId}") { nodes { task { ROW } } roots { children { task { ROW } } } }`,
    rows: ({ contractTree: { nodes, roots } }) =>
      [...nodes, ...roots.flatMap((root: Answer) => root.children)].map(({ task }: Answer) => task),
  },
  Question: {
    query: `questions(contractId: "${contractId}") { ROW }`,
    rows: ({ questions }) => questions,
  },
  Checkpoint: {
    query: `task(id: "${taskId}") { checkpoints { ROW } }`,
    rows: ({ task }) => task.checkpoints,
  },
};
const fieldsOf = (type: string) =>
  Object.values((schema.getType(type) as GraphQLObjectType).getFields())
    .filter(({ args }) => !args.some(isRequiredArgument))
    .map((field) => {
      const below = getNamedType(field.type);
      if (!isCompositeType(below)) return field.name;
      const hasId = isObjectType(below) && 'id' in below.getFields();
      return `${field.name} { __typename ${hasId ? 'id' : ''} }`;
    });
const ways: [way: string, row: (type: string, field: string) => string][] = [
  ['by itself', (_, field) => `id ${field}`],
  [
    'in a fragment',
    (type, field) => `...Part } } fragment Part on Node { id ...More } fragment More on ${type} { ${field}`,
  ],
];

async function rows(type: string, row: string): Promise<Answer[]> {
  const { query, rows } = lists[type] as (typeof lists)[string];
  // A fragment ends the operation, so nothing may follow it: it is put behind.
  const [asked = '', behind = ''] = row.split(' } } ');
  return rows(await api.ask(`{ ${query.replaceAll('ROW', asked)} } ${behind}${behind && ' }'}`));
}

/** Each object by itself, whose row is read whole. */
async function alone(type: string, ids: readonly string[]): Promise<Map<string, Answer>> {
  const fields = ['id', ...fieldsOf(type)].join(' ');
  const query = `query($id: ID!) { node(id: $id) { ... on ${type} { ${fields} } } }`;
  const found = await Promise.all(ids.map((id) => api.ask(query, { id })));
  return new Map(found.map(({ node }) => [node.id, node]));
}

test.each(Object.keys(lists))('each field of %s says what it is made from', (type) => {
  const silent = Object.values((schema.getType(type) as GraphQLObjectType).getFields()).filter(
    ({ extensions: { columns, pothosExposedField } }) => !columns && !pothosExposedField,
  );
  expect(silent.map(({ name }) => name)).toEqual([]);
});

test('what is asked for in several places of a document is read together', async () => {
  const query = `{ contractTree(contractId: "${contractId}") { nodes { task { id checkpoints { id } ...F } } } } fragment F on Task { checkpoints { commitSha } }`;
  const statements = await statementsDuring(server, () => api.ask(query));
  expect(statements.filter((sql) => sql.includes('from "checkpoint"'))).toHaveLength(1);
});

test('what the fields of a tree load is loaded once, under whatever names and through whatever fragments', async () => {
  const task = 'task { id where: daemon { name } ...F } ...on TaskTreeNode { task { daemon { hostname } } }';
  const query = `{ contractTree(contractId: "${contractId}") { all: nodes { ${task} } } } fragment F on Task { checkpoints { number } daemon { id } }`;
  let answer: Answer;
  const statements = await statementsDuring(server, async () => {
    answer = await api.ask(query);
  });
  for (const table of ['daemon', 'checkpoint'])
    expect(statements.filter((sql) => sql.includes(`from "${table}"`))).toHaveLength(1);
  const [first] = answer.contractTree.all.filter((node: Answer) => node.task.daemon);
  expect(first.task.daemon).toEqual({
    id: expect.any(String),
    hostname: expect.any(String),
  });
  expect(first.task.where.name).toEqual(expect.any(String));
});

test.each(Object.keys(lists))(
  'each field of %s, and all of them, are in a list what they are of the object alone',
  async (type) => {
    const fields = fieldsOf(type);
    const ids = (await rows(type, 'id')).map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(0);
    const whole = await alone(type, ids);
    for (const field of [...fields, fields.join(' ')])
      for (const [way, row] of ways)
        for (const one of await rows(type, row(type, field)))
          expect(whole.get(one.id), `${field} ${way}`).toMatchObject(one);
  },
);

test('a read without any condition is refused: it would be all of the table', () => {
  const { statements } = server.runtime.db;
  expect(() => rowsOf(statements, Task, {}, 'id')).toThrow('all of task');
  expect(() => rowsOf(statements, Task, { id: [] }, 'id')).not.toThrow();
});
