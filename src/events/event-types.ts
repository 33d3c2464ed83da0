/** What the log of a contract records, and the shape of `data` for each. Ids in data are TypeIDs. */
export const EVENT_TYPES = [
  'CONTRACT_CREATED',
  'CONTRACT_UPDATED',
  'CONTRACT_COMPLETED',
  'TASK_CREATED',
  'TASK_UPDATED',
  'TASK_COMPLETED',
  'TASK_STALLED',
  'OUTPUT',
  'QUESTION_ASKED',
  'QUESTION_ANSWERED',
  'QUESTION_CLOSED',
  'CHECKPOINT_CREATED',
  'MERGE_FINISHED',
  'MESSAGE_SENT',
  'CONVERSATION_REWOUND',
  'RED_TEAM_NOTIFIED',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export const OUTPUT_TYPES = [
  'ASSISTANT',
  'THOUGHT',
  'USER',
  'TOOL_CALL',
  'TOOL_RESULT',
  'SYSTEM',
  'STDOUT',
  'STDERR',
  'RESULT',
  'SUPERVISOR_QUESTION',
  'ERROR',
] as const;
export type OutputType = (typeof OUTPUT_TYPES)[number];

export interface OutputData {
  attempt: number;
  /** The task's role, so that the output of one role is found without the tasks. */
  role: string;
  type: OutputType;
  content: string;
  messageId?: string | null;
  toolName?: string | null;
  toolInput?: unknown;
  isError?: boolean;
  isPartial?: boolean;
  costUsd?: number | null;
  durationMs?: number | null;
  /** ISO 8601, by the daemon's clock. */
  createdAt: string;
}

export interface ChangeData {
  updatedFields: string[];
  updatedBy: string;
}

export interface TaskChangeData extends ChangeData {
  status: string;
  version: number;
}

export interface CompletionData {
  status: string;
  outputSummary: string | null;
  errorMessage: string | null;
}

export interface MergeData {
  outcome: 'MERGED' | 'UP_TO_DATE' | 'CONFLICT';
  targetBranch: string;
  commitSha: string | null;
  message: string;
}

export const SEVERITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface NotificationData {
  severity: Severity;
  message: string;
  /** The task it is about. */
  aboutTaskId: string | null;
  file: string | null;
  context: string | null;
}

export interface EventData {
  CONTRACT_CREATED: ChangeData;
  CONTRACT_UPDATED: ChangeData;
  CONTRACT_COMPLETED: ChangeData;
  TASK_CREATED: TaskChangeData;
  TASK_UPDATED: TaskChangeData;
  TASK_COMPLETED: CompletionData;
  TASK_STALLED: Record<string, never>;
  OUTPUT: OutputData;
  QUESTION_ASKED: { questionId: string };
  QUESTION_ANSWERED: { questionId: string };
  QUESTION_CLOSED: { questionId: string };
  CHECKPOINT_CREATED: { checkpointId: string };
  MERGE_FINISHED: MergeData;
  MESSAGE_SENT: { messageId: string };
  CONVERSATION_REWOUND: {
    messagesRemoved: number;
    newMessageCount: number;
    undoCheckpointId: string | null;
  };
  RED_TEAM_NOTIFIED: NotificationData;
}

/** An event about to be appended. */
export type NewEvent = {
  [T in EventType]: { type: T; taskId: string | null; data: EventData[T] };
}[EventType];

/** An event as it stands in the log. Its type decides the shape of `data`. */
export type LoggedEvent = {
  [T in EventType]: {
    contractId: string;
    sequence: number;
    type: T;
    taskId: string | null;
    data: EventData[T];
    occurredAt: Date;
  };
}[EventType];

/** An event of one type. */
export type EventOf<T extends EventType> = Extract<LoggedEvent, { type: T }>;
