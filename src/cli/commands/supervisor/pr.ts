import type { Command } from 'commander';
import { CreatePullRequestDocument } from '../../../client/generated/graphql.ts';
import { DAEMON_CALL_MS } from '../../../client/patience.ts';
import { deadlineIn } from '../../../client/slices.ts';
import { newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { EXIT } from '../../exit-codes.ts';
import { teach, wholeNumber } from '../../help.ts';
import { harmless } from '../../style.ts';
import { givenText } from '../../text-input.ts';

interface Options {
  title: string;
  body?: string;
  bodyFile?: string;
  base?: string;
  contract?: string;
  timeout: number;
}

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Pushes a branch, as it is committed, and opens a pull request for it on GitHub; prints its URL alone on stdout. It\n' +
      'may be a branch of the own working copy, of a task on the same machine, or of the repository. When one is open\n' +
      'from that branch already, that is the one. The daemon needs a token: TASKMESH_GITHUB_TOKEN.',
    examples: [
      'PATH fix-login --title "Fix the login"',
      'PATH fix-login --title Fix --body-file notes.md --base main',
    ],
    exits: {
      1: 'refused by GitHub, or here (LOCAL_ONLY, NO_SUPERVISOR, TARGET_MOVED …)',
      5: 'the daemon has not answered yet; the result will be in the log',
    },
  })
    .argument('<branch>', 'the branch to merge')
    .requiredOption('--title <text>', 'title of the pull request')
    .option('--body <text>', 'its text, in Markdown')
    .option('--body-file <file>', 'the text in a file, - for stdin')
    .option('--base <branch>', 'the branch to merge into (default: the base of the contract)')
    .option('--contract <id>', 'the contract (default: the own)')
    .option('--timeout <seconds>', 'how long to wait for the result', wholeNumber(1), 600)
    .action(async (branch: string, options: Options) => {
      const { title, base: baseBranch } = options;
      const body = await givenText(
        { text: options.body, file: options.bodyFile, flag: 'body' },
        cli.terminal,
      );
      const api = await cli.api();
      const contractId = api.contractOr(options.contract);
      const input = { contractId, branch, title, body, baseBranch, requestId: newRequestId() };
      const deadline = deadlineIn(options.timeout);
      const call = async () =>
        (await api.call(CreatePullRequestDocument, { input }, { timeoutMs: DAEMON_CALL_MS }))
          .createPullRequest;
      let pull = await call();
      // The same requestId takes the waiting up again.
      while (pull.pending && performance.now() < deadline) pull = await call();
      if (pull.pending) cli.exitCode = EXIT.timedOut;
      if (pull.pending && !cli.json) {
        cli.note('taskmesh: the daemon has not answered yet; the result will be in the log');
        return;
      }
      cli.result(pull, () => harmless(pull.url ?? ''));
      if (!pull.created && !pull.pending && !cli.json)
        cli.note(`taskmesh: number ${pull.number} was open already`);
    });
}
