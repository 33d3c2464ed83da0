import type { CreateElicitationRequest, CreateElicitationResponse } from '@agentclientprotocol/sdk/unstable';
import { z } from 'zod';
import type { PersonAnswer, PersonQuestion } from '../conversation.ts';

type Ask = (question: PersonQuestion, signal: AbortSignal) => Promise<PersonAnswer | null>;
type Content = Record<string, string | number | boolean | string[]>;

const DECLINE = 'Decline';
const SKIP = 'Leave this out';
const OPENED = 'I have opened it';
/** How often a person is asked again who gave what is no number. */
const TRIES = 3;
const MAX_OFFERED = 40;

const titledSchema = z.object({ const: z.string(), title: z.string() });
const fieldSchema = z.object({
  type: z.string(),
  title: z.string().nullish(),
  description: z.string().nullish(),
  enum: z.array(z.string()).nullish(),
  oneOf: z.array(titledSchema).nullish(),
  items: z.object({ enum: z.array(z.string()).nullish(), anyOf: z.array(titledSchema).nullish() }).nullish(),
  default: z.unknown().optional(),
});
type Field = z.infer<typeof fieldSchema>;

/** The person does not want to answer. */
class Declined extends Error {
  override readonly name = 'Declined';
}
/** The person did not answer. */
class Unanswered extends Error {
  override readonly name = 'Unanswered';
}

/** Puts what an agent wants to know to the person: one question a field of its form. */
export async function elicit(
  ask: Ask,
  request: CreateElicitationRequest,
  signal: AbortSignal,
): Promise<CreateElicitationResponse> {
  try {
    if (request.mode === 'form') return { action: 'accept', content: await form(ask, request, signal) };
    if (request.mode === 'url') return await visit(ask, request, signal);
    return { action: 'cancel' };
  } catch (error) {
    if (error instanceof Declined) return { action: 'decline' };
    if (error instanceof Unanswered) return { action: 'cancel' };
    throw error;
  }
}

async function visit(
  ask: Ask,
  { message, url }: CreateElicitationRequest & { url?: unknown },
  signal: AbortSignal,
): Promise<CreateElicitationResponse> {
  const question = `${message}\n\nThe agent asks you to open this address: ${String(url)}`;
  const answer = await ask({ question, choices: [OPENED, DECLINE] }, signal);
  if (answer === null) throw new Unanswered();
  return { action: answer.choices.includes(OPENED) ? 'accept' : 'decline' };
}

async function form(
  ask: Ask,
  request: CreateElicitationRequest & { requestedSchema?: unknown },
  signal: AbortSignal,
): Promise<Content> {
  const schema = z
    .object({
      properties: z.record(z.string(), fieldSchema).default({}),
      required: z.array(z.string()).nullish(),
    })
    .parse(request.requestedSchema);
  const content: Content = {};
  const fields = Object.entries(schema.properties);
  for (const [name, field] of fields) {
    const isRequired = schema.required?.includes(name) ?? false;
    const label = field.title ?? name;
    const question = fields.length === 1 ? request.message : `${request.message}\n\n${label}`;
    const value = await askField(ask, { question, field, isRequired }, signal);
    if (value !== undefined) content[name] = value;
  }
  return content;
}

interface Asked {
  readonly question: string;
  readonly field: Field;
  readonly isRequired: boolean;
}

async function askField(ask: Ask, asked: Asked, signal: AbortSignal): Promise<Content[string] | undefined> {
  const { field, isRequired } = asked;
  const values = valuesOf(field);
  // Too many to offer: the person names one, which its agent has told of in its message.
  const offered = values.size <= MAX_OFFERED ? [...values.keys()] : [];
  const choices = [...offered, ...(isRequired ? [] : [SKIP]), DECLINE];
  const hint = hintOf(field);
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const again = attempt === 1 ? '' : `\n\n(The last answer was not ${hint}.)`;
    const answer = await ask(
      {
        question: `${asked.question}${again}`,
        choices,
        context: field.description ?? undefined,
        multiSelect: field.type === 'array' && offered.length > 0,
      },
      signal,
    );
    if (answer === null) throw new Unanswered();
    if (answer.choices.includes(DECLINE)) throw new Declined();
    if (answer.choices.includes(SKIP)) return defaultOf(field);
    const value = chosenOf(field, values, answer);
    if (value !== undefined) return value;
  }
  throw new Declined();
}

/** What each choice stands for. */
function valuesOf({ type, enum: plain, oneOf, items }: Field): Map<string, string | boolean> {
  if (type === 'boolean')
    return new Map([
      ['Yes', true],
      ['No', false],
    ] as const);
  const titled = oneOf ?? items?.anyOf;
  if (titled) return new Map(titled.map((option) => [option.title, option.const]));
  return new Map((plain ?? items?.enum ?? []).map((value) => [value, value]));
}

function chosenOf(
  { type }: Field,
  values: ReadonlyMap<string, string | boolean>,
  { choices, text }: PersonAnswer,
): Content[string] | undefined {
  if (type === 'array') {
    const taken = choices.length > 0 ? choices : (text?.split(',') ?? []).map((name) => name.trim());
    const known = taken.filter((name) => values.has(name)).map((name) => String(values.get(name)));
    return known.length === taken.length && known.length > 0 ? known : undefined;
  }
  const [choice] = choices;
  if (choice !== undefined) return values.get(choice);
  if (text === null) return undefined;
  if (type === 'number' || type === 'integer') {
    const value = Number(text.trim());
    const fits =
      text.trim() !== '' && Number.isFinite(value) && (type === 'number' || Number.isInteger(value));
    return fits ? value : undefined;
  }
  if (values.size === 0) return text;
  const wanted = text.trim().toLowerCase();
  return [...values].find(([name]) => name.toLowerCase() === wanted)?.[1];
}

function hintOf({ type }: Field): string {
  if (type === 'number') return 'a number';
  return type === 'integer' ? 'a whole number' : 'one of the choices';
}

function defaultOf(field: Field): Content[string] | undefined {
  const value = z
    .union([z.string(), z.number(), z.boolean(), z.array(z.string())])
    .optional()
    .catch(undefined)
    .parse(field.default ?? undefined);
  return value;
}
