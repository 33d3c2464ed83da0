import { defineEntity, p } from '@mikro-orm/core';
import { timestamp } from '../platform/columns.ts';
import { Task } from '../tasks/task.entity.ts';

/** A piece of a checkpoint's data (a git bundle). It counts only once the checkpoint that names its upload exists. */
const CheckpointPartSchema = defineEntity({
  name: 'CheckpointPart',
  tableName: 'checkpoint_part',
  properties: {
    taskId: () => p.manyToOne(Task).mapToPk().primary().deleteRule('cascade'),
    uploadId: p.text().primary(),
    index: p.integer().primary(),
    data: p.blob(),
    createdAt: timestamp(),
  },
});
export class CheckpointPart extends CheckpointPartSchema.class {}
CheckpointPartSchema.setClass(CheckpointPart);
