import { type ContractPhase, SetContractPhaseDocument } from '../client/generated/graphql.ts';
import { newRequestId } from './api.ts';
import type { Cli } from './cli.ts';

/** In the order in which a contract usually goes through them. */
export const PHASES = [
  'RESEARCH',
  'SPECIFY',
  'PLAN',
  'EXECUTE',
  'REVIEW',
] as const satisfies readonly ContractPhase[];

/** As help texts name them. */
export const PHASE_NAMES = `${PHASES.slice(0, -1).join(', ').toLowerCase()} or ${PHASES.at(-1)?.toLowerCase()}`;

/** @param contractId undefined for a supervisor, whose key says which */
export async function setPhase(
  cli: Cli,
  contractId: string | undefined,
  phase: ContractPhase,
): Promise<void> {
  const api = await cli.api();
  const { setContractPhase } = await api.call(SetContractPhaseDocument, {
    input: { contractId, phase, requestId: newRequestId() },
  });
  const { contract } = setContractPhase;
  cli.result(contract, () => `${contract.id} ${contract.phase}`);
}
