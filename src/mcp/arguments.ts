import { z } from 'zod';
import { ArgumentsError } from './failures.ts';
import type { Role, Tool } from './tool.ts';

/** What a property of a tool's input may be: plain kinds only, which every model's API takes. */
export type Property = {
  type: 'string' | 'integer' | 'boolean' | 'array';
  description?: string;
  enum?: string[];
  items?: { type: 'string' };
  default?: string | number | boolean;
  minimum?: number;
  maximum?: number;
};

export type InputSchema = {
  type: 'object';
  properties: Record<string, Property>;
  required?: string[];
  additionalProperties: false;
};

const CONTRACT_ID = z.string().describe('The id of the contract, contract_…; list_contracts shows them.');

/** The input of a tool for whom it is offered to: a person names the contract, which a task's key implies. */
export function inputFor(tool: Tool, role: Role): z.ZodObject {
  return tool.isOfContract && role === 'USER' ? tool.input.extend({ contractId: CONTRACT_ID }) : tool.input;
}

/** An input as JSON Schema, as clients are told it. */
export function schemaOf(input: z.ZodObject): InputSchema {
  const { $schema, ...schema } = z.toJSONSchema(input, { io: 'input' });
  return { ...schema, additionalProperties: false } as unknown as InputSchema;
}

/**
 * Reads a call's arguments. What models get wrong in form only is taken as it is meant: a list as JSON text or as its
 * one element, a number or yes and no in quotes, null for what is left out, a name of a constant in other letters.
 * @throws ArgumentsError naming every argument that does not fit, and what it takes
 */
export function readArguments(
  tool: string,
  input: z.ZodObject,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const { properties, required = [] } = schemaOf(input);
  const meant = Object.fromEntries(
    Object.entries(given)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => [name, asMeant(value, properties[name])]),
  );
  const unknown = Object.keys(meant).filter((name) => !Object.hasOwn(properties, name));
  const missing = required.filter((name) => !Object.hasOwn(meant, name));
  const result = input.safeParse(meant);
  const faults = [
    ...unknown.map((name) => `There is no argument ${name}.`),
    ...missing.map((name) => `${name} is missing: ${properties[name]?.description ?? ''}`),
    ...(result.error?.issues ?? [])
      .filter(({ path }) => path.length > 0 && !missing.includes(String(path[0])))
      .map(({ path, message }) => `${path.join('.')} is not usable: ${message}`),
  ];
  if (result.success && faults.length === 0) return result.data;
  throw new ArgumentsError(
    [`${tool} was not called:`, ...faults, `It takes: ${summary(properties, required)}.`].join('\n'),
  );
}

function asMeant(value: unknown, property: Property | undefined): unknown {
  if (property?.type === 'array' && !Array.isArray(value)) return listOf(value);
  if (typeof value !== 'string') return value;
  if (property?.type === 'integer' && /^-?\d+$/.test(value.trim())) return Number(value);
  if (property?.type === 'boolean' && /^(true|false)$/i.test(value.trim())) return /true/i.test(value);
  const asked = value.trim().toUpperCase().replaceAll(/[- ]/g, '_');
  return property?.enum?.find((constant) => constant.toUpperCase() === asked) ?? value;
}

function listOf(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    const parsed: unknown = JSON.parse(value);
    if (Array.isArray(parsed)) return parsed;
  } catch {
    // It is no JSON: the one element itself.
  }
  return [value];
}

function summary(properties: InputSchema['properties'], required: readonly string[]): string {
  return Object.keys(properties)
    .map((name) => (required.includes(name) ? name : `${name} (optional)`))
    .join(', ');
}
