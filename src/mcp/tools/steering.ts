import { z } from 'zod';
import {
  CancelTaskDocument,
  PauseTaskDocument,
  ResumeTaskDocument,
  RetryTaskDocument,
  SendMessageDocument,
} from '../../client/generated/graphql.ts';
import { SUPERVISION, type Tool, tool } from '../tool.ts';
import { TASK_ID } from './tasks.ts';

const CANCEL_REASON = z.string().optional().describe('Why, for the record.');

export const cancelTask = tool({
  name: 'cancel_task',
  title: 'Cancel a task',
  description: 'Stops a task for good. What it did so far stays in its working copy.',
  roles: SUPERVISION,
  effect: 'destroys',
  input: z.object({ taskId: TASK_ID, reason: CANCEL_REASON }),
  async run({ taskId, reason }, call) {
    const input = { taskId, reason, requestId: call.requestId };
    const { cancelTask } = await call.ask(CancelTaskDocument, { input });
    const hint =
      cancelTask.task.status === 'CANCELLING'
        ? 'Its machine is stopping it: wait_for_tasks tells when.'
        : null;
    return { data: { taskId, status: cancelTask.task.status, hint } };
  },
});

export const retryTask = tool({
  name: 'retry_task',
  title: 'Start a task again',
  description:
    'Starts a task again that FAILED or was CANCELLED, with the same plan, from its last checkpoint. For another plan start a new one with spawn_task.',
  roles: SUPERVISION,
  effect: 'changes',
  input: z.object({ taskId: TASK_ID }),
  async run({ taskId }, call) {
    const input = { taskId, requestId: call.requestId };
    const { retryTask } = await call.ask(RetryTaskDocument, { input });
    return { data: { taskId, status: retryTask.task.status } };
  },
});

export const pauseTask: Tool = tool({
  name: 'pause_task',
  title: 'Pause a task',
  description: 'Holds a running task where it is and saves its working copy; resume_task lets it go on.',
  roles: SUPERVISION,
  effect: 'changes',
  input: z.object({ taskId: TASK_ID }),
  async run({ taskId }, call) {
    const input = { taskId, requestId: call.requestId };
    const { pauseTask } = await call.ask(PauseTaskDocument, { input });
    return { data: { taskId, status: pauseTask.task.status } };
  },
});

export const resumeTask = tool({
  name: 'resume_task',
  title: 'Let a paused task go on',
  description: 'Lets a task go on that was paused.',
  roles: SUPERVISION,
  effect: 'changes',
  input: z.object({ taskId: TASK_ID }),
  async run({ taskId }, call) {
    const input = { taskId, requestId: call.requestId };
    const { resumeTask } = await call.ask(ResumeTaskDocument, { input });
    return { data: { taskId, status: resumeTask.task.status } };
  },
});

export const sendMessage = tool({
  name: 'send_message',
  title: 'Send a message to a task',
  description:
    'Tells the agent of a task something while it works: a correction, a fact it lacks. It reads it when its turn ends.',
  roles: SUPERVISION,
  effect: 'changes',
  input: z.object({ taskId: TASK_ID, message: z.string().describe('What to tell it.') }),
  async run({ taskId, message }, call) {
    const input = { taskId, content: message, requestId: call.requestId };
    const { sendMessage } = await call.ask(SendMessageDocument, { input });
    return { data: { taskId, messageNumber: sendMessage.message.number } };
  },
});
