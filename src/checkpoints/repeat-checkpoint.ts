import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { logEvent } from '../events/append.ts';
import { kysely } from '../platform/database.ts';
import { newId, toUuid } from '../platform/ids.ts';
import type { Transaction } from '../platform/transaction.ts';
import { Worktree } from '../worktrees/worktree.entity.ts';
import { Checkpoint } from './checkpoint.entity.ts';

/**
 * Makes an earlier checkpoint the latest of its working copy, as a further one with the same commit: whatever restores
 * the copy from now on, restores that. Nothing of those between is lost.
 */
export async function repeatCheckpoint(tx: Transaction, checkpoint: Checkpoint): Promise<Checkpoint> {
  const worktree = await tx.em.findOneOrFail(
    Worktree,
    { id: checkpoint.worktreeId },
    { lockMode: LockMode.PESSIMISTIC_WRITE },
  );
  const { originId } = checkpoint;
  const [last] = await tx.em.find(Checkpoint, { originId }, { orderBy: { number: 'desc' }, limit: 1 });
  const id = newId('checkpoint');
  const { commitSha, baseSha, branch, taskId, worktreeId, skippedPaths, parts, bytes, afterMessageId } =
    checkpoint;
  const repeated = tx.em.create(Checkpoint, {
    id,
    worktreeId,
    originId,
    taskId,
    number: (last?.number ?? 0) + 1,
    commitSha,
    baseSha,
    branch,
    message: `Back at checkpoint ${checkpoint.number}`,
    filesChanged: checkpoint.filesChanged,
    linesAdded: checkpoint.linesAdded,
    linesRemoved: checkpoint.linesRemoved,
    skippedPaths,
    uploadId: id,
    parts,
    bytes,
    afterMessageId: afterMessageId ?? null,
    createdAt: tx.now,
  });
  await tx.em.flush();
  const db = kysely(tx.statements);
  await sql`
    insert into checkpoint_part (task_id, upload_id, index, data, created_at)
    select task_id, ${id}, index, data, ${tx.now.toISOString()} from checkpoint_part
    where task_id = ${toUuid(taskId)} and upload_id = ${checkpoint.uploadId}`.execute(db);
  await sql`
    insert into checkpoint_diff (checkpoint_id, patch, files, lines_added, lines_removed, truncated)
    select ${toUuid(id)}, patch, files, lines_added, lines_removed, truncated from checkpoint_diff
    where checkpoint_id = ${toUuid(checkpoint.id)}`.execute(db);
  logEvent(tx, worktree.contractId, { type: 'CHECKPOINT_CREATED', taskId, data: { checkpointId: id } });
  return repeated;
}
