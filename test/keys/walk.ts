import {
  type GraphQLArgument,
  type GraphQLField,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { schema } from '../../src/server/schema.ts';

/**
 * Values for arguments that a field inside of an answer must be given. Empty: there is no such field. One that is added
 * needs a value here, or what is behind it would not be looked at.
 */
const REQUIRED: Readonly<Record<string, string>> = {};

/** What stands between the name of a type and that of its field in the names by which an answer calls its values. */
const JOINT = '__';

/**
 * Everything that can be asked for below a type, each type once on every way there. Each value is called
 * `Type__field`, so that an answer says what of it was given.
 * @param levels how far down objects are followed; of those further down is asked what they say of themselves
 */
export function everythingBelow(
  typeName: string,
  levels = Number.POSITIVE_INFINITY,
  way: readonly string[] = [],
): string {
  const type = schema.getType(typeName);
  if (isAbstractType(type)) {
    const possible = schema.getPossibleTypes(type).filter(({ name }) => !way.includes(name));
    return possible.map(({ name }) => `... on ${name} { ${everythingBelow(name, levels, way)} }`).join(' ');
  }
  if (!isObjectType(type)) throw new Error(`${typeName} is no type with fields`);
  const fields = Object.values(type.getFields()).map((field) => {
    const name = `${typeName}${JOINT}${field.name}: ${field.name}${argumentsOf(typeName, field)}`;
    const below = getNamedType(field.type);
    if (!isCompositeType(below)) return name;
    if (below.name === typeName || levels === 0) return `${name} { ${leavesOf(below.name)} }`;
    if (way.includes(below.name)) return '';
    const selection = everythingBelow(below.name, levels - 1, [...way, typeName]);
    return selection.trim() === '' ? '' : `${name} { ${selection} }`;
  });
  return `__typename ${fields.join(' ')}`;
}

/** What an object says of itself, without others. */
function leavesOf(typeName: string): string {
  const type = schema.getType(typeName);
  if (isAbstractType(type))
    return `__typename ${schema
      .getPossibleTypes(type)
      .map(({ name }) => `... on ${name} { ${leavesOf(name)} }`)
      .join(' ')}`;
  const fields = isObjectType(type) ? Object.values(type.getFields()) : [];
  const leaves = fields
    .filter((field) => !isCompositeType(getNamedType(field.type)))
    .map((field) => `${typeName}${JOINT}${field.name}: ${field.name}${argumentsOf(typeName, field)}`);
  return `__typename ${leaves.join(' ')}`;
}

function argumentsOf(parent: string, field: GraphQLField<unknown, unknown>): string {
  const needed = field.args.filter(isNeeded).map(({ name }) => {
    const value = REQUIRED[`${parent}.${field.name}.${name}`];
    if (value === undefined)
      throw new Error(`${parent}.${field.name} needs a value for ${name} in test/keys/walk.ts`);
    return `${name}: ${value}`;
  });
  return needed.length > 0 ? `(${needed.join(', ')})` : '';
}

function isNeeded(argument: GraphQLArgument): boolean {
  return (
    isNonNullType(argument.type) && argument.defaultValue === undefined && argument.default === undefined
  );
}

/** The fields that were given a value, as `Type.field`, of an answer to a question of `everythingBelow`. */
export function* givenIn(answer: unknown): Generator<string> {
  if (Array.isArray(answer)) for (const each of answer) yield* givenIn(each);
  if (answer === null || typeof answer !== 'object' || Array.isArray(answer)) return;
  for (const [name, value] of Object.entries(answer)) {
    const [type, field] = name.split(JOINT);
    if (type && field && value !== null && !(Array.isArray(value) && value.length === 0))
      yield `${type}.${field}`;
    yield* givenIn(value);
  }
}
