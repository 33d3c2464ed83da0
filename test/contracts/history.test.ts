import { expect, test } from 'vitest';
import { schema } from '../../src/server/schema.ts';
import type { Answer, Api } from '../support/api.ts';
import { eventually } from '../support/api.ts';
import { HandDaemon, openContract, spawn } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';

const { api } = await startTestServer();
const daemon = (await HandDaemon.connect(api, { max: 20 })).alive();
const { contractId, supervisorId } = await openContract(api, {
  redTeamEnabled: true,
  repositories: [{ url: 'https://example.com/one.git' }],
});
const { agent: supervisor } = await daemon.start(supervisorId, 1, 's');
const started = async (): Promise<{ id: string; agent: Api }> => {
  const id = await spawn(api, contractId);
  return { id, agent: (await daemon.start(id)).agent };
};
const [running, ending, done] = [await started(), await started(), await started()];
await daemon.report(done.id, 1, 'DONE');
const redTeamId = await eventually(async () => {
  const query = 'query($id: ID!) { tasks(contractId: $id, role: RED_TEAM) { nodes { id } } }';
  return (await api.ask(query, { id: contractId })).tasks.nodes[0]?.id as string | undefined;
});
const redTeam = await daemon.start(redTeamId, 1, 'r');
const other = (await openContract(api, { startSupervisor: false })).contractId;
const spare = await api.mutate('createKey', { kind: 'USER', name: 'spare' }, 'record { id }');
const unused = (await HandDaemon.connect(api, { name: 'unused', agents: [] })).id;

/** The latest entries, the newest first. */
const lately = async (): Promise<Answer[]> => {
  const query = '{ history(first: 20) { nodes { id action actorKind address } } }';
  return (await api.ask(query)).history.nodes;
};
const made = async (name: string, what: string, input: object) =>
  (await api.mutate(name, input, `${what} { id }`))[what].id;
const ask = (question: string) => made('askQuestion', 'question', { contractId, question, waitSeconds: 0 });

type Input = () => object | Promise<object>;
/** Mutation, what is sent, the action in the history, and who calls. In an order in which each can be done. */
const RECORDED: [string, Input, string, Api?][] = [
  ['createContract', () => ({ name: 'x', startSupervisor: false }), 'contract.created'],
  ['updateContract', () => ({ contractId, name: 'y' }), 'contract.updateContract'],
  ['setContractPhase', () => ({ phase: 'PLAN' }), 'contract.setContractPhase', supervisor],
  ['setDocument', () => ({ name: 'd', content: 'c' }), 'contract.setDocument', supervisor],
  [
    'addRepository',
    () => ({ contractId: other, repository: { localPath: '/two' } }),
    'contract.addRepository',
  ],
  [
    'removeRepository',
    async () => {
      const repository = { contractId: other, repository: { localPath: '/three' } };
      return { contractId: other, repositoryId: await made('addRepository', 'repository', repository) };
    },
    'contract.removeRepository',
  ],
  ['spawnTask', () => ({ name: 'x', plan: 'x', agent: 'nobody' }), 'spawned', supervisor],
  ['sendMessage', () => ({ taskId: running.id, content: 'x' }), 'message.sent', supervisor],
  ['pauseTask', () => ({ taskId: running.id }), 'paused'],
  ['resumeTask', () => ({ taskId: running.id }), 'resumed'],
  ['finishTask', () => ({ summary: 'x' }), 'finished', ending.agent],
  ['cancelTask', async () => ({ taskId: await spawn(api, contractId, { agent: 'nobody' }) }), 'cancelled'],
  [
    'retryTask',
    async () => {
      const taskId = await spawn(api, contractId, { agent: 'nobody' });
      await api.mutate('cancelTask', { taskId }, 'task { id }');
      return { taskId };
    },
    'retried',
  ],
  ['notifySupervisor', () => ({ message: 'x', severity: 'HIGH' }), 'redTeam.notified', redTeam.agent],
  ['askQuestion', () => ({ question: '?', waitSeconds: 0 }), 'question.asked', supervisor],
  ['answerQuestion', async () => ({ questionId: await ask('1?'), text: 'x' }), 'question.answered'],
  ['withdrawQuestion', async () => ({ questionId: await ask('2?') }), 'question.withdrawn', supervisor],
  ['createCheckpoint', () => ({ taskId: running.id, message: 'x' }), 'checkpoint.requested', running.agent],
  ['mergeTask', () => ({ taskId: done.id }), 'merge.requested', supervisor],
  ['createBranch', () => ({ branchName: 'x' }), 'branch.requested', supervisor],
  ['createPullRequest', () => ({ branch: 'x', title: 'x' }), 'pullRequest.requested', supervisor],
  ['rewindConversation', () => ({ contractId }), 'conversation.rewound'],
  ['resumeSupervisor', () => ({ contractId }), 'supervisor.resumed'],
  ['completeContract', () => ({ contractId: other }), 'contract.completed'],
  ['archiveContract', () => ({ contractId: other }), 'contract.archiveContract'],
  ['deleteContract', () => ({ contractId: other }), 'contract.deleteContract'],
  ['createKey', () => ({ kind: 'USER', name: 'x' }), 'key.created'],
  ['rotateKey', () => ({ keyId: spare.record.id, graceSeconds: 60 }), 'key.rotated'],
  ['revokeKey', () => ({ keyId: spare.record.id }), 'key.revoked'],
  ['drainDaemon', () => ({ daemonId: unused }), 'daemon.drained'],
  ['removeDaemon', () => ({ daemonId: unused }), 'daemon.removed'],
];
/** Asked of a daemon, which refuses here: that it was asked for stands there all the same. */
const ASKED: Record<string, string> = {
  createCheckpoint: 'CREATE_CHECKPOINT',
  mergeTask: 'MERGE_TASK',
  createBranch: 'CREATE_BRANCH',
  createPullRequest: 'CREATE_PULL_REQUEST',
};
/** What daemons and clients do for the machinery: it stands in the log where it matters. Identities: see test/keys. */
const OTHERS = [
  ...['acceptCommand', 'completeCommand', 'reportTask', 'appendTaskOutput', 'uploadCheckpointPart'],
  ...['recordCheckpoint', 'registerDaemon', 'heartbeatDaemon', 'disconnectDaemon'],
  ...['awaitAnswer', 'acknowledgeAnswer', 'acknowledgeMessages', 'linkIdentity', 'unlinkIdentity'],
];

test.each(RECORDED)(
  '%s stands in the history, with who did it and from where',
  async (name, input, action, by = api) => {
    const type = ASKED[name];
    const value = await input();
    const [before] = await lately();
    const calling = type ? by.mutationRefused(name, value) : by.mutate(name, value, '__typename');
    if (type) {
      const taskId = (value as { taskId?: string }).taskId ?? supervisorId;
      const command = await daemon.command(type, taskId);
      await daemon.fail(command, 'COMMAND_FAILED', 'no');
    }
    await calling;
    const kinds = new Map([
      [supervisor, 'SUPERVISOR'],
      [redTeam.agent, 'RED_TEAM'],
      [running.agent, 'WORK'],
      [ending.agent, 'WORK'],
    ]);
    const entries = await lately();
    const since = entries.slice(
      0,
      entries.findIndex(({ id }) => id === before?.id),
    );
    expect(since).toEqual([
      { id: expect.any(String), action, actorKind: kinds.get(by) ?? 'USER', address: '127.0.0.1' },
    ]);
  },
);

test('every mutation is recorded, or said not to be', () => {
  const all = Object.keys(schema.getMutationType()?.getFields() ?? {});
  expect([...RECORDED.map(([name]) => name), ...OTHERS].sort()).toEqual(all.sort());
});

test('a request that is repeated is in the history once', async () => {
  const input = { name: 'once', startSupervisor: false, requestId: 'the same' };
  const query = '{ history(first: 5) { nodes { id } } }';
  await api.mutate('createContract', input, '__typename');
  const before = await api.ask(query);
  await api.mutate('createContract', input, '__typename');
  expect(await api.ask(query)).toEqual(before);
});
