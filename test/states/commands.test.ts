import { expect, test } from 'vitest';
import { issueCommand } from '../../src/daemons/command.service.ts';
import { COMMAND_STATUSES, type CommandStatus } from '../../src/daemons/command.states.ts';
import type { Id } from '../../src/platform/ids.ts';
import { transact } from '../../src/platform/transaction.ts';
import { HandDaemon } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing, rowsOf } from '../support/snapshot.ts';

const { api, server } = await startTestServer();
const daemon = await HandDaemon.connect(api);

/** A command of a type that changes nothing else, in a state. */
async function command(status: CommandStatus): Promise<string> {
  const id = await transact(server.runtime, async (tx) =>
    issueCommand(tx, {
      daemonId: daemon.id as Id<'daemon'>,
      taskId: null,
      attempt: null,
      type: 'GET_TASK_DIFF',
      payload: {},
    }),
  );
  await rowsOf(
    server,
    `update command set status = '${status}' where id = (select max(id::text)::uuid from command)`,
  );
  return id;
}
async function statusNow(): Promise<string> {
  const [row] = await rowsOf<{ status: string }>(
    server,
    'select status from command where id = (select max(id::text)::uuid from command)',
  );
  return String(row?.status);
}

const ERROR = { code: 'COMMAND_FAILED', message: 'no' };
const ACTIONS = {
  acceptCommand: {},
  'completeCommand with a result': { result: {} },
  'completeCommand with an error': { error: ERROR },
} as const;

/** What each call makes of each state: the next one, 'same', or the refusal. */
const TABLE: Record<keyof typeof ACTIONS, Record<CommandStatus, string>> = {
  acceptCommand: {
    PENDING: 'ACCEPTED',
    ACCEPTED: 'ACCEPTED',
    COMPLETED: 'INVALID_TRANSITION',
    FAILED: 'INVALID_TRANSITION',
    WITHDRAWN: 'STALE_ATTEMPT',
  },
  'completeCommand with a result': {
    PENDING: 'COMPLETED',
    ACCEPTED: 'COMPLETED',
    COMPLETED: 'same',
    FAILED: 'same',
    WITHDRAWN: 'STALE_ATTEMPT',
  },
  'completeCommand with an error': {
    PENDING: 'FAILED',
    ACCEPTED: 'FAILED',
    COMPLETED: 'same',
    FAILED: 'same',
    WITHDRAWN: 'STALE_ATTEMPT',
  },
};
const cells = Object.entries(TABLE).flatMap(([action, row]) =>
  COMMAND_STATUSES.map((status) => [action as keyof typeof ACTIONS, status, row[status]] as const),
);
test.each(cells)('%s of a command that is %s: %s', async (action, status, expected) => {
  const commandId = await command(status);
  const [name] = action.split(' ');
  const input = { commandId, epoch: daemon.epoch, ...ACTIONS[action] };
  const call = () => daemon.api.mutate(String(name), input, 'command { id }');
  if (expected === 'same') await changesNothing(server, call);
  else if (COMMAND_STATUSES.includes(expected as CommandStatus)) {
    await call();
    expect(await statusNow()).toBe(expected);
  } else {
    const refused = await changesNothing(server, () => daemon.api.mutationRefused(String(name), input));
    expect(refused.code).toBe(expected);
  }
});

test('those that are not answered are delivered with every connection, and no others', async () => {
  const ids = new Map<string, CommandStatus>();
  for (const status of COMMAND_STATUSES) ids.set(await command(status), status);
  const listening = daemon.listen();
  const received = await listening.until((all) => all.filter(({ id }) => ids.has(id)).length === 2);
  expect(received.flatMap(({ id }) => ids.get(id) ?? [])).toEqual(['PENDING', 'ACCEPTED']);
});

test('an answer is taken whatever characters are in it', async () => {
  const commandId = await command('ACCEPTED');
  const result = { patch: 'nul \0 and half a pair \ud800', 'name \0': [1] };
  await daemon.api.mutate('completeCommand', { commandId, epoch: daemon.epoch, result }, 'command { id }');
  expect(await statusNow()).toBe('COMPLETED');
});
