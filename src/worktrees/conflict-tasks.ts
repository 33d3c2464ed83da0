import { sql } from 'kysely';
import { type EntityManager, kysely } from '../platform/database.ts';
import { fromUuid, type Id, toUuid } from '../platform/ids.ts';
import { Task } from '../tasks/task.entity.ts';

/**
 * The tasks of a contract that made the given commits: by a checkpoint, or by being merged in them. Commits of a person
 * or of unknown origin have none.
 */
export async function tasksOfCommits(
  em: EntityManager,
  contractId: Id<'contract'>,
  commits: readonly string[],
): Promise<Map<string, Task>> {
  if (commits.length === 0) return new Map();
  const list = sql.join(commits.map((commit) => sql`${commit}`));
  const contract = toUuid(contractId);
  const { rows } = await sql<{ commit: string; task_id: string }>`
    select c.commit_sha as commit, c.task_id from checkpoint c join task t on t.id = c.task_id
    where t.contract_id = ${contract} and c.commit_sha in (${list})
    union
    select e.data->>'commitSha', e.task_id from contract_event e
    where e.contract_id = ${contract} and e.type = 'MERGE_FINISHED' and e.type <> 'OUTPUT' and e.data->>'commitSha' in (${list})`.execute(
    kysely(em),
  );
  const tasks = await em.find(Task, { id: { $in: rows.map((row) => fromUuid('task', row.task_id)) } });
  const byId = new Map(tasks.map((task) => [task.id, task]));
  return new Map(
    rows.flatMap((row) => {
      const task = byId.get(fromUuid('task', row.task_id));
      return task ? [[row.commit, task] as const] : [];
    }),
  );
}
