import { defineEntity, p } from '@mikro-orm/core';
import { Contract } from '../contracts/contract.entity.ts';
import { Daemon } from '../daemons/daemon.entity.ts';
import { Owner } from '../keys/owner.entity.ts';
import { optionalReference, primaryId, reference, texts, timestamp } from '../platform/columns.ts';
import { Worktree } from '../worktrees/worktree.entity.ts';
import { TASK_STATUSES } from './task.states.ts';

export const TASK_ROLES = ['SUPERVISOR', 'WORK', 'RED_TEAM'] as const;
export type TaskRole = (typeof TASK_ROLES)[number];
export const COMPLETION_ACTIONS = ['NONE', 'MERGE', 'PULL_REQUEST'] as const;
export type CompletionAction = (typeof COMPLETION_ACTIONS)[number];

/** One agent run with a plan, in a working copy. */
const TaskSchema = defineEntity({
  name: 'Task',
  tableName: 'task',
  indexes: [
    { properties: ['contractId', 'id'] },
    {
      name: 'task_candidates',
      expression: `create index "task_candidates" on "task" ("owner_id", "priority" desc, "id") where "status" = 'PENDING'`,
    },
    {
      name: 'task_candidates_beside_work',
      expression: `create index "task_candidates_beside_work" on "task" ("owner_id", "priority" desc, "id") where "status" = 'PENDING' and "role" <> 'WORK'`,
    },
    {
      name: 'task_active_on_daemon',
      expression: `create index "task_active_on_daemon" on "task" ("daemon_id") where "status" in ('STARTING', 'RUNNING', 'CANCELLING')`,
    },
    {
      name: 'task_waiting',
      expression: `create index "task_waiting" on "task" ("contract_id") where "status" = 'WAITING'`,
    },
    {
      name: 'task_untold',
      expression: `create index "task_untold" on "task" ("contract_id") where "role" = 'WORK' and "told_at" is null and "status" in ('DONE', 'FAILED', 'CANCELLED', 'MERGED')`,
    },
    {
      name: 'task_completion_action',
      expression: `create index "task_completion_action" on "task" ("completed_at") where "status" = 'DONE' and "completion_action" <> 'NONE' and "completion_action_at" is null`,
    },
    {
      name: 'task_starting',
      expression: `create index "task_starting" on "task" ("claimed_at") where "status" = 'STARTING'`,
    },
  ],
  uniques: [
    {
      name: 'task_one_supervisor',
      expression: `create unique index "task_one_supervisor" on "task" ("contract_id") where "role" = 'SUPERVISOR'`,
    },
    {
      name: 'task_one_red_team',
      expression: `create unique index "task_one_red_team" on "task" ("contract_id") where "role" = 'RED_TEAM'`,
    },
  ],
  checks: [{ name: 'task_name_not_blank', expression: `btrim(name) <> ''` }],
  properties: {
    id: primaryId('task'),
    ownerId: reference('owner', (): unknown => Owner),
    contractId: reference('contract', (): unknown => Contract, 'covered'),
    parentId: optionalReference('task', (): unknown => Task),
    depth: p.integer().default(0),
    name: p.text(),
    description: p.text().nullable(),
    plan: p.text(),
    role: p.enum(TASK_ROLES),
    status: p.enum(TASK_STATUSES).default('PENDING'),
    /** Higher starts first. */
    priority: p.integer().default(0),
    useOwnWorktree: p.boolean().default(false),
    worktreeId: optionalReference('worktree', (): unknown => Worktree),
    /** At most one of the two; neither for a task without a working copy. */
    repositoryUrl: p.text().nullable(),
    repositoryPath: p.text().nullable(),
    baseBranch: p.text().nullable(),
    targetBranch: p.text().nullable(),
    /** Name of the agent profile. */
    agent: p.text(),
    daemonId: optionalReference('daemon', (): unknown => Daemon),
    /** Number of its starts: the fencing token for all that is reported of it. */
    attempt: p.integer().default(0),
    retryCount: p.integer().default(0),
    failedDaemons: texts().default([]),
    /** Why it failed; after several attempts one line each. */
    errorMessage: p.text().nullable(),
    outputSummary: p.text().nullable(),
    /** Of all attempts together. */
    costUsd: p.double().$type<number>().default(0),
    tokens: p.bigint('number').default(0),
    /** How long one attempt may run; null: as long as it takes. */
    timeLimitMinutes: p.integer().nullable(),
    /** The commit its working copy starts from; null: see baseBranch. */
    checkpointSha: p.text().nullable(),
    /** The task whose latest checkpoint its working copy starts from. */
    branchedFromTaskId: optionalReference('task', (): unknown => Task),
    /** The task whose agent session it goes on in. */
    continueFromTaskId: optionalReference('task', (): unknown => Task),
    /** Paths that are copied into its own working copy when that is made. */
    copyFiles: texts().default([]),
    completionAction: p.enum(COMPLETION_ACTIONS).default('NONE'),
    /** When the completion action was begun; null before. */
    completionActionAt: timestamp().nullable(),
    /** A repository on the daemon's machine that gets the finished branch too. */
    targetRepoPath: p.text().nullable(),
    /** How often an agent that ended its turn without `finishTask` is told to go on. */
    autonomousLoop: p.integer().default(0),
    /** The agent's own session, where it has one, and the daemon that has it; null: none, or its next start is a new one. */
    sessionId: p.text().nullable(),
    sessionDaemonId: optionalReference('daemon', (): unknown => Daemon),
    /** Going on means a new attempt: what its agent knows was taken back. */
    startsAnew: p.boolean().default(false),
    /** PAUSED until its contract may cost more; else by a person or a phase guard, for whom the budget does not speak. */
    heldByBudget: p.boolean().default(false),
    /** When its supervisor learned of its completion; null before. */
    toldAt: timestamp().nullable(),
    cancelReason: p.text().nullable(),
    /** What the agent declared by `finishTask`; it takes effect when the agent has ended. */
    finishSummary: p.text().nullable(),
    finishSuccess: p.boolean().nullable(),
    createdAt: timestamp(),
    updatedAt: timestamp(),
    claimedAt: timestamp().nullable(),
    startedAt: timestamp().nullable(),
    completedAt: timestamp().nullable(),
    version: p.integer().version(),
  },
});
export class Task extends TaskSchema.class {}
TaskSchema.setClass(Task);
