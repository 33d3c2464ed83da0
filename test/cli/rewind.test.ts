import { describe, expect, it } from 'vitest';
import { FakeApi } from './support/fake-api.ts';
import { asPerson, runCli } from './support/run-cli.ts';

describe('contract rewind', () => {
  const rewound = (more: object = {}) => ({
    rewindConversation: {
      messagesRemoved: 2,
      newMessageCount: 5,
      codeRewound: true,
      pending: false,
      checkpoint: {
        id: 'checkpoint_3',
        number: 3,
        message: 'tests pass',
        createdAt: '2026-01-02T03:04:05.000Z',
      },
      undoCheckpoint: { id: 'checkpoint_9', number: 9 },
      ...more,
    },
  });
  const argv = ['contract', 'rewind', 'contract_x', '--messages', '2', '--code'];
  const atTerminal = (api: FakeApi, stdin: string) =>
    runCli(argv, { env: { TASKMESH_URL: api.url }, stdin, columns: 100 });
  const dryRuns = (api: FakeApi) => api.calls.map((call) => call.variables.input.dryRun ?? false);

  it('with --dry-run only says what would be done', async () => {
    await using api = await FakeApi.start({ RewindConversation: rewound() });
    const { code, stdout } = await asPerson(api, [...argv, '--dry-run']);
    expect(code).toBe(0);
    expect(stdout).toBe(
      '2 messages would go, 5 would stay. The code would go back to checkpoint 3 (2026-01-02 03:04, tests pass).\n',
    );
    expect(dryRuns(api)).toEqual([true]);
  });

  it('with --yes does it at once, and says how to undo it', async () => {
    await using api = await FakeApi.start({ RewindConversation: rewound() });
    const { code, stdout } = await asPerson(api, [...argv, '--yes']);
    expect(code).toBe(0);
    expect(stdout).toContain('taskmesh contract resume contract_x --checkpoint checkpoint_9');
    const { requestId, ...input } = api.calls[0]?.variables.input ?? {};
    expect(input).toEqual({ contractId: 'contract_x', byMessageCount: 2, rewindCode: true });
    expect(requestId).toMatch(/^[\da-f-]{36}$/);
  });

  it.each([
    ['y\n', 0, [true, false]],
    ['yes\n', 0, [true, false]],
    ['n\n', 1, [true]],
    ['\n', 1, [true]],
    ['yesterday\n', 1, [true]],
  ])('at a terminal asks, and for %j ends with %i', async (typed, code, asked) => {
    await using api = await FakeApi.start({ RewindConversation: rewound() });
    const outcome = await atTerminal(api, typed);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toContain('2 messages would go');
    expect(dryRuns(api)).toEqual(asked);
  });

  it('does nothing where nobody can be asked', async () => {
    await using api = await FakeApi.start({ RewindConversation: rewound() });
    const { code, stderr } = await asPerson(api, argv);
    expect(code).toBe(2);
    expect(stderr).toContain('--yes');
    expect(dryRuns(api)).toEqual([true]);
  });

  it('waits on with the same requestId while the daemon is at it', async () => {
    await using api = await FakeApi.start({
      RewindConversation: [rewound({ pending: true }), rewound({ pending: true }), rewound()],
    });
    expect((await asPerson(api, [...argv, '--yes'])).code).toBe(0);
    expect(new Set(api.calls.map((call) => call.variables.input.requestId)).size).toBe(1);
  });

  it.each([[['--messages', '1', '--to', 'turn_1']], [['--messages', '-1']]])(
    '%j is wrong usage',
    async (more) => {
      await using api = await FakeApi.start({});
      expect((await asPerson(api, ['contract', 'rewind', 'contract_x', ...more])).code).toBe(2);
      expect(api.calls).toEqual([]);
    },
  );
});
