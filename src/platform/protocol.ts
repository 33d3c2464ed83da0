import { z } from 'zod';

/**
 * What passes between the server and a daemon inside the JSON of a command: its payload and its result.
 * Both sides parse with these schemas, so a daemon and a server of different versions refuse what they do
 * not understand instead of guessing. `docs/PROTOCOL.md` tells the same in prose.
 */

/** Exactly one of the two is set. `localPath` is absolute, on the daemon's machine. */
export const repositorySchema = z.object({
  url: z.string().nullable(),
  localPath: z.string().nullable(),
});
export type RepositoryReference = z.infer<typeof repositorySchema>;

/** A commit of a checkpoint, whose data comes by `checkpointPart`. */
export const restoreSchema = z.object({
  checkpointId: z.string(),
  number: z.number().int(),
  commitSha: z.string(),
  baseSha: z.string(),
  /** How many parts its data has; 0: the repository itself holds the commit. */
  parts: z.number().int(),
});
export type Restore = z.infer<typeof restoreSchema>;

/** The working copy a task is to use. `SHARED` copies exist already on the daemon; `OWN` ones are to be made. */
export const worktreeSpecSchema = z.object({
  id: z.string(),
  mode: z.enum(['OWN', 'SHARED']),
  branch: z.string(),
  /** Branch of the repository to start from; null: its default branch. */
  baseBranch: z.string().nullable(),
  /** Start at this working copy's branch head where the daemon has it (the supervisor's); else `baseBranch`. */
  baseWorktreeId: z.string().nullable(),
  /** Restore this instead of starting anew; null for a copy that never was anywhere else. */
  restore: restoreSchema.nullable(),
  /** Start from a checkpoint of another task: its commit is where the new copy starts, and what it is compared with. */
  start: restoreSchema.nullable().default(null),
  /** Start from this commit of the repository. */
  startCommit: z.string().nullable().default(null),
  /** Paths to copy into it when it is made: from the repository's checkout, else from the supervisor's working copy. */
  copyFiles: z
    .object({ paths: z.array(z.string()), worktreeId: z.string().nullable() })
    .nullable()
    .default(null),
});

export const spawnTaskPayloadSchema = z.object({
  taskId: z.string(),
  attempt: z.number().int(),
  contractId: z.string(),
  contractName: z.string(),
  name: z.string(),
  role: z.enum(['SUPERVISOR', 'WORK', 'RED_TEAM']),
  plan: z.string(),
  /** Name of the agent profile. */
  agent: z.string(),
  repository: repositorySchema.nullable(),
  worktree: worktreeSpecSchema.nullable(),
  localOnly: z.boolean(),
  /** How long the agent may run; past it the daemon ends it and reports FAILED. */
  timeLimitMinutes: z.number().int().nullable(),
  /** For an attempt after the first: what the agent is told it was recovered to; else null. */
  recovery: z.string().nullable(),
  /**
   * What an agent that has conversations is told first: its role, the contract, its tools, the plan. An agent that is a
   * command gets the plan as it is.
   */
  briefing: z.string().default(''),
  /** The agent's session on this daemon in which it goes on; null: a new one. */
  session: z.object({ id: z.string() }).nullable().default(null),
  /** What was said so far, for a new session to be told; empty when nothing was. */
  conversation: z
    .array(z.object({ role: z.enum(['USER', 'ASSISTANT', 'SYSTEM']), content: z.string() }))
    .default([]),
  /** How often an agent that ended its turn without `finishTask` is told to go on. */
  autonomousLoop: z.number().int().default(0),
  /** A repository on the daemon's machine that gets the finished branch too. */
  targetRepoPath: z.string().nullable().default(null),
  /** For the red team: it is told the output of the contract's work tasks from this sequence on. */
  watch: z.object({ afterSequence: z.number().int() }).nullable().default(null),
});
export type SpawnTaskPayload = z.infer<typeof spawnTaskPayloadSchema>;

export const cancelTaskPayloadSchema = z.object({
  taskId: z.string(),
  attempt: z.number().int(),
  /** Seconds the agent is given to end by itself before its process group gets SIGTERM (then SIGKILL after 5 s). */
  graceSeconds: z.number(),
  /** What the daemon reports once the process group is gone: DONE when the contract has been completed. */
  outcome: z.enum(['CANCELLED', 'DONE']),
});
export type CancelTaskPayload = z.infer<typeof cancelTaskPayloadSchema>;

/**
 * PAUSE_TASK, RESUME_TASK, SEND_MESSAGE. The last two let an agent that has conversations read its inbox, which holds the
 * messages themselves until they are acknowledged; RESUME_TASK also wakes one that is WAITING.
 */
export const attemptPayloadSchema = z.object({ taskId: z.string(), attempt: z.number().int() });
export type AttemptPayload = z.infer<typeof attemptPayloadSchema>;

export const rewindWorktreePayloadSchema = z.object({
  taskId: z.string(),
  /** Attempt under which the checkpoints before and after are recorded. */
  attempt: z.number().int(),
  worktreeId: z.string(),
  /** Where it goes back to. */
  checkpoint: restoreSchema,
  /** The server's own: the message that the conversation goes back to when the code has; null: to none. */
  toMessageId: z.string().nullable().default(null),
});
export type RewindWorktreePayload = z.infer<typeof rewindWorktreePayloadSchema>;
/** The checkpoint of the state before, to which the rewinding can be undone. The state after is a checkpoint too. */
export const rewindWorktreeResultSchema = z.object({ checkpointId: z.string() });
export type RewindWorktreeResult = z.infer<typeof rewindWorktreeResultSchema>;

/** A checkpoint of a working copy that is not on this daemon, and the repository it is of. */
export const awayCopySchema = z.object({ repository: repositorySchema, checkpoint: restoreSchema });
export type AwayCopy = z.infer<typeof awayCopySchema>;

export const createCheckpointPayloadSchema = z.object({
  taskId: z.string(),
  attempt: z.number().int(),
  worktreeId: z.string(),
  message: z.string(),
});
export type CreateCheckpointPayload = z.infer<typeof createCheckpointPayloadSchema>;
/** The checkpoint itself was recorded with `recordCheckpoint` before; null: nothing to save yet. */
export const createCheckpointResultSchema = z.object({
  checkpointId: z.string().nullable(),
  created: z.boolean(),
});

export const taskDiffPayloadSchema = z.object({
  taskId: z.string(),
  worktreeId: z.string(),
  maxBytes: z.number().int(),
});
export type TaskDiffPayload = z.infer<typeof taskDiffPayloadSchema>;
export const taskDiffResultSchema = z.object({
  patch: z.string(),
  files: z.array(
    z.object({
      path: z.string(),
      oldPath: z.string().nullable(),
      status: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'RENAMED', 'TYPE_CHANGED', 'COPIED']),
      linesAdded: z.number().int(),
      linesRemoved: z.number().int(),
      binary: z.boolean(),
    }),
  ),
  linesAdded: z.number().int(),
  linesRemoved: z.number().int(),
  truncated: z.boolean(),
  baseSha: z.string(),
  headSha: z.string(),
});
export type TaskDiffResult = z.infer<typeof taskDiffResultSchema>;

export const mergeTaskPayloadSchema = z.object({
  taskId: z.string(),
  /** Attempt under which a checkpoint of the task's copy is recorded before the merge. */
  attempt: z.number().int(),
  sourceWorktreeId: z.string(),
  /** The last checkpoint of the source, when its copy is on another daemon; null: it is here. */
  sourceCheckpoint: restoreSchema.nullable().default(null),
  /** The supervisor's working copy, when the target is its branch; null: `targetBranch` of the repository. */
  targetWorktreeId: z.string().nullable(),
  targetBranch: z.string(),
  squash: z.boolean(),
  dryRun: z.boolean(),
  message: z.string(),
  /** Whether the merged branch is published to the repository it came from. */
  publish: z.boolean(),
  repository: repositorySchema,
});
export type MergeTaskPayload = z.infer<typeof mergeTaskPayloadSchema>;
export const mergeTaskResultSchema = z.object({
  outcome: z.enum(['MERGED', 'UP_TO_DATE', 'CONFLICT']),
  commitSha: z.string().nullable(),
  message: z.string(),
  conflicts: z.array(
    z.object({
      path: z.string(),
      kind: z.string(),
      hunks: z.array(z.string()),
      /** Commits that last changed the path on either side, since the merge base. */
      oursCommit: z.string().nullable(),
      theirsCommit: z.string().nullable(),
    }),
  ),
});
export type MergeTaskResult = z.infer<typeof mergeTaskResultSchema>;

export const readFilePayloadSchema = z.object({
  taskId: z.string(),
  worktreeId: z.string(),
  /** Relative to the copy's root, with `/`. */
  path: z.string(),
  maxBytes: z.number().int(),
  /** Read it from this checkpoint, since the copy's daemon is gone; null: the copy is here. */
  away: awayCopySchema.nullable().default(null),
});
export type ReadFilePayload = z.infer<typeof readFilePayloadSchema>;
export const readFileResultSchema = z.object({
  exists: z.boolean(),
  /** null when there is no such file. */
  content: z.string().nullable(),
  encoding: z.enum(['UTF8', 'BASE64']),
  /** Bytes of the whole file. */
  size: z.number().int(),
  truncated: z.boolean(),
});
export type ReadFileResult = z.infer<typeof readFileResultSchema>;

export const createBranchPayloadSchema = z.object({
  /** The supervisor, in whose working copy the branch is made. */
  taskId: z.string(),
  worktreeId: z.string(),
  branchName: z.string(),
  /** A branch or a full commit id; null: where the branch of the working copy is. */
  fromRef: z.string().nullable(),
  /** Whether the branch is published to the repository that the copy came from. */
  publish: z.boolean(),
});
export type CreateBranchPayload = z.infer<typeof createBranchPayloadSchema>;
export const createBranchResultSchema = z.object({ branchName: z.string(), commitSha: z.string() });
export type CreateBranchResult = z.infer<typeof createBranchResultSchema>;

export const createPullRequestPayloadSchema = z.object({
  taskId: z.string(),
  /** The supervisor's working copy, whose repository the pull request is opened in. */
  worktreeId: z.string(),
  branch: z.string(),
  /** The working copy of the task whose branch it is; null: a branch of the supervisor's copy or of the repository. */
  branchWorktreeId: z.string().nullable(),
  /** The last checkpoint of that working copy, when it is on another daemon. */
  branchCheckpoint: restoreSchema.nullable().default(null),
  /** null: the default branch of the remote. */
  baseBranch: z.string().nullable(),
  title: z.string(),
  body: z.string().nullable(),
});
export type CreatePullRequestPayload = z.infer<typeof createPullRequestPayloadSchema>;
export const createPullRequestResultSchema = z.object({
  url: z.string(),
  number: z.number().int(),
  /** False: one from that branch to that base was open already. */
  created: z.boolean(),
});
export type CreatePullRequestResult = z.infer<typeof createPullRequestResultSchema>;

/** Seconds between two heartbeats of a daemon. */
export const HEARTBEAT_SECONDS = 5;

/** Header of every commit that Taskmesh makes for a task, by which a conflict finds the task again. */
export const TASK_TRAILER = 'Taskmesh-Task';
