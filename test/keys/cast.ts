import { randomBytes } from 'node:crypto';
import type { Api } from '../support/api.ts';
import { HandDaemon, spawn } from '../support/daemon.ts';
import type { TestServer } from '../support/server.ts';
import { rowsOf } from '../support/snapshot.ts';
import { type Furnished, furnish } from './furnish.ts';
import type { Caller, World } from './operations.ts';

/** Everybody who may call, and what there is to call about. */
export interface Cast {
  /** What is asked for: of one owner, in one contract. */
  readonly world: World;
  readonly callers: Readonly<Record<Caller, Api>>;
  /** Who has no valid key, by why. */
  readonly unauthenticated: Readonly<Record<string, Api>>;
  readonly daemon: HandDaemon;
  readonly otherDaemon: HandDaemon;
  readonly theirDaemon: HandDaemon;
  readonly first: Furnished;
  /** Of the same owner. */
  readonly second: Furnished;
  /** Of another owner. */
  readonly theirs: Furnished;
}

export async function assemble({ api, server, newOwner }: TestServer): Promise<Cast> {
  const daemon = (await HandDaemon.connect(api, { name: 'one', max: 100 })).alive();
  const first = await furnish(api, daemon, 'FIRST');
  const second = await furnish(api, daemon, 'SECOND');
  const otherOwner = await newOwner();
  const theirDaemon = (await HandDaemon.connect(otherOwner, { name: 'THEIRS daemon', max: 100 })).alive();
  const theirs = await furnish(otherOwner, theirDaemon, 'THEIRS');

  // One that the first daemon had, and gives back, and the second has, and leaves.
  const movedId = await spawn(api, first.contractId);
  const older = await daemon.start(movedId);
  const otherDaemon = (await HandDaemon.connect(api, { name: 'two' })).alive();
  await daemon.report(movedId, 1, 'INTERRUPTED');
  const left = await otherDaemon.start(movedId);
  await otherDaemon.api.mutate('disconnectDaemon', { epoch: otherDaemon.epoch }, 'daemon { id }');
  await daemon.start(movedId, 3);
  await otherDaemon.register({ name: 'two' });

  await daemon.register({ name: 'one', max: 100, agents: ['shell', 'only-one'] });
  const waiting = await spawn(api, first.contractId, { agent: 'only-one', useOwnWorktree: true });
  const command = await daemon.command('SPAWN_TASK', waiting);

  const key = async (name: string) => api.mutate('createKey', { kind: 'USER', name }, 'key record { id }');
  const [revoked, expired] = [await key('revoked'), await key('expired')];
  await api.mutate('revokeKey', { keyId: revoked.record.id }, '__typename');
  await rowsOf(server, "update key set expires_at = now() - interval '1 hour' where name = 'expired'");
  return {
    world: {
      contractId: first.contractId,
      taskId: first.taskId,
      finishedId: first.finishedId,
      questionId: first.questionId,
      daemonId: daemon.id,
      epoch: daemon.epoch,
      commandId: command.id,
      worktreeId: first.worktreeId,
      keyId: first.keyId,
    },
    callers: {
      user: api,
      supervisor: first.supervisor,
      workTask: first.worker,
      redTeam: first.redTeam,
      daemon: daemon.api,
      otherSupervisor: second.supervisor,
      otherDaemon: otherDaemon.api,
      otherOwner,
      theirSupervisor: theirs.supervisor,
      otherOwnersDaemon: theirDaemon.api,
    },
    unauthenticated: {
      'no key': api.as(null),
      'an unknown key': api.as(`tmk_user_${randomBytes(32).toString('base64url')}`),
      'what is no key': api.as('secret'),
      'a revoked key': api.as(revoked.key),
      'an expired key': api.as(expired.key),
      'the key of a finished task': first.finished,
      'the key of an older attempt': older.agent,
      'the key of an attempt whose daemon left': left.agent,
    },
    daemon,
    otherDaemon,
    theirDaemon,
    first,
    second,
    theirs,
  };
}
