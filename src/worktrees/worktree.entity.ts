import { defineEntity, p } from '@mikro-orm/core';
import { Contract } from '../contracts/contract.entity.ts';
import { Daemon } from '../daemons/daemon.entity.ts';
import { primaryId, reference, timestamp } from '../platform/columns.ts';

/** A working copy: the directory on one daemon in which one or more tasks work. */
const WorktreeSchema = defineEntity({
  name: 'Worktree',
  tableName: 'worktree',
  properties: {
    id: primaryId('worktree'),
    /** The copy that this one continues on another daemon, itself when it is the first: checkpoints belong to it. */
    originId: reference('worktree', (): unknown => Worktree),
    contractId: reference('contract', (): unknown => Contract),
    daemonId: reference('daemon', (): unknown => Daemon),
    repositoryUrl: p.text().nullable(),
    repositoryPath: p.text().nullable(),
    /** null until the daemon has made it. */
    path: p.text().nullable(),
    branch: p.text(),
    /** null: the repository's default branch, until the daemon has said which. */
    baseBranch: p.text().nullable(),
    baseSha: p.text().nullable(),
    createdAt: timestamp(),
    /** When its task went on in another copy, although this one is still there; null while it is the one to use. */
    leftAt: timestamp().nullable(),
  },
});
export class Worktree extends WorktreeSchema.class {}
WorktreeSchema.setClass(Worktree);
