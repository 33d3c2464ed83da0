import { eventually } from '../../test/support/api.ts';
import { git } from '../../test/support/processes.ts';
import type { World } from './world.ts';

export interface Supervised {
  readonly contractId: string;
  /** The supervisor's task. */
  readonly id: string;
  /** Its working copy. */
  readonly path: string;
}

/** A contract whose supervisor is there, has its working copy, and does nothing until a file `stop` is in it. */
export async function superviseOn(world: World): Promise<Supervised> {
  const input = {
    name: 'Supervised',
    agent: 'shell',
    supervisorPlan: 'while [ ! -e stop ]; do sleep 0.2; done',
    repositories: [{ localPath: world.repository, isPrimary: true }],
  };
  const { contract, supervisor } = await world
    .api()
    .mutate('createContract', input, 'contract { id } supervisor { id }');
  const query = 'query($id: ID!) { task(id: $id) { worktree { path } } }';
  const path = await eventually(
    async () => (await world.api().ask(query, { id: supervisor.id })).task.worktree?.path,
    30_000,
  );
  return { contractId: contract.id, id: supervisor.id, path };
}

export function branchCount(repository: string, name: string): number {
  const found = git(repository, 'for-each-ref', '--format=%(refname)', `refs/heads/${name}`);
  return found === '' ? 0 : found.split('\n').length;
}

/** How many merges of a task are in the history of a branch. */
export function mergeCount(repository: string, branch: string, taskId: string): number {
  const trailers = git(repository, 'log', branch, '--format=%(trailers:key=Taskmesh-Task,valueonly)');
  return trailers.split('\n').filter((line) => line === taskId).length;
}
