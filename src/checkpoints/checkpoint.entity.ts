import { defineEntity, p } from '@mikro-orm/core';
import { ConversationMessage } from '../conversations/conversation-message.entity.ts';
import { optionalReference, primaryId, reference, texts, timestamp } from '../platform/columns.ts';
import { Task } from '../tasks/task.entity.ts';
import { Worktree } from '../worktrees/worktree.entity.ts';

/** A commit of a working copy, with its data stored so that another machine can restore it. */
const CheckpointSchema = defineEntity({
  name: 'Checkpoint',
  tableName: 'checkpoint',
  uniques: [{ properties: ['originId', 'number'] }, { properties: ['worktreeId', 'uploadId'] }],
  properties: {
    id: primaryId('checkpoint'),
    worktreeId: reference('worktree', (): unknown => Worktree, 'covered'),
    /** The first of the copies that continue each other: numbers run on when the work moves to another daemon. */
    originId: reference('worktree', (): unknown => Worktree, 'covered'),
    taskId: reference('task', (): unknown => Task),
    number: p.integer(),
    commitSha: p.text(),
    /** The commit its data builds on: a machine that has it can restore the checkpoint. */
    baseSha: p.text(),
    branch: p.text(),
    message: p.text(),
    filesChanged: p.integer(),
    linesAdded: p.integer(),
    linesRemoved: p.integer(),
    /** What git could not take: reported, not hidden. */
    skippedPaths: texts().default([]),
    /** Finds the parts of its data. */
    uploadId: p.text(),
    parts: p.integer(),
    bytes: p.integer(),
    /** The last message of the supervisor's conversation when it was made; null before the first. */
    afterMessageId: optionalReference('turn', (): unknown => ConversationMessage),
    createdAt: timestamp(),
  },
});
export class Checkpoint extends CheckpointSchema.class {}
CheckpointSchema.setClass(Checkpoint);
