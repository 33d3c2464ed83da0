/** To whom something of a type may be given at all. What else there is, operations.ts says of the way there. */
export type Audience =
  | 'everyone'
  | 'owner'
  | 'contract'
  | 'holder'
  | 'inspect'
  | 'supervise'
  | 'task'
  | 'daemon';

export type Role = 'user' | 'supervisor' | 'workTask' | 'redTeam' | 'daemon';

/** Who belongs to an audience: roles of those whose it is, or, with `contract`, of those in whose contract it is. */
export const AUDIENCES: Readonly<Record<Audience, readonly Role[]>> = {
  everyone: ['user', 'supervisor', 'workTask', 'redTeam', 'daemon'],
  owner: ['user'],
  contract: ['user', 'supervisor', 'workTask', 'redTeam'],
  // As `contract`, and the daemon that has a task of it: it hands that task's key out, which may read all of this.
  holder: ['user', 'supervisor', 'workTask', 'redTeam', 'daemon'],
  inspect: ['user', 'supervisor', 'redTeam'],
  supervise: ['user', 'supervisor'],
  task: ['supervisor', 'workTask', 'redTeam'],
  daemon: ['daemon'],
};

/**
 * Every type with fields. Its fields have its audience, unless FIELDS says otherwise. Connections, edges and payloads
 * have that of what they carry, and events that of `ContractEvent`.
 */
export const TYPES: Readonly<Record<string, Audience>> = {
  Viewer: 'everyone',
  Owner: 'everyone',
  Daemon: 'everyone',
  Task: 'holder',
  Worktree: 'holder',
  Contract: 'holder',
  ContractEvent: 'contract',
  ContractTree: 'contract',
  TaskTreeNode: 'contract',
  TaskStatusCount: 'contract',
  Repository: 'holder',
  Document: 'holder',
  Checkpoint: 'holder',
  Question: 'holder',
  ConversationMessage: 'contract',
  MergeConflict: 'supervise',
  TaskDiff: 'inspect',
  DiffFile: 'inspect',
  WorktreeFile: 'inspect',
  WaitResult: 'contract',
  ResumedFrom: 'owner',
  PageInfo: 'contract',
  TaskMessage: 'contract',
  HistoryEntry: 'owner',
  Key: 'owner',
  Identity: 'owner',
  DaemonCommand: 'daemon',
  DaemonTask: 'daemon',
  DaemonContract: 'daemon',
};

/** Fields for fewer than their type. */
export const FIELDS: Readonly<Record<string, Audience>> = {
  'Viewer.task': 'task',
  'Viewer.daemon': 'daemon',
};

/** Types that a role may see, and that the tests have no way to make it see. */
export const KEPT: Partial<Readonly<Record<Role, readonly string[]>>> = {
  // Resuming takes a supervisor that has ended, and a daemon's question one of its own tasks.
  user: ['ResumedFrom'],
  daemon: ['Question'],
};

/** Fields that nothing in furnish.ts fills, so that nobody was given them. A new field is filled there, or stands here. */
export const UNSEEN: readonly string[] = [
  'Checkpoint.skippedPaths',
  'Contract.redTeamAgent',
  'Contract.summary',
  'ConversationMessage.removedAt',
  ...[
    'contract',
    'eventType',
    'messagesRemoved',
    'newMessageCount',
    'occurredAt',
    'sequence',
    'undoCheckpoint',
  ].map((field) => `ConversationRewoundEvent.${field}`),
  'Daemon.removedAt',
  'DaemonContract.endedAt',
  'DiffFile.oldPath',
  'MergeConflict.tasks',
  'MergeFinishedEvent.commitSha',
  ...['phase', 'lastActivity', 'messageCount'].map((field) => `ResumedFrom.${field}`),
  'Task.checkpointSha',
  'TaskDiff.checkpoint',
  ...['contract', 'eventType', 'occurredAt', 'sequence', 'task'].map((field) => `TaskStalledEvent.${field}`),
  'WaitResult.errorMessage',
  'WorktreeFile.checkpoint',
];
