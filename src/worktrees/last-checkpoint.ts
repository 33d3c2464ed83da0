import { Checkpoint } from '../checkpoints/checkpoint.entity.ts';
import type { EntityManager } from '../platform/database.ts';
import type { Restore } from '../platform/protocol.ts';
import type { Worktree } from './worktree.entity.ts';

/** The latest checkpoint of a working copy, also of those it continues; null when there is none. */
export async function lastCheckpoint(
  em: EntityManager,
  { originId }: Pick<Worktree, 'originId'>,
): Promise<Checkpoint | null> {
  const [last] = await em.find(Checkpoint, { originId }, { orderBy: { number: 'desc' }, limit: 1 });
  return last ?? null;
}

/** How a daemon is told of a checkpoint that it is to bring to its machine. */
export function asRestore({ id, number, commitSha, baseSha, parts }: Checkpoint): Restore {
  return { checkpointId: id, number, commitSha, baseSha, parts };
}
