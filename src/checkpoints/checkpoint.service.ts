import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { z } from 'zod';
import { lastMessage } from '../conversations/conversation.service.ts';
import { callingDaemonId, issueCommand } from '../daemons/command.service.ts';
import { logEvent, storable } from '../events/append.ts';
import { recordHistory } from '../events/history.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import { type EntityManager, kysely } from '../platform/database.ts';
import { DomainError, invalidInput, notFound } from '../platform/errors.ts';
import { type Id, newId, parseId, toUuid } from '../platform/ids.ts';
import { isTask } from '../platform/principal.ts';
import {
  type CreateCheckpointPayload,
  createCheckpointResultSchema,
  taskDiffResultSchema,
} from '../platform/protocol.ts';
import type { Operation } from '../platform/runtime.ts';
import { checkedText, requiredText } from '../platform/text.ts';
import { transact } from '../platform/transaction.ts';
import { findAttempt } from '../tasks/attempt.access.ts';
import { findTask, lockTask } from '../tasks/task.access.ts';
import { Task } from '../tasks/task.entity.ts';
import { connectedWorktree, daemonAnswer } from '../worktrees/daemon-answer.ts';
import { noCopyYet } from '../worktrees/made-copy.ts';
import { Worktree } from '../worktrees/worktree.entity.ts';
import { Checkpoint } from './checkpoint.entity.ts';
import { CheckpointDiff } from './checkpoint-diff.entity.ts';

/**
 * Saves a task's whole working copy as a commit and stores its data here.
 * @returns the checkpoint; `created: false` with the last one (null when there is none) when nothing has changed;
 * `pending` when the daemon needs longer than a minute
 * @throws DomainError FORBIDDEN for a task about another task, NO_DAEMON …
 */
export async function createCheckpoint(
  op: Operation,
  input: { taskId: string; message: string; requestId?: string | null | undefined },
): Promise<{ checkpoint: Checkpoint | null; created: boolean; pending: boolean }> {
  authorize(op.principal, 'read');
  const message = requiredText(input.message, 'message', 2_000);
  const commandId = await transact(op.runtime, async (tx) => {
    const task = await lockTask(tx, op.principal, input.taskId);
    const { principal } = op;
    if (isTask(principal) && principal.kind !== 'SUPERVISOR' && principal.taskId !== task.id) {
      throw new DomainError('FORBIDDEN', 'A task may save its own working copy only: name it as taskId.');
    }
    const request = {
      ownerId: task.ownerId,
      requestId: input.requestId,
      operation: 'createCheckpoint',
      input,
    };
    const { result } = await once(tx, request, async () => {
      if (!task.worktreeId) throw noCopyYet(task);
      const { daemon } = await connectedWorktree(tx.em, task.worktreeId);
      const payload: CreateCheckpointPayload = {
        taskId: task.id,
        attempt: task.attempt,
        worktreeId: task.worktreeId,
        message,
      };
      recordHistory(tx, op, {
        action: 'checkpoint.requested',
        contractId: task.contractId,
        taskId: task.id,
        details: { message },
      });
      const { attempt } = task;
      return issueCommand(tx, {
        daemonId: daemon.id,
        taskId: task.id,
        attempt,
        type: 'CREATE_CHECKPOINT',
        payload: { ...payload },
      });
    });
    return result as Id<'command'>;
  });
  const answer = await daemonAnswer(op, commandId, createCheckpointResultSchema);
  if (!answer) return { checkpoint: null, created: false, pending: true };
  const em = op.runtime.db.fork();
  const checkpoint = answer.checkpointId
    ? await em.findOneOrFail(Checkpoint, { id: parseId('checkpoint', answer.checkpointId, 'checkpointId') })
    : null;
  return { checkpoint, created: answer.created, pending: false };
}

/** The checkpoints of a task's working copy, first to last. */
export async function listCheckpoints(op: Operation, taskId: string): Promise<Checkpoint[]> {
  authorize(op.principal, 'read');
  const task = await findTask(op.em, op.principal, taskId);
  if (!task.worktreeId) return [];
  const { originId } = await op.em.findOneOrFail(Worktree, { id: task.worktreeId });
  return op.em.find(Checkpoint, { originId }, { orderBy: { number: 'asc' } });
}

export interface CheckpointRecord {
  readonly taskId: string;
  readonly attempt: number;
  readonly worktreeId: string;
  readonly commitSha: string;
  readonly baseSha: string;
  readonly branch: string;
  readonly message: string;
  readonly filesChanged: number;
  readonly linesAdded: number;
  readonly linesRemoved: number;
  readonly skippedPaths?: readonly string[] | null | undefined;
  readonly uploadId: string;
  readonly parts: number;
  readonly bytes: number;
  readonly diff?: unknown;
}

const OBJECT_ID = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

/**
 * A daemon records a checkpoint whose data it has uploaded: the checkpoint is there whole, or not at all. The same
 * upload again gives the same checkpoint.
 */
export async function recordCheckpoint(
  op: Operation,
  input: CheckpointRecord,
): Promise<{ checkpoint: Checkpoint; created: boolean }> {
  const daemonId = callingDaemonId(op);
  const taskId = parseId('task', input.taskId, 'taskId');
  const worktreeId = parseId('worktree', input.worktreeId, 'worktreeId');
  if (!OBJECT_ID.test(input.commitSha))
    throw invalidInput('commitSha', 'commitSha is not the id of a commit.');
  const diff = checkDiff(input.diff);
  if (!OBJECT_ID.test(input.baseSha)) throw invalidInput('baseSha', 'baseSha is not the id of a commit.');
  return transact(op.runtime, async (tx) => {
    const task = await findAttempt(tx.em, daemonId, taskId, input.attempt);
    const worktree = await tx.em.findOne(
      Worktree,
      { id: worktreeId, daemonId, contractId: task.contractId },
      { lockMode: LockMode.PESSIMISTIC_WRITE },
    );
    if (!worktree) throw notFound('worktree', worktreeId);
    const same = await tx.em.findOne(Checkpoint, { worktreeId, uploadId: input.uploadId });
    if (same) return { checkpoint: same, created: false };
    const { rows } = await sql<{ parts: number; bytes: string | number | null }>`
      select count(*)::int as parts, sum(length(data)) as bytes from checkpoint_part
      where task_id = ${toUuid(taskId)} and upload_id = ${input.uploadId}`.execute(kysely(tx.statements));
    if (rows[0]?.parts !== input.parts || Number(rows[0].bytes ?? 0) !== input.bytes) {
      throw invalidInput(
        'parts',
        `${rows[0]?.parts ?? 0} parts of the upload are here, not ${input.parts}. Send the others first.`,
      );
    }
    const [last] = await tx.em.find(
      Checkpoint,
      { originId: worktree.originId },
      { orderBy: { number: 'desc' }, limit: 1 },
    );
    const checkpoint = tx.em.create(Checkpoint, {
      id: newId('checkpoint'),
      worktreeId,
      taskId,
      originId: worktree.originId,
      number: (last?.number ?? 0) + 1,
      commitSha: input.commitSha,
      baseSha: input.baseSha,
      branch: checkedText(input.branch, 'branch', 250),
      message: checkedText(input.message, 'message', 4_000),
      filesChanged: input.filesChanged,
      linesAdded: input.linesAdded,
      linesRemoved: input.linesRemoved,
      skippedPaths: (input.skippedPaths ?? []).map((path) => path.toWellFormed().replaceAll('\0', '\uFFFD')),
      uploadId: input.uploadId,
      parts: input.parts,
      bytes: input.bytes,
      afterMessageId: (await lastMessage(tx.em, await conversationOf(tx.em, task, worktree)))?.id ?? null,
      createdAt: tx.now,
    });
    if (diff) {
      await tx.em.flush();
      tx.em.create(CheckpointDiff, { checkpointId: checkpoint.id, ...diff });
    }
    logEvent(tx, worktree.contractId, {
      type: 'CHECKPOINT_CREATED',
      taskId,
      data: { checkpointId: checkpoint.id },
    });
    return { checkpoint, created: true };
  });
}

/** Whose conversation a working copy goes with: its task's, or, in the supervisor's copy, the supervisor's. */
async function conversationOf(em: EntityManager, task: Task, worktree: Worktree): Promise<Id<'task'>> {
  if (task.role === 'SUPERVISOR') return task.id;
  const supervisor = await em.findOne(Task, { contractId: task.contractId, role: 'SUPERVISOR' });
  return supervisor?.worktreeId === worktree.id ? supervisor.id : task.id;
}

/** Largest patch that is kept with a checkpoint, in characters. */
const MAX_PATCH = 1_048_576;

function checkDiff(diff: unknown): Omit<CheckpointDiff, 'checkpointId'> | null {
  if (diff === null || diff === undefined) return null;
  const parsed = taskDiffResultSchema.safeParse(diff);
  if (!parsed.success)
    throw invalidInput('diff', `diff is not of the shape of a diff: ${z.prettifyError(parsed.error)}`);
  const { patch, files, linesAdded, linesRemoved, truncated } = parsed.data;
  if (patch.length > MAX_PATCH)
    throw invalidInput('diff', `The patch of diff has more than ${MAX_PATCH} characters. Cut it.`);
  const clean = JSON.parse(storable({ patch, files }));
  return { ...clean, linesAdded, linesRemoved, truncated };
}

/** Largest piece of a checkpoint's data, in bytes. */
const MAX_PART = 4 * 1_024 * 1_024;

/** A daemon uploads a piece of a checkpoint's data. The same piece again changes nothing. */
export async function uploadCheckpointPart(
  op: Operation,
  input: { taskId: string; attempt: number; uploadId: string; index: number; data: string },
): Promise<number> {
  const daemonId = callingDaemonId(op);
  const taskId = parseId('task', input.taskId, 'taskId');
  const data = Buffer.from(input.data, 'base64');
  if (data.length === 0 || data.length > MAX_PART) {
    throw invalidInput('data', `data has ${data.length} bytes; 1 to ${MAX_PART} in base64 are taken.`);
  }
  if (input.index < 0 || input.index > 10_000)
    throw invalidInput('index', 'index lies between 0 and 10,000.');
  const uploadId = requiredText(input.uploadId, 'uploadId', 100);
  await transact(op.runtime, async (tx) => {
    await findAttempt(tx.em, daemonId, taskId, input.attempt);
    await sql`
      insert into checkpoint_part (task_id, upload_id, index, data, created_at)
      values (${toUuid(taskId)}, ${uploadId}, ${input.index}, ${data}, ${tx.now.toISOString()})
      on conflict do nothing`.execute(kysely(tx.statements));
  });
  return input.index;
}

/**
 * A piece of a checkpoint's data, for a daemon that restores it.
 * @returns base64
 * @throws DomainError NOT_FOUND unless the daemon has a task in that contract, or a command that names the checkpoint;
 * NOT_FOUND, saying so, when the data was pruned
 */
export async function checkpointPart(op: Operation, checkpointId: string, index: number): Promise<string> {
  const daemonId = callingDaemonId(op);
  const id = parseId('checkpoint', checkpointId, 'checkpointId');
  const { rows } = await sql<{ data: Uint8Array | null; number: number; parts: number }>`
    select p.data, c.number, c.parts from checkpoint c
    join worktree w on w.id = c.worktree_id
    left join checkpoint_part p on p.task_id = c.task_id and p.upload_id = c.upload_id and p.index = ${index}
    where c.id = ${toUuid(id)} and (exists (
      select 1 from task t where t.contract_id = w.contract_id and t.daemon_id = ${toUuid(daemonId)}
        and t.status in ('STARTING', 'RUNNING')
    ) or exists (
      select 1 from command m where m.daemon_id = ${toUuid(daemonId)} and m.status in ('PENDING', 'ACCEPTED')
        and m.payload::text like ${`%"${id}"%`}
    ))`.execute(kysely(op.em));
  const [found] = rows;
  if (!found) throw notFound('checkpoint', id);
  if (found.data) return Buffer.from(found.data).toString('base64');
  // A checkpoint is recorded with all of its data or not at all: what is missing was there.
  if (index >= 0 && index < found.parts) throw prunedData(found.number);
  throw notFound(`part ${index} of checkpoint`, id);
}

function prunedData(number: number): DomainError {
  return new DomainError(
    'NOT_FOUND',
    `The data of checkpoint ${number} was pruned, long after its contract ended. What it changed is still told by taskDiff.`,
  );
}
