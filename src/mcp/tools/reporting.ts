import { z } from 'zod';
import { FinishTaskDocument, NotifySupervisorDocument } from '../../client/generated/graphql.ts';
import { tool } from '../tool.ts';

export const finishTask = tool({
  name: 'finish_task',
  title: 'Say that your task is done',
  description:
    'Says that your task is done, or that it cannot be. Call it once, as your last call, then end your turn: the task counts as ended when your turn has.',
  roles: ['WORK'],
  effect: 'destroys',
  input: z.object({
    summary: z
      .string()
      .describe('For the supervisor: what you did, what you left out, what they should look at.'),
    success: z.boolean().default(true).describe('false: the task is not done, and counts as FAILED.'),
  }),
  async run({ summary, success }, call) {
    const { finishTask } = await call.ask(FinishTaskDocument, { input: { summary, success } });
    return { data: { taskId: finishTask.task.id, noted: true, hint: 'Now end your turn.' } };
  },
});

export const notifySupervisor = tool({
  name: 'notify_supervisor',
  title: 'Warn the supervisor',
  description:
    'Reports a problem: the supervisor gets a message, the person sees it. Say what is wrong, where, why it matters and what would mend it. The same again within an hour is dropped (duplicate: true); below CRITICAL at most 30 an hour.',
  roles: ['RED_TEAM'],
  effect: 'changes',
  input: z.object({
    message: z.string().describe('What is wrong, why it matters, what would mend it.'),
    severity: z
      .enum(['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'])
      .describe(
        'CRITICAL: security, loss of data, something that breaks what worked. HIGH: a departure from the plan, a major flaw. MEDIUM: missing tests, a weak solution. LOW: sparingly.',
      ),
    taskId: z.string().optional().describe('The task it is about.'),
    file: z.string().optional().describe('The file it is about.'),
    context: z
      .string()
      .optional()
      .describe('What one should see to understand it: lines of code, of output.'),
  }),
  async run(input, call) {
    const { notifySupervisor } = await call.ask(NotifySupervisorDocument, {
      input: { ...input, requestId: call.requestId },
    });
    const hint = notifySupervisor.duplicate ? 'You said the same within the hour: it was dropped.' : null;
    return { data: { duplicate: notifySupervisor.duplicate, hint } };
  },
});
