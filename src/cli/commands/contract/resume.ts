import type { Command } from 'commander';
import { type ResumeMode, ResumeSupervisorDocument } from '../../../client/generated/graphql.ts';
import { newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { usageFailure } from '../../failures.ts';
import { teach } from '../../help.ts';
import { harmless } from '../../style.ts';

interface Options {
  restartPhase?: true;
  checkpoint?: string;
}

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Starts the supervisor of a contract again that does not run: where it was, with its code and its conversation.\n' +
      'With --restart-phase it begins the phase anew, without its conversation; with --checkpoint it gets code and\n' +
      'conversation as they were then.',
    examples: [
      'PATH contract_01k…',
      'PATH contract_01k… --restart-phase',
      'PATH contract_01k… --checkpoint checkpoint_01k…      # taskmesh task checkpoints SUPERVISOR lists them',
    ],
    exits: {
      1: 'it runs already (ALREADY_RUNNING), or cannot (NO_SUPERVISOR, NO_DAEMON, CONTRACT_CLOSED)',
      4: 'there is no such contract or checkpoint',
    },
  })
    .argument('<contract>', 'id of the contract')
    .option('--restart-phase', 'begin the phase anew: its code stays, its conversation goes')
    .option('--checkpoint <checkpoint>', 'code and conversation as they were at this checkpoint')
    .action(async (contractId: string, options: Options) => {
      const mode = modeOf(options);
      const api = await cli.api();
      const { resumeSupervisor } = await api.call(ResumeSupervisorDocument, {
        input: { contractId, mode, checkpointId: options.checkpoint, requestId: newRequestId() },
      });
      const { task, status, daemon, resumedFrom } = resumeSupervisor;
      cli.result(resumeSupervisor, () => {
        const where = daemon ? ` on ${harmless(daemon.name)}` : '';
        const told = `${resumedFrom.messageCount} message${resumedFrom.messageCount === 1 ? '' : 's'}`;
        return `${task.id} ${status}${where}, in ${resumedFrom.phase} with ${told}`;
      });
      if (task.pendingReason) cli.hint(`It has not started yet. ${harmless(task.pendingReason)}`);
    });
}

function modeOf({ restartPhase, checkpoint }: Options): ResumeMode {
  if (restartPhase && checkpoint !== undefined)
    throw usageFailure(
      '--restart-phase keeps the code and --checkpoint takes it back. Give one.',
      'checkpoint',
    );
  if (checkpoint !== undefined) return 'FROM_CHECKPOINT';
  return restartPhase ? 'RESTART_PHASE' : 'CONTINUE';
}
