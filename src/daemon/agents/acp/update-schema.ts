import { z } from 'zod';

/*
 * What we read of the updates of a session. More forgiving than the protocol's own schema: agents are of many
 * versions, and a field that is wrong must not cost what stands beside it.
 */

const text = z.string();
const optionalText = text.nullish().catch(undefined);

const contentBlockSchema = z.union([
  z.object({ type: z.literal('text'), text }),
  z.object({ type: z.literal('resource_link'), uri: text }),
  z.object({ type: z.literal('resource'), resource: z.object({ uri: text, text: optionalText }) }),
  z.object({ type: text, mimeType: optionalText }),
]);
export type ContentBlock = z.infer<typeof contentBlockSchema>;

const toolContentSchema = z.union([
  z.object({ type: z.literal('content'), content: contentBlockSchema }),
  z.object({ type: z.literal('diff'), path: text, oldText: optionalText, newText: text }),
  z.object({ type: text }),
]);
export type ToolContent = z.infer<typeof toolContentSchema>;

const toolCallSchema = z.object({
  toolCallId: text,
  title: optionalText,
  /** The tool's own name; else what kind of tool it is. */
  name: optionalText,
  kind: optionalText,
  status: z.enum(['pending', 'in_progress', 'completed', 'failed']).nullish().catch(undefined),
  content: z.array(toolContentSchema).nullish().catch(undefined),
  locations: z
    .array(z.object({ path: text, line: z.number().nullish() }))
    .nullish()
    .catch(undefined),
  rawInput: z.unknown().optional(),
  rawOutput: z.unknown().optional(),
  _meta: z.unknown().optional(),
});
/** A tool call, or what has changed of one. */
export type ToolCallUpdate = z.infer<typeof toolCallSchema>;

const chunkSchema = z.object({ content: contentBlockSchema, messageId: optionalText });
const costSchema = z.object({ amount: z.number(), currency: text });

const updateSchema = z.discriminatedUnion('sessionUpdate', [
  chunkSchema.extend({ sessionUpdate: z.literal('agent_message_chunk') }),
  chunkSchema.extend({ sessionUpdate: z.literal('agent_thought_chunk') }),
  toolCallSchema.extend({ sessionUpdate: z.literal('tool_call') }),
  toolCallSchema.extend({ sessionUpdate: z.literal('tool_call_update') }),
  z.object({
    sessionUpdate: z.literal('plan'),
    entries: z.array(z.object({ content: text, status: text.catch('pending') })),
  }),
  z.object({ sessionUpdate: z.literal('usage_update'), cost: costSchema.nullish().catch(undefined) }),
  z.object({ sessionUpdate: z.literal('current_mode_update'), currentModeId: text }),
]);
export type SessionUpdate = z.infer<typeof updateSchema>;

const KNOWN = new Set<unknown>(
  updateSchema.options.map((option) => option.shape.sessionUpdate.value satisfies string),
);
const envelopeSchema = z.object({
  sessionId: text,
  update: z.looseObject({ sessionUpdate: text }),
});

/**
 * Reads the parameters of a `session/update`. @returns null for a kind that we have no use for
 * @throws z.ZodError for what is not as the protocol says
 */
export function readUpdate(params: unknown): { sessionId: string; update: SessionUpdate } | null {
  const { sessionId, update } = envelopeSchema.parse(params);
  if (!KNOWN.has(update.sessionUpdate)) return null;
  return { sessionId, update: updateSchema.parse(update) };
}

/** A tool call as a permission request shows it. @throws z.ZodError */
export function readToolCall(value: unknown): ToolCallUpdate {
  return toolCallSchema.parse(value);
}
