import type { Command } from 'commander';
import { CreateBranchDocument } from '../../../client/generated/graphql.ts';
import { DAEMON_CALL_MS } from '../../../client/patience.ts';
import { deadlineIn } from '../../../client/slices.ts';
import { newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { EXIT } from '../../exit-codes.ts';
import { teach, wholeNumber } from '../../help.ts';
import { harmless } from '../../style.ts';

interface Options {
  from?: string;
  contract?: string;
  timeout: number;
}

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Makes a branch in the working copy of the supervisor and in the repository; in a local-only contract on a URL in\n' +
      'the working copy alone. Without --from it starts at what is committed there. One that is there already at that\n' +
      'commit is fine.',
    examples: ['PATH release/2.1', 'PATH fix-login --from main'],
    exits: {
      1: 'refused (NO_SUPERVISOR, NO_DAEMON, TARGET_DIRTY …)',
      2: 'wrong usage, a name git refuses, or the branch is at another commit',
      5: 'the daemon has not answered yet; the result will be in the log',
    },
  })
    .argument('<name>', 'name of the branch')
    .option('--from <ref>', 'a branch of the repository, or a full commit id, to start from')
    .option('--contract <id>', 'the contract (default: the own)')
    .option('--timeout <seconds>', 'how long to wait for the result', wholeNumber(1), 600)
    .action(async (branchName: string, options: Options) => {
      const api = await cli.api();
      const contractId = api.contractOr(options.contract);
      const input = { contractId, branchName, fromRef: options.from, requestId: newRequestId() };
      const deadline = deadlineIn(options.timeout);
      const call = async () =>
        (await api.call(CreateBranchDocument, { input }, { timeoutMs: DAEMON_CALL_MS })).createBranch;
      let branch = await call();
      // The same requestId takes the waiting up again.
      while (branch.pending && performance.now() < deadline) branch = await call();
      if (branch.pending) cli.exitCode = EXIT.timedOut;
      cli.result(branch, () =>
        branch.pending
          ? 'The daemon has not answered yet; the result will be in the log.'
          : `${harmless(branch.branchName)} is at ${branch.commitSha}`,
      );
    });
}
