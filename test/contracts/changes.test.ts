import { expect, test } from 'vitest';
import { HandDaemon, openContract } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';

const { api } = await startTestServer();
const CONTRACT = `query($id: ID!) { contract(id: $id) {
  name description phase status repositories { id localPath isPrimary } documents { name phase content } lastSequence } }`;
const read = async (id: string) => (await api.ask(CONTRACT, { id })).contract;
const open = (more: object = {}) => openContract(api, { startSupervisor: false, ...more });

test('updateContract changes what is given, leaves the rest, and says so in the log', async () => {
  const { contractId } = await open({ description: 'before' });
  const events = api.subscribe(
    'subscription($id: ID!) { contractEvents(contractId: $id, afterSequence: 0, types: [CONTRACT_UPDATED]) { ... on ContractChangedEvent { updatedFields } } }',
    { id: contractId },
  );
  await api.mutate('updateContract', { contractId, name: 'After' }, 'contract { id }');
  expect(await read(contractId)).toMatchObject({ name: 'After', description: 'before' });
  expect(await events.count(1)).toEqual([{ updatedFields: ['name'] }]);
  await api.mutate('updateContract', { contractId, description: '' }, 'contract { id }');
  expect((await read(contractId)).description).toBeNull();
  expect(await api.mutationRefused('updateContract', { contractId, name: ' ' })).toMatchObject({
    code: 'INVALID_INPUT',
    field: 'name',
  });
  expect(await api.mutationRefused('updateContract', { contractId })).toMatchObject({
    code: 'INVALID_INPUT',
  });
});

test('a supervisor sets the phase and writes documents; the document of a name is written anew', async () => {
  const { contractId, supervisorId } = await openContract(api);
  const daemon = await HandDaemon.connect(api);
  const { agent } = await daemon.start(supervisorId);
  await agent.mutate('setContractPhase', { phase: 'PLAN' }, 'contract { phase }');
  await agent.mutate('setDocument', { name: 'plan', phase: 'PLAN', content: 'one' }, 'document { id }');
  await agent.mutate('setDocument', { name: 'plan', content: 'two' }, 'document { id }');
  expect(await read(contractId)).toMatchObject({
    phase: 'PLAN',
    documents: [{ name: 'plan', phase: 'PLAN', content: 'two' }],
  });
});

test('a new primary repository takes the place of the old one', async () => {
  const { contractId } = await open();
  const repository = { localPath: '/repositories/two', isPrimary: true };
  const added = await api.mutate(
    'addRepository',
    { contractId, repository, requestId: 'r' },
    'repository { id }',
  );
  const again = await api.mutate(
    'addRepository',
    { contractId, repository, requestId: 'r' },
    'repository { id }',
  );
  expect(again).toEqual(added);
  expect((await read(contractId)).repositories).toMatchObject([
    { localPath: '/repositories/one', isPrimary: false },
    { localPath: '/repositories/two', isPrimary: true },
  ]);
  await api.mutate('removeRepository', { contractId, repositoryId: added.repository.id }, 'contract { id }');
  expect((await read(contractId)).repositories).toHaveLength(1);
  const both = { url: 'https://example.com/x.git', localPath: '/x' };
  expect(await api.mutationRefused('addRepository', { contractId, repository: both })).toMatchObject({
    code: 'INVALID_INPUT',
  });
});

test('a contract is archived only when completed, and deleted only when archived; the history remembers it', async () => {
  const { contractId } = await open({ name: 'To go' });
  for (const name of ['archiveContract', 'deleteContract']) {
    expect(await api.mutationRefused(name, { contractId })).toMatchObject({ code: 'INVALID_TRANSITION' });
  }
  await api.mutate('completeContract', { contractId }, 'contract { id }');
  for (const [name, input] of [
    ['setContractPhase', { phase: 'PLAN' }],
    ['setDocument', { name: 'x', content: 'x' }],
    ['addRepository', { repository: { localPath: '/x' } }],
  ] as const) {
    expect(await api.mutationRefused(name, { contractId, ...input })).toMatchObject({
      code: 'CONTRACT_CLOSED',
    });
  }
  await api.mutate('archiveContract', { contractId }, 'contract { status }');
  expect(await read(contractId)).toMatchObject({ status: 'ARCHIVED' });
  await api.mutate('deleteContract', { contractId }, 'contractId');
  expect(await api.refused(CONTRACT, { id: contractId })).toMatchObject({ code: 'NOT_FOUND' });
  const { history } = await api.ask(
    'query($id: ID!) { history(contractId: $id) { nodes { action actor actorKind contract { id } address details } } }',
    { id: contractId },
  );
  expect(history.nodes.map((entry: { action: string }) => entry.action)).toEqual([
    'contract.deleteContract',
    'contract.archiveContract',
    'contract.completed',
    'contract.created',
  ]);
  expect(history.nodes[0]).toMatchObject({ actorKind: 'USER', contract: null, details: { name: 'To go' } });
  expect(history.nodes[0].address).toMatch(/127\.0\.0\.1$/);
});

test('changes of a contract and output of its tasks at the same moment never block each other', async () => {
  const { contractId, supervisorId } = await openContract(api, { agent: 'other' });
  const daemon = await HandDaemon.connect(api, { agents: ['other'] });
  await daemon.start(supervisorId);
  let index = 0;
  const output = async () => {
    for (; index < 150; index += 1) await daemon.append(supervisorId, 1, index, ['line']);
  };
  const change = async (who: number) => {
    for (let n = 0; n < 30; n += 1)
      await api.mutate('updateContract', { contractId, name: `By ${who}: ${n}` }, 'contract { id }');
  };
  await Promise.all([output(), change(1), change(2), change(3)]);
  expect(index).toBe(150);
});
