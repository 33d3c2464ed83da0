import { defineEntity, p } from '@mikro-orm/core';
import type { TaskDiffResult } from '../platform/protocol.ts';
import { Checkpoint } from './checkpoint.entity.ts';

/** What a checkpoint changes against its base, so that it can be shown when no daemon is there to ask. */
const CheckpointDiffSchema = defineEntity({
  name: 'CheckpointDiff',
  tableName: 'checkpoint_diff',
  properties: {
    checkpointId: () => p.manyToOne(Checkpoint).mapToPk().primary().deleteRule('cascade'),
    patch: p.text(),
    files: p.json<TaskDiffResult['files']>(),
    linesAdded: p.integer(),
    linesRemoved: p.integer(),
    truncated: p.boolean(),
  },
});
export class CheckpointDiff extends CheckpointDiffSchema.class {}
CheckpointDiffSchema.setClass(CheckpointDiff);
