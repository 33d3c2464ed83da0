import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { type Id, toUuid } from '../../src/platform/ids.ts';

/** Copies of one task, each with its working copy, a checkpoint and a question, as they would be after long work. */
export async function seedTree(client: pg.Client, taskId: string, count: number): Promise<void> {
  const task = toUuid(taskId as Id);
  const copy = (row: string, changes: string) =>
    `(jsonb_populate_record(${row}, jsonb_build_object(${changes}))).*`;
  await client.query('begin');
  await client.query(
    `create temporary table made on commit drop as
     select n, gen_random_uuid() as task, gen_random_uuid() as worktree from generate_series(1, ${count - 2}) as n`,
  );
  await client.query(
    `insert into worktree select ${copy('w', `'id', made.worktree, 'origin_id', made.worktree, 'branch', 'branch ' || n`)}
     from task t join worktree w on w.id = t.worktree_id, made where t.id = $1`,
    [task],
  );
  await client.query(
    `insert into task select ${copy('t', `'id', made.task, 'worktree_id', made.worktree, 'name', 'Task ' || n`)}
     from task t, made where t.id = $1`,
    [task],
  );
  await client.query(
    `insert into checkpoint (id, worktree_id, origin_id, task_id, number, commit_sha, base_sha, branch, message, files_changed,
       lines_added, lines_removed, upload_id, parts, bytes, created_at)
     select gen_random_uuid(), worktree, worktree, task, 1, repeat('1', 40), repeat('2', 40), 'branch', 'Work', 3, 100, 20,
       '${randomBytes(6).toString('hex')}' || n, 0, 0, now() from made`,
  );
  await client.query(
    `insert into question (id, owner_id, contract_id, task_id, question, timeout_seconds, asked_change, created_at)
     select gen_random_uuid(), t.owner_id, t.contract_id, made.task, 'Which one?', 600,
       n + (select coalesce(max(asked_change), 1000000) from question), now()
     from task t, made where t.id = $1`,
    [task],
  );
  await client.query('commit');
  await client.query('analyze');
}

/**
 * Other owners, each with a connected daemon, five that left, and an open contract with a budget and a red team, whose
 * supervisor waits and has been told of its 50 tasks.
 */
export async function seedOwners(client: pg.Client, count: number): Promise<void> {
  const task =
    'id, owner_id, contract_id, name, plan, role, status, attempt, agent, told_at, created_at, updated_at';
  const tasks = (role: string, status: string, toldAt: string, each: number) =>
    `insert into task (${task})
     select gen_random_uuid(), owner, contract, 'Task', 'work', '${role}', '${status}', 1, 'shell', ${toldAt}, now(), now()
     from made, generate_series(1, ${each})`;
  const daemons = (status: string, each: number) =>
    `insert into daemon (id, owner_id, name, hostname, daemon_version, status, agents, local_paths, max_concurrent_tasks,
       last_heartbeat_at, created_at)
     select gen_random_uuid(), owner, '${status} ' || k, 'bench', '0', '${status}', '{shell}', '{/repositories}', 4,
       now() + interval '1 day', now() from made, generate_series(1, ${each}) as k`;
  const statements = [
    'begin',
    `create temporary table made on commit drop as
     select gen_random_uuid() as owner, gen_random_uuid() as contract from generate_series(1, ${count})`,
    `insert into owner (id, name, created_at) select owner, 'Other', now() from made`,
    daemons('CONNECTED', 1),
    daemons('DISCONNECTED', 5),
    `insert into contract (id, owner_id, name, agent, red_team_enabled, budget_usd, created_at, updated_at)
     select contract, owner, 'Bench', 'shell', true, 1000, now(), now() from made`,
    'insert into contract_counter (contract_id) select contract from made',
    tasks('SUPERVISOR', 'WAITING', 'null', 1),
    tasks('RED_TEAM', 'WAITING', 'null', 1),
    tasks('WORK', 'DONE', 'now()', 50),
    'commit',
    'analyze',
  ];
  for (const statement of statements) await client.query(statement);
}

/** Lines in a contract's log, as appendTaskOutput would have stored them one after the other. */
export async function seedLog(
  client: pg.Client,
  contractId: string,
  taskId: string,
  count: number,
): Promise<void> {
  const contract = toUuid(contractId as Id);
  await client.query(
    `with counter as (update contract_counter set last = last + $2::int where contract_id = $1 returning last)
     insert into contract_event (contract_id, sequence, type, task_id, data, occurred_at)
     select $1, counter.last - $2::int + n, 'OUTPUT', $3, jsonb_build_object('type', 'STDOUT', 'attempt', 1, 'role', 'WORK',
       'content', 'line ' || n || ' of output, as long as lines of a build usually are, 72 characters',
       'createdAt', '2026-11-24T12:00:00.000Z'), now()
     from counter, generate_series(1, $2::int) as n`,
    [contract, count, toUuid(taskId as Id)],
  );
  await client.query('analyze contract_event');
}
