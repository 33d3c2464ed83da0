import { checkBranchName, checkLocalPath } from '../contracts/repository.input.ts';
import { invalidInput } from '../platform/errors.ts';
import { parseId } from '../platform/ids.ts';
import { boundedInt, checkedText, optionalText, requiredText } from '../platform/text.ts';
import { checkCopyPath } from './copy-path.ts';
import type { CompletionAction } from './task.entity.ts';

const MAX_PLAN = 1_000_000;
/** In minutes, about 24 days: a daemon's timer counts milliseconds in 31 bits, and would fire at once beyond that. */
const MAX_TIME_LIMIT = 35_000;
const MAX_COPY_FILES = 100;
const MAX_ROUNDS = 100;

export interface SpawnTaskInput {
  readonly contractId?: string | null | undefined;
  readonly name: string;
  readonly plan: string;
  readonly description?: string | null | undefined;
  readonly parentTaskId?: string | null | undefined;
  readonly repositoryUrl?: string | null | undefined;
  readonly useOwnWorktree?: boolean | null | undefined;
  readonly agent?: string | null | undefined;
  readonly priority?: number | null | undefined;
  readonly baseBranch?: string | null | undefined;
  readonly targetBranch?: string | null | undefined;
  readonly checkpointSha?: string | null | undefined;
  readonly branchedFromTaskId?: string | null | undefined;
  readonly continueFromTaskId?: string | null | undefined;
  readonly copyFiles?: readonly string[] | null | undefined;
  readonly completionAction?: CompletionAction | null | undefined;
  readonly targetRepoPath?: string | null | undefined;
  readonly autonomousLoop?: number | null | undefined;
  readonly timeLimitMinutes?: number | null | undefined;
  readonly requestId?: string | null | undefined;
}

export type CheckedSpawn = ReturnType<typeof checkSpawn>;

/** What can be told of the input alone. @throws DomainError INVALID_INPUT naming the field, FORBIDDEN_PATH */
export function checkSpawn(input: SpawnTaskInput) {
  const plan = checkedText(input.plan, 'plan', MAX_PLAN);
  if (plan.trim() === '') throw invalidInput('plan', 'plan is blank. Say what the task is to do.');
  const limit = input.timeLimitMinutes ?? null;
  return {
    name: requiredText(input.name, 'name', 200),
    plan,
    description: optionalText(input.description, 'description', 20_000),
    parentTaskId: input.parentTaskId ? parseId('task', input.parentTaskId, 'parentTaskId') : null,
    repositoryUrl: optionalText(input.repositoryUrl, 'repositoryUrl', 4_000),
    useOwnWorktree: input.useOwnWorktree ?? false,
    agent: optionalText(input.agent, 'agent', 100),
    priority: boundedInt(input.priority ?? 0, 'priority', -1_000, 1_000),
    baseBranch: optionalBranch(input.baseBranch, 'baseBranch'),
    targetBranch: optionalBranch(input.targetBranch, 'targetBranch'),
    ...startingPoint(input),
    copyFiles: copyFilesOf(input),
    completionAction: input.completionAction ?? ('NONE' as const),
    targetRepoPath: targetRepoPathOf(input),
    autonomousLoop: boundedInt(input.autonomousLoop ?? 0, 'autonomousLoop', 0, MAX_ROUNDS),
    timeLimitMinutes: limit === null ? null : boundedInt(limit, 'timeLimitMinutes', 1, MAX_TIME_LIMIT),
  };
}

function optionalBranch(name: string | null | undefined, field: string): string | null {
  const branch = optionalText(name, field, 250);
  if (branch !== null) checkBranchName(branch, field);
  return branch;
}

/** Where its own working copy starts, other than at a branch: one place at most. */
function startingPoint(input: SpawnTaskInput) {
  const checkpointSha = optionalText(input.checkpointSha, 'checkpointSha', 64)?.toLowerCase() ?? null;
  if (checkpointSha !== null && !/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(checkpointSha))
    throw invalidInput('checkpointSha', 'checkpointSha is not the full id of a commit.');
  const branchedFromTaskId = input.branchedFromTaskId
    ? parseId('task', input.branchedFromTaskId, 'branchedFromTaskId')
    : null;
  const continueFromTaskId = input.continueFromTaskId
    ? parseId('task', input.continueFromTaskId, 'continueFromTaskId')
    : null;
  const places = [input.baseBranch, checkpointSha, branchedFromTaskId ?? continueFromTaskId].filter(Boolean);
  if (places.length > 1)
    throw invalidInput(
      'checkpointSha',
      'A task starts from one place: give only one of baseBranch, checkpointSha and a task.',
    );
  return { checkpointSha, branchedFromTaskId, continueFromTaskId };
}

function copyFilesOf({ copyFiles }: SpawnTaskInput): string[] {
  const paths = [...new Set(copyFiles ?? [])];
  if (paths.length > MAX_COPY_FILES)
    throw invalidInput('copyFiles', `At most ${MAX_COPY_FILES} paths can be copied.`);
  for (const path of paths) checkCopyPath(path, 'copyFiles');
  return paths;
}

function targetRepoPathOf(input: SpawnTaskInput): string | null {
  const path = optionalText(input.targetRepoPath, 'targetRepoPath', 4_000);
  if (path !== null) checkLocalPath(path, 'targetRepoPath');
  return path;
}
