import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { processesWith } from '../support.ts';
import { AcpWorld, soon } from './world.ts';

let world: AcpWorld;

beforeAll(async () => {
  world = await AcpWorld.start();
  await world.daemon('machine', {
    agent: world.profile(''),
    mute: world.profile('--mute', { startTimeoutSeconds: 1 }),
    // Long enough to be started and initialized on a machine that is busy.
    stuck: world.profile('--stuck', { startTimeoutSeconds: 15 }),
    silent: world.profile('--mute'),
    'signed-out': world.profile('--signed-out'),
    'no-key': world.profile('--signed-out', { authMethod: 'other' }),
    old: world.profile('--old'),
    'no-mode': world.profile('', { mode: 'wild' }),
    'no-model': world.profile('', { model: 'huge' }),
    missing: world.profile('', { command: 'no-such-agent' }),
    // A program that has nothing to do with the protocol.
    cat: { kind: 'acp', command: 'cat', args: [], permissions: 'ask' },
    chatty: { kind: 'acp', command: 'sh', args: ['-c', 'yes hello'], permissions: 'ask' },
    gone: { kind: 'acp', command: 'sh', args: ['-c', 'echo no licence >&2; exit 7'], permissions: 'ask' },
    closed: { kind: 'acp', command: 'sh', args: ['-c', 'exec <&- >&-; sleep 60'], permissions: 'ask' },
  });
}, 120_000);

const cancel = (id: string) => world.api.mutate('cancelTask', { taskId: id }, 'task { id }');

describe.concurrent('a task fails, saying why, when its agent', { timeout: 120_000 }, () => {
  it.each([
    ['is not installed', 'missing', /no executable no-such-agent/],
    [
      'does not answer when it is initialized',
      'mute',
      /did not answer within 1 s while it was being initialized\. Does it work/,
    ],
    [
      'does not answer when it is to open a session',
      'stuck',
      /did not answer within 15 s while it was opening a session/,
    ],
    [
      'is not signed in',
      'signed-out',
      /not signed in\. Sign it in on the daemon's machine.*\(Run agent login\)/,
    ],
    [
      'cannot sign in',
      'no-key',
      /could not sign in by other: no key is set\. .* is not signed in\. Sign it in/,
    ],
    ['speaks another version of the protocol', 'old', /speaks version 0 .* Update the older/],
    ['has no such mode', 'no-mode', /has no mode wild: it offers careful, bold\./],
    ['has no such model', 'no-model', /has no model huge: it offers small, large\./],
    ['answers with its own questions', 'cat', /cat answered|cat could not|Method not found|no messages/],
    ['only talks', 'chatty', /more than 100 lines that are no messages of the Agent Client Protocol/],
    ['ends at once', 'gone', /sh exited with code 7 while it was being initialized/],
    ['closes its output', 'closed', /sh closed its output while it was being initialized/],
  ])('%s', async (_, agent, why) => {
    const id = await world.work(agent, 'x');
    expect((await world.until(id, 'FAILED')).errorMessage).toMatch(why);
    expect(processesWith(id)).toEqual([]);
  });

  it('dies in the middle of a turn; what it had said is in the log', async () => {
    const id = await world.work('agent', '> say last words\n> exit 5');
    expect((await world.until(id, 'FAILED')).errorMessage).toMatch(
      /exited with code 5 in the middle of a turn/,
    );
    expect(await world.said(id, 'ASSISTANT')).toEqual(['last words']);
  });

  it('answers a prompt with an error', async () => {
    const id = await world.work('agent', '> say one moment\n> error overloaded');
    expect((await world.until(id, 'FAILED')).errorMessage).toMatch(/could not go on: overloaded .*try later/);
  });

  it('sends a message of more than 16 MiB', async () => {
    const id = await world.work('agent', `> huge ${17 * 1024 * 1024}\n> hang`);
    expect((await world.until(id, 'FAILED')).errorMessage).toMatch(/more than 16 MiB/);
    expect(processesWith(id)).toEqual([]);
  });

  it('sends without end what is no message', async () => {
    const id = await world.work('agent', '> noise 5000\n> hang');
    expect((await world.until(id, 'FAILED')).errorMessage).toMatch(/more than 100 lines/);
    expect(await world.said(id, 'ERROR')).toHaveLength(100);
  });

  it('was what it left running: nothing outlives the task', async () => {
    const id = await world.work('agent', '> litter\n> exit 0');
    await world.until(id, 'FAILED');
    expect(processesWith(id)).toEqual([]);
  });
});

describe.concurrent('cancelling a task', { timeout: 120_000 }, () => {
  it.each([
    ['ends its turn in the agent’s own way', '> say begun\n> hang', true],
    ['ends an agent that does not listen', '> say begun\n> litter\n> deaf', false],
  ])('%s, and leaves nothing running', async (_, plan, isHeard) => {
    const id = await world.work('agent', plan);
    await world.entry(id, 'ASSISTANT', /begun/);
    await cancel(id);
    await world.until(id, 'CANCELLED');
    expect(processesWith(id)).toEqual([]);
    expect(world.heard('cancel')).toContain(id);
    const ends = await world.said(id, 'RESULT');
    expect(ends).toEqual(isHeard ? ['The turn was cancelled. (cancelled)'] : []);
  });

  it('ends one whose agent is still being initialized', async () => {
    const id = await world.work('silent', 'x');
    await soon(() => world.heard('start').includes(id));
    await cancel(id);
    await world.until(id, 'CANCELLED');
    expect(processesWith(id)).toEqual([]);
  });

  it('answers what the agent has asked the person as cancelled, and withdraws the question', async () => {
    const go = join(world.root, 'gone');
    const id = await world.work('agent', `> permission rm\n> until ${go}`);
    const { id: questionId } = await world.question(id);
    await cancel(id);
    await world.until(id, 'CANCELLED');
    writeFileSync(go, '');
    expect(await world.said(id, 'ASSISTANT')).toEqual(['permission: cancelled']);
    await world.withdrawn(questionId);
  });
});
