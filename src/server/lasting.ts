import {
  type GraphQLObjectType,
  getNamedType,
  isObjectType,
  Kind,
  type ValidatedSubscriptionArgs,
} from 'graphql';
import { selectedFields } from '../graphql/selected-fields.ts';

/**
 * Whether a subscription to output, of a task or a contract, asks of tasks only for what never changes (`lasts: true` among
 * the extensions of their fields): then their rows need not be read with each batch. Of other subscriptions it is not said,
 * since resolvers of theirs use tasks for more than what is asked of them.
 */
export function asksOnlyForWhatLasts({
  schema,
  operation,
  fragmentDefinitions: fragments,
}: ValidatedSubscriptionArgs): boolean {
  const [root, ...others] = operation.selectionSet.selections;
  if (root?.kind !== Kind.FIELD || others.length > 0) return false;
  const field = schema.getSubscriptionType()?.getFields()[root.name.value];
  const type = field && getNamedType(field.type);
  if (!field || !isObjectType(type) || type.name !== 'OutputEntry') return false;
  const task = (schema.getType('Task') as GraphQLObjectType).getFields();
  const info = { schema, fragments, returnType: field.type, fieldNodes: [root] };
  const names = [...selectedFields(root, info, 'Task').keys()];
  return names.every(
    (name) => name === '__typename' || name === 'id' || task[name]?.extensions.lasts === true,
  );
}
