import { ContractEvent, registerEventTypes } from '../events/event.schema.ts';
import { type EventOf, type LoggedEvent, SEVERITIES, type Severity } from '../events/event-types.ts';
import { builder } from '../graphql/builder.ts';
import { REQUEST_ID } from '../graphql/request-id.ts';
import { Task } from '../tasks/task.entity.ts';
import { TaskType } from '../tasks/task.schema.ts';
import { notifySupervisor } from './notify-supervisor.ts';

const MEANINGS: Record<Severity, string> = {
  CRITICAL: 'Security, loss of data, something that breaks what worked.',
  HIGH: 'A departure from the plan, a major flaw in quality.',
  MEDIUM: 'Missing tests, a weak solution.',
  LOW: 'Anything smaller; sparingly.',
};
const SeverityType = builder.enumType('Severity', {
  description: 'How grave a warning of the red team is.',
  values: Object.fromEntries(
    SEVERITIES.map((severity) => [severity, { description: MEANINGS[severity] }]),
  ) as Record<Severity, { description: string }>,
});

const NotifySupervisorInput = builder.inputType('NotifySupervisorInput', {
  description: 'A warning.',
  fields: (t) => ({
    message: t.string({ required: true, description: 'What is wrong, why it matters, what would mend it.' }),
    severity: t.field({ type: SeverityType, required: true, description: 'How grave it is.' }),
    taskId: t.id({ description: 'The task it is about.' }),
    file: t.string({ description: 'The file it is about.' }),
    context: t.string({ description: 'What one should see to understand it: lines of code, of output.' }),
    requestId: t.string({ description: REQUEST_ID }),
  }),
});
const NotifySupervisorPayload = builder
  .objectRef<{ duplicate: boolean }>('NotifySupervisorPayload')
  .implement({
    description: 'What became of a warning.',
    fields: (t) => ({
      duplicate: t.exposeBoolean('duplicate', {
        description: 'Whether the same was said within the hour: then it was dropped.',
      }),
    }),
  });

builder.mutationField('notifySupervisor', (t) =>
  t.field({
    type: NotifySupervisorPayload,
    description:
      'The red team warns: the supervisor gets a message, the person an event. At most 30 an hour below CRITICAL: RATE_LIMITED. For the red team.',
    args: { input: t.arg({ type: NotifySupervisorInput, required: true, description: 'The warning.' }) },
    resolve: (_, { input }, context) => notifySupervisor(context.operation(), input),
  }),
);

builder.objectRef<EventOf<'RED_TEAM_NOTIFIED'>>('RedTeamNotifiedEvent').implement({
  description: 'The red team warned.',
  interfaces: [ContractEvent],
  isTypeOf: (value) => (value as LoggedEvent).type === 'RED_TEAM_NOTIFIED',
  fields: (t) => ({
    severity: t.field({
      type: SeverityType,
      description: 'How grave it is.',
      resolve: ({ data }) => data.severity,
    }),
    message: t.string({ description: 'What is wrong.', resolve: ({ data }) => data.message }),
    task: t.field({
      type: TaskType,
      nullable: true,
      description: 'The task it is about; null when about none in particular.',
      resolve: ({ data }, _, { loaders }) => (data.aboutTaskId ? loaders.get(Task, data.aboutTaskId) : null),
    }),
    file: t.string({
      nullable: true,
      description: 'The file it is about; null when about none.',
      resolve: ({ data }) => data.file,
    }),
    context: t.string({
      nullable: true,
      description: 'What one should see to understand it; null when nothing was given.',
      resolve: ({ data }) => data.context,
    }),
  }),
});
registerEventTypes('RedTeamNotifiedEvent', ['RED_TEAM_NOTIFIED']);
