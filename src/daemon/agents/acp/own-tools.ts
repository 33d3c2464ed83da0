import { z } from 'zod';
import type { ToolCallUpdate } from './update-schema.ts';

/*
 * The tools of the Taskmesh MCP server, which we put into each session. They act at the server with the agent's own key,
 * which may do no more than the agent may anyhow: a person who was asked for each would be asked all day. The agents
 * name them in different ways; none of these can be had by the wording of a command.
 */

const MCP_SERVER = 'taskmesh';

const claudeSchema = z.object({
  claudeCode: z.object({ mcpServer: z.object({ name: z.literal(MCP_SERVER) }) }),
});
/** Of Codex: what the call is given, and a mark on the request. */
const codexInputSchema = z.object({
  server: z.literal(MCP_SERVER),
  tool: z.string(),
  arguments: z.unknown(),
});
const codexRequestSchema = z.object({ is_mcp_tool_approval: z.literal(true) });
/** Of Gemini's title. A shell command is of the kind `execute`. */
const GEMINI_TITLE = /^\w+ \(taskmesh MCP Server\)$/;

/** Whether a request for permission is for one of them. */
export function isOwnTool(call: ToolCallUpdate, requestMeta: unknown): boolean {
  if (claudeSchema.safeParse(call._meta).success) return true;
  if (codexRequestSchema.safeParse(requestMeta).success && codexInputSchema.safeParse(call.rawInput).success)
    return true;
  return call.kind === 'other' && GEMINI_TITLE.test(call.title ?? '');
}
