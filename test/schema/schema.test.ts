import { globSync, readFileSync } from 'node:fs';
import { isEnumType, isInputObjectType, isInterfaceType, isObjectType } from 'graphql';
import { expect, test } from 'vitest';
import { eventTypeName } from '../../src/events/event.schema.ts';
import { EVENT_TYPES, OUTPUT_TYPES } from '../../src/events/event-types.ts';
import { ERROR_CODES } from '../../src/platform/errors.ts';
import { schema, schemaText } from '../../src/server/schema.ts';
import { createTestDatabase } from '../support/database.ts';
import { foreignKeysWithoutIndex } from '../support/foreign-keys.ts';

const ours = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'));
const BUILT_IN = ['Boolean', 'Float', 'ID', 'Int', 'String'];

/** Everything of the schema that can have a description, by its path. */
function* described(): Generator<[path: string, description: string | null | undefined]> {
  for (const type of ours) {
    yield [type.name, type.description];
    if (isEnumType(type))
      for (const value of type.getValues()) yield [`${type.name}.${value.name}`, value.description];
    if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields()))
        yield [`${type.name}.${field.name}`, field.description];
    }
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      yield [`${type.name}.${field.name}`, field.description];
      for (const argument of field.args)
        yield [`${type.name}.${field.name}(${argument.name}:)`, argument.description];
    }
  }
}

test('every type, field, argument, input field and enum value has a description', () => {
  const all = [...described()].filter(([path]) => !BUILT_IN.includes(path));
  expect(all.length).toBeGreaterThan(300);
  expect(all.filter(([, description]) => !description?.trim()).map(([path]) => path)).toEqual([]);
});

test('what may be null says what null means', () => {
  const silent: string[] = [];
  for (const type of ours) {
    if (!isObjectType(type) || type === schema.getSubscriptionType() || type === schema.getMutationType())
      continue;
    for (const field of Object.values(type.getFields())) {
      if (!String(field.type).endsWith('!') && !/null|else/.test(String(field.description)))
        silent.push(`${type.name}.${field.name}`);
    }
  }
  expect(silent).toEqual([]);
});

test('each type of event has a GraphQL type that is a ContractEvent', () => {
  const possible = schema.getPossibleTypes(schema.getType('ContractEvent') as never).map(({ name }) => name);
  for (const type of EVENT_TYPES) expect(possible, type).toContain(eventTypeName(type));
  expect(new Set(EVENT_TYPES.map(eventTypeName))).toEqual(new Set(possible));
});

test('the enums of the schema have the values that the log knows', () => {
  const valuesOf = (name: string) => {
    const type = schema.getType(name);
    return isEnumType(type) ? type.getValues().map((value) => value.name) : [];
  };
  expect(valuesOf('EventType')).toEqual([...EVENT_TYPES].sort());
  expect(valuesOf('OutputType')).toEqual([...OUTPUT_TYPES].sort());
});

test('mutations take one input and return a payload of their name', () => {
  const wrong = Object.values(schema.getMutationType()?.getFields() ?? {}).filter(({ name, args, type }) => {
    const title = `${name[0]?.toUpperCase()}${name.slice(1)}`;
    const [input, ...more] = args;
    return (
      more.length > 0 ||
      input?.name !== 'input' ||
      String(input.type) !== `${title}Input!` ||
      String(type) !== `${title}Payload!`
    );
  });
  expect(wrong.map(({ name }) => name)).toEqual([]);
});

test('schema.graphql is what the code builds', () => {
  expect(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8')).toBe(schemaText());
});

test('every error code is explained in the schema, with what to do next, and is used somewhere', () => {
  const type = schema.getType('ErrorCode');
  const values = isEnumType(type) ? type.getValues() : [];
  expect(values.map(({ name }) => name).sort()).toEqual(Object.keys(ERROR_CODES).sort());
  const sources = globSync('src/**/*.ts', { exclude: ['src/platform/errors.ts', 'src/client/generated/**'] });
  const code = sources.map((file) => readFileSync(file, 'utf8')).join();
  for (const { name, description } of values) {
    expect(name).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    // What it means, and what to do: two sentences, or two halves of one.
    expect(description, name).toMatch(/[.;] \S.*\.$/);
    expect(code, name).toContain(`'${name}'`);
  }
  expect(new Set(values.map(({ description }) => description)).size).toBe(values.length);
});

test('every foreign key of the database has an index that begins with its columns', async () => {
  const database = await createTestDatabase();
  const { total, without } = await foreignKeysWithoutIndex(database);
  await database.drop();
  expect(total).toBeGreaterThan(20);
  expect(without).toEqual([]);
});
