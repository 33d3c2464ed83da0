import { describe, expect, it } from 'vitest';
import { isOwnTool } from '../../../src/daemon/agents/acp/own-tools.ts';

const claude = (name: string) => ({
  claudeCode: { toolName: `mcp__${name}__finish_task`, mcpServer: { name, source: 'dynamic' } },
});
const codex = (server: string) => ({ server, tool: 'finish_task', arguments: {} });
const approval = { is_mcp_tool_approval: true };

describe('a request for permission is for a tool of the Taskmesh MCP server', () => {
  it.each([
    ['Claude', { toolCallId: 'c', title: 'x', kind: 'other', _meta: claude('taskmesh') }, undefined],
    ['Codex', { toolCallId: 'c', kind: 'execute', rawInput: codex('taskmesh') }, approval],
    ['Gemini', { toolCallId: 'c', kind: 'other', title: 'finish_task (taskmesh MCP Server)' }, undefined],
  ])('as %s asks for it', (_, call, meta) => {
    expect(isOwnTool(call, meta)).toBe(true);
  });

  it.each([
    ['another server of Claude', { toolCallId: 'c', _meta: claude('other') }, undefined],
    [
      'a command that has its name as title',
      { toolCallId: 'c', kind: 'execute', title: 'finish_task (taskmesh MCP Server)' },
      undefined,
    ],
    [
      'a title with more to it',
      { toolCallId: 'c', kind: 'other', title: 'rm -rf / #finish_task (taskmesh MCP Server)' },
      undefined,
    ],
    ['another server of Codex', { toolCallId: 'c', rawInput: codex('other') }, approval],
    [
      'an input that only looks like it',
      { toolCallId: 'c', kind: 'execute', rawInput: codex('taskmesh') },
      undefined,
    ],
    ['a name in its title', { toolCallId: 'c', title: 'mcp__taskmesh__finish_task; rm -rf /' }, undefined],
  ])('not as %s', (_, call, meta) => {
    expect(isOwnTool(call, meta)).toBe(false);
  });
});
