import {
  type RewindWorktreePayload,
  type RewindWorktreeResult,
  rewindWorktreePayloadSchema,
} from '../platform/protocol.ts';
import type { CommandCall } from './commands.ts';
import { TargetDirtyError } from './git/errors.ts';
import { rewindWorkingCopy } from './git/rewind.ts';
import { OutcomeUnknownError } from './outcome-unknown.ts';
import type { RunContext } from './run-context.ts';
import type { Worktree } from './worktrees.ts';

/*
 * Three steps, each of which may be done again after a crash:
 *
 *   before  the present state is made a checkpoint, and its id is written down: it is the answer
 *   rewind  files and branch go back, only if that checkpoint still is what the copy holds
 *   after   what the copy holds now is made a checkpoint: the latest is what others restore
 *
 * When the crash was in the middle of the second, what it left is saved as well before it is done again.
 */

/** How often a copy that is changed between being saved and being rewound is saved anew. */
const ROUNDS = 3;

/**
 * Takes a working copy back to a checkpoint. Nothing is lost: the state before is a checkpoint, too.
 * @throws TargetDirtyError when an ignored file is in the way, or the copy is being edited
 * @throws ApiError when the server refuses the checkpoint of the state before: then nothing was changed
 */
export async function rewindWorktree(context: RunContext, call: CommandCall): Promise<RewindWorktreeResult> {
  const payload = rewindWorktreePayloadSchema.parse(call.payload);
  const worktree = await context.worktrees.get(payload.worktreeId);
  const known = worktree.record.rewind?.commandId === call.id ? worktree.record.rewind.before : null;
  try {
    return { checkpointId: await rewind(context, call, payload, worktree, known?.id ?? null) };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!call.isResumed || known === null) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new OutcomeUnknownError(
      `The daemon ended in the middle of taking the working copy back, and it could not be finished (${reason}). The state before is checkpoint ${known.id}. Look at the working copy, then rewind again.`,
      { cause: error },
    );
  }
}

async function rewind(
  context: RunContext,
  call: CommandCall,
  payload: RewindWorktreePayload,
  { mirror, copy }: Worktree,
  begun: string | null,
): Promise<string> {
  const { repositories, checkpoints, worktrees, signal } = context;
  const { worktreeId, checkpoint } = payload;
  const { commitSha: commit, number } = checkpoint;
  await repositories.bring(mirror, checkpoint, signal);
  const message = `Before rewinding to checkpoint ${number}`;
  const isThere = begun !== null && (await checkpoints.snapshotOnly({ worktreeId, message })) === commit;
  let before = begun;
  for (let round = 1; ; round += 1) {
    const saved = isThere ? null : await save(context, payload, message);
    if (begun === null && saved) {
      await worktrees.remember(worktreeId, { rewind: { commandId: call.id, before: saved } });
      before = saved.id;
    }
    try {
      await rewindWorkingCopy({ mirror, copy, commit, expected: saved?.commitSha ?? commit, signal });
      break;
    } catch (error) {
      if (!(error instanceof TargetDirtyError) || round === ROUNDS) throw error;
    }
  }
  const after = await save(context, payload, `Back at checkpoint ${number}`);
  return before ?? after.id;
}

async function save(
  { checkpoints }: RunContext,
  { worktreeId, taskId, attempt }: RewindWorktreePayload,
  message: string,
): Promise<{ id: string; commitSha: string }> {
  const made = await checkpoints.make({ worktreeId, taskId, attempt, message, evenUnchanged: true });
  // There is one of every state, also of one in which nothing has changed yet.
  return { id: made.checkpointId as string, commitSha: made.snapshot.commitSha };
}
