import { expect, test } from 'vitest';
import { schema } from '../../src/server/schema.ts';
import type { Api } from '../support/api.ts';
import { eventually } from '../support/api.ts';
import { HandDaemon, spawn } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { furnish } from './furnish.ts';

/** What each mutation writes into the owner's history; null: nothing, since it only reports, or reads. */
const ACTIONS: Readonly<Record<string, string | null>> = {
  createKey: 'key.created',
  rotateKey: 'key.rotated',
  revokeKey: 'key.revoked',
  createContract: 'contract.created',
  updateContract: 'contract.updateContract',
  setContractPhase: 'contract.setContractPhase',
  setDocument: 'contract.setDocument',
  addRepository: 'contract.addRepository',
  removeRepository: 'contract.removeRepository',
  spawnTask: 'spawned',
  sendMessage: 'message.sent',
  pauseTask: 'paused',
  resumeTask: 'resumed',
  cancelTask: 'cancelled',
  retryTask: 'retried',
  createCheckpoint: 'checkpoint.requested',
  mergeTask: 'merge.requested',
  createBranch: 'branch.requested',
  askQuestion: 'question.asked',
  answerQuestion: 'question.answered',
  withdrawQuestion: 'question.withdrawn',
  notifySupervisor: 'redTeam.notified',
  finishTask: 'finished',
  rewindConversation: 'conversation.rewound',
  resumeSupervisor: 'supervisor.resumed',
  drainDaemon: 'daemon.drained',
  registerDaemon: 'daemon.registered',
  completeContract: 'contract.completed',
  archiveContract: 'contract.archiveContract',
  deleteContract: 'contract.deleteContract',
  removeDaemon: 'daemon.removed',
  // Not done below: it takes a remote.
  createPullRequest: 'pullRequest.requested',
  // Nor these, which take a provider's token.
  linkIdentity: 'identity.linked',
  unlinkIdentity: 'identity.unlinked',
  awaitAnswer: null,
  acknowledgeAnswer: null,
  acknowledgeMessages: null,
  heartbeatDaemon: null,
  disconnectDaemon: null,
  acceptCommand: null,
  completeCommand: null,
  reportTask: null,
  appendTaskOutput: null,
  uploadCheckpointPart: null,
  recordCheckpoint: null,
};

const { api } = await startTestServer({ logLevel: 'silent' });

interface Entry {
  readonly action: string;
  readonly actorKind: string;
  readonly actor: string;
  readonly address: string | null;
}

async function history(): Promise<Entry[]> {
  const query = '{ history(first: 500) { nodes { action actorKind actor address } } }';
  return (await api.ask(query)).history.nodes;
}

test('every mutation says here what it leaves in the history', () => {
  const fields = Object.keys(schema.getMutationType()?.getFields() ?? {});
  expect(Object.keys(ACTIONS).sort()).toEqual(fields.sort());
});

test('whatever somebody does is in the history, with who did it and from where', async () => {
  const daemon = (await HandDaemon.connect(api, { max: 100 })).alive();
  const made = await furnish(api, daemon, 'AUDIT');
  const { contractId, supervisor, supervisorId, worker, workerId, taskId } = made;
  const never = new AbortController();
  const seen = new Set<string>();

  /** Does it, and expects one entry more, by that caller. @param selection of the payload; null: it is not waited for */
  const act = async (caller: Api, name: string, input: object, selection: string | null = '__typename') => {
    const kind = (await caller.ask('{ viewer { kind } }')).viewer.kind;
    const before = (await history()).length;
    // Some wait for the daemon, which never answers: they are written down before that.
    const doing = caller.mutate(name, input, selection ?? '__typename', never.signal);
    const failed = doing.then(
      () => null,
      (error: unknown) => error,
    );
    const entry = await eventually(async () => {
      const now = await history();
      if (now.length > before) return now[0];
      const error = await Promise.race([failed, null]);
      if (error) throw error;
      return false;
    });
    expect(entry, name).toMatchObject({
      action: ACTIONS[name],
      actorKind: kind,
      actor: expect.stringMatching(/./),
      address: '127.0.0.1',
    });
    seen.add(name);
    return selection === null ? null : doing;
  };

  const { record } = await act(api, 'createKey', { kind: 'USER', name: 'n' }, 'record { id }');
  const rotated = await act(api, 'rotateKey', { keyId: record.id }, 'record { id }');
  await act(api, 'revokeKey', { keyId: rotated.record.id });
  await act(supervisor, 'setContractPhase', { phase: 'REVIEW' });
  await act(supervisor, 'setDocument', { name: 'd', content: 'c' });
  await act(api, 'updateContract', { contractId, description: 'new' });
  const repository = { localPath: '/repositories/more' };
  await act(api, 'addRepository', { contractId, repository });
  const { contract } = await api.ask(
    'query($id: ID!) { contract(id: $id) { repositories { id localPath } } }',
    { id: contractId },
  );
  const added = contract.repositories.find(
    ({ localPath }: typeof repository) => localPath === '/repositories/more',
  );
  await act(api, 'removeRepository', { contractId, repositoryId: added.id });
  const { task } = await act(
    supervisor,
    'spawnTask',
    { name: 'x', plan: 'x', agent: 'nobody' },
    'task { id }',
  );
  await act(supervisor, 'sendMessage', { taskId: task.id, content: 'x' });
  await act(api, 'cancelTask', { taskId: task.id });
  await act(api, 'retryTask', { taskId: task.id });
  await act(worker, 'createCheckpoint', { taskId: workerId, message: 'm' }, null);
  await act(supervisor, 'mergeTask', { taskId: made.finishedId, dryRun: true }, null);
  await act(supervisor, 'createBranch', { branchName: 'b' }, null);
  const question = { question: 'q?', waitSeconds: 0 };
  const first = await act(supervisor, 'askQuestion', question, 'question { id }');
  await act(api, 'answerQuestion', { questionId: first.question.id, text: 'yes' });
  const second = await supervisor.mutate('askQuestion', { ...question, question: 'r?' }, 'question { id }');
  await act(supervisor, 'withdrawQuestion', { questionId: second.question.id });
  await act(made.redTeam, 'notifySupervisor', { message: 'm', severity: 'LOW' });
  await act(supervisor, 'pauseTask', { taskId });
  await act(supervisor, 'resumeTask', { taskId });
  await act(worker, 'finishTask', { summary: 's' });
  await daemon.report(supervisorId, 1, 'FAILED', { outputCount: 2 });
  await act(api, 'rewindConversation', { contractId, byMessageCount: 1 });
  await act(api, 'resumeSupervisor', { contractId, mode: 'RESTART_PHASE' });
  await act(api, 'drainDaemon', { daemonId: daemon.id });
  await act(api, 'completeContract', { contractId, cancelTasks: true });
  const other = await act(api, 'createContract', { name: 'o', startSupervisor: false }, 'contract { id }');
  await spawn(api, other.contract.id, { agent: 'nobody', repositoryUrl: 'https://example.com/x.git' });
  await api.mutate('completeContract', { contractId: other.contract.id, cancelTasks: true }, '__typename');
  await act(api, 'archiveContract', { contractId: other.contract.id });
  await act(api, 'deleteContract', { contractId: other.contract.id });
  const { key } = await api.mutate('createKey', { kind: 'DAEMON', name: 'fresh' }, 'key');
  const fresh = { name: 'fresh', hostname: 'h', version: '0', agents: [], maxConcurrentTasks: 1 };
  const registered = await act(api.as(key), 'registerDaemon', fresh, 'daemon { id } epoch');
  await api.as(key).mutate('disconnectDaemon', { epoch: registered.epoch }, '__typename');
  await act(api, 'removeDaemon', { daemonId: registered.daemon.id });
  never.abort();
  const left = Object.keys(ACTIONS).filter((name) => ACTIONS[name] !== null && !seen.has(name));
  expect(left).toEqual(['createPullRequest', 'linkIdentity', 'unlinkIdentity']);
});

test('a request that is repeated is in the history once', async () => {
  const input = { name: 'once', startSupervisor: false, requestId: 'the same' };
  await api.mutate('createContract', input, '__typename');
  const before = await history();
  await api.mutate('createContract', input, '__typename');
  expect(await history()).toEqual(before);
});
