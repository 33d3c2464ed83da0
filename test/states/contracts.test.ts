import { expect, test } from 'vitest';
import { CONTRACT_STATUSES, type ContractStatus } from '../../src/contracts/contract.entity.ts';
import { openContract } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing } from '../support/snapshot.ts';

const { api, server } = await startTestServer();

async function contract(status: ContractStatus): Promise<string> {
  const { contractId } = await openContract(api, { startSupervisor: false });
  if (status !== 'ACTIVE') await api.mutate('completeContract', { contractId }, 'contract { id }');
  if (status === 'ARCHIVED') await api.mutate('archiveContract', { contractId }, 'contract { id }');
  return contractId;
}

/** For each call what it makes of each state: the next one, '(gone)', or the refusal. */
const TABLE: Record<string, { readonly input?: object; readonly row: Record<ContractStatus, string> }> = {
  completeContract: {
    row: { ACTIVE: 'COMPLETED', COMPLETED: 'CONTRACT_CLOSED', ARCHIVED: 'CONTRACT_CLOSED' },
  },
  archiveContract: { row: { ACTIVE: 'INVALID_TRANSITION', COMPLETED: 'ARCHIVED', ARCHIVED: 'ARCHIVED' } },
  deleteContract: {
    row: { ACTIVE: 'INVALID_TRANSITION', COMPLETED: 'INVALID_TRANSITION', ARCHIVED: '(gone)' },
  },
  updateContract: {
    input: { name: 'x' },
    row: { ACTIVE: 'ACTIVE', COMPLETED: 'COMPLETED', ARCHIVED: 'ARCHIVED' },
  },
  setContractPhase: {
    input: { phase: 'REVIEW' },
    row: { ACTIVE: 'ACTIVE', COMPLETED: 'CONTRACT_CLOSED', ARCHIVED: 'CONTRACT_CLOSED' },
  },
  setDocument: {
    input: { name: 'x', content: 'x' },
    row: { ACTIVE: 'ACTIVE', COMPLETED: 'CONTRACT_CLOSED', ARCHIVED: 'CONTRACT_CLOSED' },
  },
  addRepository: {
    input: { repository: { localPath: '/repositories/two' } },
    row: { ACTIVE: 'ACTIVE', COMPLETED: 'CONTRACT_CLOSED', ARCHIVED: 'CONTRACT_CLOSED' },
  },
  spawnTask: {
    input: { name: 'x', plan: 'x', agent: 'none' },
    row: { ACTIVE: 'ACTIVE', COMPLETED: 'CONTRACT_CLOSED', ARCHIVED: 'CONTRACT_CLOSED' },
  },
  resumeSupervisor: {
    row: { ACTIVE: 'NO_SUPERVISOR', COMPLETED: 'CONTRACT_CLOSED', ARCHIVED: 'CONTRACT_CLOSED' },
  },
  rewindConversation: {
    row: { ACTIVE: 'NO_SUPERVISOR', COMPLETED: 'CONTRACT_CLOSED', ARCHIVED: 'CONTRACT_CLOSED' },
  },
};
const STAYS: readonly string[] = [...CONTRACT_STATUSES, '(gone)'];
const cells = Object.entries(TABLE).flatMap(([name, { row }]) =>
  CONTRACT_STATUSES.map((status) => [name, status, row[status]] as const),
);
test.each(cells)('%s of a contract that is %s: %s', async (name, status, expected) => {
  const contractId = await contract(status);
  const input = { contractId, ...TABLE[name]?.input };
  if (!STAYS.includes(expected)) {
    const refused = await changesNothing(server, () => api.mutationRefused(name, input));
    expect(refused.code).toBe(expected);
    return;
  }
  await api.mutate(name, input, '__typename');
  const query = 'query($id: ID!) { contract(id: $id) { status } }';
  if (expected === '(gone)') expect((await api.refused(query, { id: contractId })).code).toBe('NOT_FOUND');
  else expect((await api.ask(query, { id: contractId })).contract.status).toBe(expected);
});
