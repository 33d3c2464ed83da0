import type { SpawnTaskPayload } from '../platform/protocol.ts';
import type { Conversation } from './agents/conversation.ts';
import { askPerson } from './asking.ts';
import type { RunContext } from './run-context.ts';
import type { TaskRun } from './task-run.ts';
import { ToolKeyApi } from './tool-key-api.ts';

/** What an agent that has conversations is given by its run. */
export function conversationOf(
  run: TaskRun,
  context: RunContext,
  task: SpawnTaskPayload,
  toolKey: string | null,
): Conversation {
  const { api, serverUrl, cliPath, logger, signal, version } = context;
  const { taskId, attempt, contractId } = task;
  const key = toolKey ?? '';
  return {
    task,
    server: new ToolKeyApi({ serverUrl, toolKey: key, contractId, logger, signal }),
    mcpServer: {
      name: 'taskmesh',
      command: cliPath.execPath,
      args: [cliPath.entry, 'mcp'],
      env: {
        TASKMESH_URL: serverUrl,
        TASKMESH_TOOL_KEY: key,
        TASKMESH_TASK_ID: taskId,
        TASKMESH_CONTRACT_ID: contractId,
      },
    },
    clientVersion: version,
    async ask(question, ends) {
      // What it is about comes before it in the log.
      await run.sender.flush();
      return askPerson(api, { taskId, attempt }, question, ends);
    },
    onSession: (sessionId) => run.sessionIs(sessionId),
    onUsage: (usage) => run.sender.used(usage),
    onSaid: (text) => run.said(text),
    rest: (as) => run.park(as),
    goOn: () => run.unpark(),
  };
}
