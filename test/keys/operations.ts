/** What the operations of the table are about: all of one owner, in one contract. */
export interface World {
  readonly contractId: string;
  /** A running work task of the contract, which is not the one whose key calls. */
  readonly taskId: string;
  /** A work task of the contract that is done. */
  readonly finishedId: string;
  readonly questionId: string;
  readonly daemonId: string;
  readonly commandId: string;
  readonly worktreeId: string;
  readonly keyId: string;
  /** Of the daemon. */
  readonly epoch: number;
}

/** Those who call, besides the callers without a valid key, who get UNAUTHENTICATED everywhere. */
export const CALLERS = [
  'user',
  'supervisor',
  'workTask',
  'redTeam',
  'daemon',
  'otherSupervisor',
  'otherDaemon',
  'otherOwner',
  'theirSupervisor',
  'otherOwnersDaemon',
] as const;
export type Caller = (typeof CALLERS)[number];

/** Who each of them is, seen from what is asked for. */
export const WHO: Readonly<Record<Caller, string>> = {
  user: 'its owner, with a user key or a token',
  supervisor: "its contract's supervisor",
  workTask: 'a work task of its contract',
  redTeam: "its contract's red team",
  daemon: 'the daemon that has it',
  otherSupervisor: 'the supervisor of another contract of the owner',
  otherDaemon: 'another daemon of the owner',
  otherOwner: 'another owner',
  theirSupervisor: "another owner's supervisor",
  otherOwnersDaemon: "another owner's daemon",
};

export type Outcome =
  | 'allowed'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'CONTRACT_MISMATCH'
  | 'NOT_SUPERVISOR'
  | 'INVALID_INPUT';
export type Expected = Readonly<Record<Caller, Outcome>>;

function everybody(outcome: Outcome): Expected {
  return Object.fromEntries(CALLERS.map((caller) => [caller, outcome])) as Expected;
}
const allDaemons = (outcome: Outcome) => ({
  daemon: outcome,
  otherDaemon: outcome,
  otherOwnersDaemon: outcome,
});
const allTasks = (outcome: Outcome) => ({
  supervisor: outcome,
  workTask: outcome,
  redTeam: outcome,
  otherSupervisor: outcome,
  theirSupervisor: outcome,
});

/** Anybody with a key, about themselves. */
const everyone = everybody('allowed');
/** Reading the contract: the owner and the contract's tasks. */
const read: Expected = {
  ...everyone,
  ...allDaemons('FORBIDDEN'),
  otherSupervisor: 'CONTRACT_MISMATCH',
  otherOwner: 'NOT_FOUND',
  theirSupervisor: 'NOT_FOUND',
};
/** What a supervisor does: the owner and the contract's supervisor. */
const supervise: Expected = { ...read, workTask: 'NOT_SUPERVISOR', redTeam: 'NOT_SUPERVISOR' };
/** Diffs and files: as reading, without work tasks. */
const inspect: Expected = { ...read, workTask: 'FORBIDDEN' };
/** Saving the working copy of another task: a work task may save its own. */
const save: Expected = { ...read, workTask: 'FORBIDDEN', redTeam: 'FORBIDDEN' };
/** A question: what a supervisor does, and a daemon about its own agents' questions. */
const question: Expected = { ...supervise, ...allDaemons('NOT_FOUND') };
/** Asking one: a daemon names a task of its own, and none is named here. */
const asking: Expected = { ...supervise, ...allDaemons('INVALID_INPUT') };
/** The red team only. */
const redTeam: Expected = { ...everybody('FORBIDDEN'), redTeam: 'allowed' };
/** The owner only; something of the owner is named. */
const ownObject: Expected = {
  ...everyone,
  ...allDaemons('FORBIDDEN'),
  ...allTasks('FORBIDDEN'),
  otherOwner: 'NOT_FOUND',
};
/** The owner, and the daemon about itself. */
const ownDaemon: Expected = { ...ownObject, daemon: 'allowed' };
/** Any owner, each about what they have. */
const own: Expected = { ...ownObject, otherOwner: 'allowed' };
/** A task about itself. */
const attend: Expected = {
  ...everyone,
  ...allDaemons('FORBIDDEN'),
  user: 'FORBIDDEN',
  otherOwner: 'FORBIDDEN',
};
/** Any daemon about itself. */
const report: Expected = {
  ...everyone,
  ...allTasks('FORBIDDEN'),
  user: 'FORBIDDEN',
  otherOwner: 'FORBIDDEN',
};
/** The one daemon that has the command or the task. */
const reportObject: Expected = { ...report, otherDaemon: 'NOT_FOUND', otherOwnersDaemon: 'NOT_FOUND' };
/** The one daemon that is to restore the checkpoint, and this one is not: nobody is told whether there is such a one. */
const restore: Expected = { ...reportObject, daemon: 'NOT_FOUND' };

/** Every kind of access, by its name in the table. */
export const KINDS = {
  everyone,
  own,
  'own object': ownObject,
  'own daemon': ownDaemon,
  read,
  inspect,
  supervise,
  save,
  asking,
  question,
  attend,
  'red team': redTeam,
  report,
  'report object': reportObject,
  restore,
} as const;

export interface Operation {
  readonly field: string;
  readonly expected: Expected;
  readonly arguments: (world: World) => string;
  readonly selection?: string;
  /** It answers with a plain value, of which nothing can be selected. */
  readonly scalar?: true;
}

export const QUERIES: readonly Operation[] = [
  { field: 'viewer', expected: everyone, arguments: () => '', selection: 'kind owner { id }' },
  { field: 'node', expected: read, arguments: (w) => `id: "${w.taskId}"` },
  { field: 'node', expected: read, arguments: (w) => `id: "${w.contractId}"` },
  { field: 'node', expected: read, arguments: (w) => `id: "${w.questionId}"` },
  { field: 'node', expected: ownDaemon, arguments: (w) => `id: "${w.daemonId}"` },
  { field: 'contract', expected: read, arguments: (w) => `id: "${w.contractId}"` },
  { field: 'contracts', expected: own, arguments: () => 'first: 1' },
  { field: 'contractTree', expected: read, arguments: (w) => `contractId: "${w.contractId}"` },
  { field: 'documents', expected: read, arguments: (w) => `contractId: "${w.contractId}"` },
  { field: 'conversation', expected: read, arguments: (w) => `contractId: "${w.contractId}"` },
  { field: 'node', expected: ownObject, arguments: (w) => `id: "${w.keyId}"` },
  { field: 'keys', expected: own, arguments: () => 'first: 1' },
  { field: 'identities', expected: own, arguments: () => '', selection: 'id' },
  { field: 'daemons', expected: own, arguments: () => '' },
  { field: 'task', expected: read, arguments: (w) => `id: "${w.taskId}"` },
  { field: 'tasks', expected: read, arguments: (w) => `contractId: "${w.contractId}"` },
  { field: 'checkpoints', expected: read, arguments: (w) => `taskId: "${w.taskId}"` },
  { field: 'worktreeFile', expected: inspect, arguments: (w) => `taskId: "${w.taskId}", path: "a"` },
  { field: 'taskDiff', expected: inspect, arguments: (w) => `taskId: "${w.taskId}"` },
  { field: 'pendingQuestions', expected: read, arguments: (w) => `contractId: "${w.contractId}"` },
  { field: 'pendingQuestions', expected: own, arguments: () => '' },
  { field: 'inbox', expected: attend, arguments: () => 'timeoutSeconds: 0', selection: 'id' },
  { field: 'questions', expected: read, arguments: (w) => `contractId: "${w.contractId}"` },
  { field: 'taskOutput', expected: read, arguments: (w) => `taskId: "${w.taskId}"` },
  { field: 'history', expected: own, arguments: () => 'first: 1' },
  {
    field: 'checkpointPart',
    scalar: true,
    expected: restore,
    arguments: () => 'checkpointId: "checkpoint_01h455vb4pex5vsknk084sn02q", index: 0',
  },
  {
    field: 'daemonContracts',
    expected: report,
    arguments: (w) => `contractIds: ["${w.contractId}"]`,
    selection: 'contractId endedAt',
  },
  { field: 'waitForTask', expected: read, arguments: (w) => `taskId: "${w.finishedId}"` },
  { field: 'waitForTasks', expected: read, arguments: (w) => `taskIds: ["${w.finishedId}"]` },
];

/** Queries that are asked of a daemon: they are run for those who are refused only. */
export const SLOW = ['taskDiff', 'worktreeFile'];

function mutation(field: string, expected: Expected, input: (world: World) => string): Operation {
  return { field, expected, arguments: (world) => `input: { ${input(world)} }` };
}

const output = `entries: [{ type: STDOUT, content: "x", createdAt: "2026-01-01T00:00:00Z" }]`;
const sha = '1'.repeat(40);

export const MUTATIONS: readonly Operation[] = [
  mutation('createKey', own, () => 'kind: USER, name: "mine"'),
  mutation('rotateKey', ownObject, (w) => `keyId: "${w.keyId}"`),
  mutation('revokeKey', ownObject, (w) => `keyId: "${w.keyId}"`),
  mutation('linkIdentity', own, () => 'token: "x"'),
  mutation('unlinkIdentity', ownObject, () => 'identityId: "identity_01h455vb4pex5vsknk084sn02q"'),
  mutation('createContract', own, () => 'name: "x", startSupervisor: false'),
  mutation('drainDaemon', ownObject, (w) => `daemonId: "${w.daemonId}"`),
  mutation('answerQuestion', ownObject, (w) => `questionId: "${w.questionId}", text: "yes"`),
  mutation('spawnTask', supervise, (w) => `contractId: "${w.contractId}", name: "x", plan: "x"`),
  mutation('cancelTask', supervise, (w) => `taskId: "${w.taskId}"`),
  mutation('sendMessage', supervise, (w) => `taskId: "${w.taskId}", content: "x"`),
  mutation('mergeTask', supervise, (w) => `taskId: "${w.finishedId}"`),
  mutation('completeContract', supervise, (w) => `contractId: "${w.contractId}", cancelTasks: true`),
  mutation('askQuestion', asking, (w) => `contractId: "${w.contractId}", question: "x", waitSeconds: 0`),
  mutation('awaitAnswer', question, (w) => `questionId: "${w.questionId}", timeoutSeconds: 0`),
  mutation('acknowledgeAnswer', question, (w) => `questionId: "${w.questionId}"`),
  mutation('createCheckpoint', save, (w) => `taskId: "${w.taskId}", message: "x"`),
  mutation('withdrawQuestion', question, (w) => `questionId: "${w.questionId}"`),
  mutation('pauseTask', supervise, (w) => `taskId: "${w.taskId}"`),
  mutation('resumeTask', supervise, (w) => `taskId: "${w.taskId}"`),
  mutation('retryTask', supervise, (w) => `taskId: "${w.taskId}"`),
  mutation('resumeSupervisor', ownObject, (w) => `contractId: "${w.contractId}"`),
  mutation('rewindConversation', ownObject, (w) => `contractId: "${w.contractId}", dryRun: true`),
  mutation('notifySupervisor', redTeam, () => 'message: "x", severity: LOW'),
  mutation('removeDaemon', ownObject, () => 'daemonId: "daemon_01h455vb4pex5vsknk084sn02q"'),
  mutation('createBranch', supervise, (w) => `contractId: "${w.contractId}", branchName: "x"`),
  mutation('createPullRequest', supervise, (w) => `contractId: "${w.contractId}", branch: "x", title: "x"`),
  mutation('updateContract', ownObject, (w) => `contractId: "${w.contractId}", description: "x"`),
  mutation('setContractPhase', supervise, (w) => `contractId: "${w.contractId}", phase: REVIEW`),
  mutation('setDocument', supervise, (w) => `contractId: "${w.contractId}", name: "x", content: "x"`),
  mutation(
    'addRepository',
    ownObject,
    (w) => `contractId: "${w.contractId}", repository: { localPath: "/repositories/x" }`,
  ),
  mutation(
    'removeRepository',
    ownObject,
    (w) => `contractId: "${w.contractId}", repositoryId: "repo_01h455vb4pex5vsknk084sn02q"`,
  ),
  mutation('archiveContract', ownObject, (w) => `contractId: "${w.contractId}"`),
  mutation('deleteContract', ownObject, (w) => `contractId: "${w.contractId}"`),
  mutation('finishTask', attend, () => 'summary: "done"'),
  mutation('acknowledgeMessages', attend, () => 'upTo: 1'),
  mutation(
    'registerDaemon',
    report,
    () => 'name: "x", hostname: "x", version: "0", agents: [], maxConcurrentTasks: 1',
  ),
  mutation('heartbeatDaemon', report, () => 'epoch: 1'),
  mutation('disconnectDaemon', report, () => 'epoch: 1'),
  mutation('acceptCommand', reportObject, (w) => `commandId: "${w.commandId}", epoch: 1`),
  mutation('completeCommand', reportObject, (w) => `commandId: "${w.commandId}", epoch: 1`),
  mutation(
    'reportTask',
    reportObject,
    (w) => `taskId: "${w.taskId}", attempt: 1, status: DONE, outputCount: 0`,
  ),
  mutation(
    'appendTaskOutput',
    reportObject,
    (w) => `taskId: "${w.taskId}", attempt: 1, firstIndex: 0, ${output}`,
  ),
  mutation(
    'uploadCheckpointPart',
    reportObject,
    (w) => `taskId: "${w.taskId}", attempt: 1, uploadId: "u", index: 0, data: "eA=="`,
  ),
  mutation(
    'recordCheckpoint',
    reportObject,
    (w) =>
      `taskId: "${w.taskId}", attempt: 1, worktreeId: "${w.worktreeId}", commitSha: "${sha}", baseSha: "${sha}", branch: "b", message: "m", filesChanged: 0, linesAdded: 0, linesRemoved: 0, uploadId: "u", parts: 0, bytes: 0`,
  ),
];

/** Subscriptions, each on what has happened already, so that those who may are sent something. */
export const SUBSCRIPTIONS: readonly Operation[] = [
  {
    field: 'contractEvents',
    expected: read,
    arguments: (w) => `contractId: "${w.contractId}", afterSequence: 0`,
  },
  {
    field: 'contractOutput',
    expected: read,
    arguments: (w) => `contractId: "${w.contractId}", afterSequence: 0`,
  },
  { field: 'taskOutput', expected: read, arguments: (w) => `taskId: "${w.taskId}", afterSequence: 0` },
  {
    field: 'taskUpdated',
    expected: read,
    arguments: (w) => `contractId: "${w.contractId}", afterSequence: 0`,
  },
  {
    field: 'taskCompleted',
    expected: read,
    arguments: (w) => `contractId: "${w.contractId}", afterSequence: 0`,
  },
  { field: 'taskCompleted', expected: read, arguments: (w) => `taskId: "${w.taskId}"` },
  { field: 'questionAsked', expected: read, arguments: (w) => `contractId: "${w.contractId}"` },
  { field: 'questionAsked', expected: own, arguments: () => '' },
  { field: 'questionAnswered', expected: read, arguments: (w) => `contractId: "${w.contractId}"` },
  { field: 'questionAnswered', expected: own, arguments: () => '' },
  {
    field: 'daemonCommands',
    expected: reportObject,
    arguments: (w) => `daemonId: "${w.daemonId}", epoch: ${w.epoch}`,
  },
];
