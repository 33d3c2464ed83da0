import { builder } from '../graphql/builder.ts';
import { EVENT_TYPES, type EventType, OUTPUT_TYPES, type OutputType } from './event-types.ts';

const OUTPUTS: Record<OutputType, string> = {
  ASSISTANT: 'The agent speaks.',
  THOUGHT: 'The agent thinks.',
  USER: 'What the agent was told.',
  TOOL_CALL: 'The agent calls a tool.',
  TOOL_RESULT: 'What a tool gave.',
  SYSTEM: 'Taskmesh about the task.',
  STDOUT: "A line of the agent's standard output.",
  STDERR: "A line of the agent's standard error.",
  RESULT: 'What the agent came to.',
  SUPERVISOR_QUESTION:
    'A question to the person: toolInput has questionId, choices, context, multiSelect, questionType.',
  ERROR: 'Something went wrong.',
};
export const OutputTypeType = builder.enumType('OutputType', {
  description: 'What kind of output an entry is.',
  values: Object.fromEntries(OUTPUT_TYPES.map((type) => [type, { description: OUTPUTS[type] }])) as Record<
    OutputType,
    { description: string }
  >,
});

const EVENTS: Record<EventType, string> = {
  CONTRACT_CREATED: 'The contract was opened.',
  CONTRACT_UPDATED: 'The contract changed.',
  CONTRACT_COMPLETED: 'The contract was completed.',
  TASK_CREATED: 'A task was added.',
  TASK_UPDATED: 'A task changed its status or its assignment.',
  TASK_COMPLETED: 'A task was completed; it comes after the last of its output.',
  TASK_STALLED: 'A task has been silent for 10 minutes.',
  OUTPUT: 'An agent said or did something.',
  QUESTION_ASKED: 'A question was asked.',
  QUESTION_ANSWERED: 'A question was answered.',
  QUESTION_CLOSED: 'A question was withdrawn, or its time was up.',
  CHECKPOINT_CREATED: 'A working copy was saved.',
  MERGE_FINISHED: 'A merge was done, or was found to conflict.',
  MESSAGE_SENT: 'A message was sent to a task.',
  CONVERSATION_REWOUND: 'The conversation of the supervisor was taken back.',
  RED_TEAM_NOTIFIED: 'The red team warned.',
};
export const EventTypeType = builder.enumType('EventType', {
  description: "What an event of a contract's log is about.",
  values: Object.fromEntries(EVENT_TYPES.map((type) => [type, { description: EVENTS[type] }])) as Record<
    EventType,
    { description: string }
  >,
});
