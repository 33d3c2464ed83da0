import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../../support/api.ts';
import { processesWith } from '../support.ts';
import { AcpWorld, kill, soon } from './world.ts';

let world: AcpWorld;

beforeAll(async () => {
  world = await AcpWorld.start();
  await world.daemon('machine', {
    loads: world.profile('--load'),
    resumes: world.profile('--load --resume'),
    forgetful: world.profile('--load --forgetful'),
    plain: world.profile(''),
  });
}, 120_000);

const send = (taskId: string, content: string) =>
  world.api.mutate('sendMessage', { taskId, content }, 'message { id }');
const steer = (how: 'pauseTask' | 'resumeTask', taskId: string) =>
  world.api.mutate(how, { taskId }, 'task { id }');
/** The session of each process that worked on a task. */
const sessions = (id: string): string[] =>
  world
    .heard('session')
    .filter(([task]) => task === id)
    .map(([, session]) => session);
const prompts = (id: string): string[][] =>
  world
    .heard('prompt')
    .filter(([task]) => task === id)
    .map(([, blocks]) => blocks);
const noProcess = (id: string) => soon(() => processesWith(id).length === 0);

describe.concurrent('a supervisor', { timeout: 120_000 }, () => {
  it.each(['loads', 'resumes'])(
    'whose turn ended waits without a process, saved, and a message wakes it in its session (%s)',
    async (agent) => {
      const { id } = await world.supervise(agent, '1> write w.txt w\n1> cost 0.5\n1> say I wait.');
      const waiting = await world.until(id, 'WAITING');
      expect(waiting).toMatchObject({ outputSummary: 'I wait.', costUsd: 0.5 });
      expect(waiting.checkpoints).toEqual([{ message: expect.stringMatching(/waiting$/) }]);
      await noProcess(id);
      await send(id, '> cost 0.25\n> say woken');
      await world.entry(id, 'ASSISTANT', /woken/);
      const woken = await world.until(id, 'WAITING');
      expect(woken).toMatchObject({ attempt: 1, outputSummary: 'woken', costUsd: 0.75 });
      expect(new Set(sessions(id)).size).toBe(1);
      expect(sessions(id)).toHaveLength(2);
      // Nothing of the replay, and nothing that it was told before.
      const said = (await world.output(id)).map(({ type, content }) => `${type} ${content}`);
      expect(said.join('\n')).not.toContain('replayed');
      expect(prompts(id)[1]).toEqual(['A message from the person:\n\n> cost 0.25\n> say woken']);
    },
  );

  it.each(['plain', 'forgetful'])(
    'whose agent cannot take up its session is told in a new one what was said, which is not logged again (%s)',
    async (agent) => {
      const { id } = await world.supervise(agent, '1> say The code word is heron.');
      await world.until(id, 'WAITING');
      await send(id, '> say woken');
      await world.entry(id, 'ASSISTANT', /woken/);
      await world.until(id, 'WAITING');
      expect(new Set(sessions(id)).size).toBe(2);
      const [briefing, retold, news] = prompts(id)[1] ?? [];
      expect(briefing).toContain('You are the supervisor');
      expect(retold).toContain('<said-by-you>\nThe code word is heron.\n</said-by-you>');
      expect(news).toBe('A message from the person:\n\n> say woken');
      const told = await world.said(id, 'USER');
      expect(told).toHaveLength(2);
      expect(told[1]).toBe(news);
    },
  );

  it('is woken by the answer to a question that it did not wait for', async () => {
    const { id } = await world.supervise(
      'loads',
      '1> mutate askQuestion {"question":"Which?","choices":["a","b"],"nonBlocking":true}',
    );
    await world.until(id, 'WAITING');
    const { id: questionId } = await world.question(id);
    await world.answer(questionId, { choices: ['b'] });
    expect((await world.entry(id, 'USER', /answered your question/)).content).toContain('Answer: b');
    await world.until(id, 'WAITING');
  });

  it('that asks with a phase guard is paused after that call, and goes on with the answer', async () => {
    const { id } = await world.supervise(
      'loads',
      '1> mutate askQuestion {"question":"May I build?","phaseguard":true}\n1> wait 200\n1> say guarded\n1> hang',
    );
    await world.until(id, 'PAUSED');
    const { id: questionId } = await world.question(id);
    await noProcess(id);
    await world.answer(questionId, { text: 'Build it.' });
    expect((await world.entry(id, 'USER', /answered your question/)).content).toContain('Answer: Build it.');
    await world.until(id, 'WAITING');
    expect(new Set(sessions(id)).size).toBe(1);
  });

  it('that waits and is resumed by the owner goes on in a new attempt, and only in that', async () => {
    const { id, contractId } = await world.supervise('loads', '1> say first\n2> say second');
    await world.until(id, 'WAITING');
    await world.api.mutate('resumeSupervisor', { contractId, mode: 'CONTINUE' }, 'status');
    await world.entry(id, 'ASSISTANT', /second/);
    expect(await world.until(id, 'WAITING')).toMatchObject({ attempt: 2 });
    expect(new Set(sessions(id)).size).toBe(1);
    const records = join(world.root, 'machine/daemon/runs');
    expect(readdirSync(records).filter((name) => name.startsWith(id))).toEqual([`${id}.2.json`]);
  });

  it('that completes its contract ends with it', async () => {
    const { id } = await world.supervise('loads', '1> mutate completeContract {}\n> say That was it.');
    expect(await world.until(id, 'DONE')).toMatchObject({ outputSummary: 'That was it.' });
    await noProcess(id);
  });

  it('that waits can be cancelled, and is done when its contract is completed', async () => {
    const cancelled = await world.supervise('loads', '> say x');
    const completed = await world.supervise('loads', '> say x');
    for (const { id } of [cancelled, completed]) await world.until(id, 'WAITING');
    await world.api.mutate('cancelTask', { taskId: cancelled.id }, 'task { id }');
    await world.api.mutate('completeContract', { contractId: completed.contractId }, 'contract { id }');
    await world.until(cancelled.id, 'CANCELLED');
    await world.until(completed.id, 'DONE');
    // Nothing of them is kept on the machine.
    const records = join(world.root, 'machine/daemon/runs');
    await soon(() => !readdirSync(records).some((name) => name.includes(completed.id)));
  });
});

describe.concurrent('a pause', { timeout: 120_000 }, () => {
  it('waits for the call of a tool that is under way, cancels the turn, and keeps the session', async () => {
    const id = await world.work('loads', '1> write w.txt w\n1> busy 700\n1> hang\n2> say went on');
    await world.entry(id, 'TOOL_CALL', /busy/);
    await steer('pauseTask', id);
    await noProcess(id);
    await world.entry(id, 'RESULT', /cancelled/);
    const log = (await world.output(id)).slice(1).map(({ type, content }) => `${type} ${content}`);
    expect(log).toEqual(['TOOL_CALL Is busy', 'TOOL_RESULT ', 'RESULT The turn was cancelled. (cancelled)']);
    const { status, checkpoints } = await soon(async () => {
      const task = await world.task(id);
      return task.checkpoints.length > 0 && task;
    });
    expect({ status, checkpoints }).toEqual({
      status: 'PAUSED',
      checkpoints: [{ message: 'Task work: paused' }],
    });
    await steer('resumeTask', id);
    await world.until(id, 'DONE');
    expect(prompts(id)[1]?.[0]).toContain('You were paused and may go on now');
    expect(new Set(sessions(id)).size).toBe(1);
  });

  it('is over with the message of a person, which is all that the agent is told then', async () => {
    const id = await world.work('loads', '1> say begun\n1> hang');
    await world.entry(id, 'ASSISTANT', /begun/);
    await steer('pauseTask', id);
    await noProcess(id);
    await send(id, '> say the message');
    await world.until(id, 'DONE');
    expect(prompts(id)[1]).toEqual(['A message from the person:\n\n> say the message']);
  });

  it('ends an agent that does not end its turn', async () => {
    const id = await world.work('loads', '1> say begun\n1> deaf\n2> say went on');
    await world.entry(id, 'ASSISTANT', /begun/);
    await steer('pauseTask', id);
    await soon(() => processesWith(id).length === 0);
    await steer('resumeTask', id);
    expect(await world.until(id, 'DONE')).toMatchObject({ outputSummary: 'went on', attempt: 1 });
  });

  it('takes back what the agent had asked the person, who is asked again after it', async () => {
    const id = await world.work('loads', '1> permission first\n2> permission again');
    const first = await world.question(id);
    await steer('pauseTask', id);
    await noProcess(id);
    await world.withdrawn(first.id);
    await steer('resumeTask', id);
    const again = await soon(async () => {
      const question: Answer = await world.question(id);
      return question.id !== first.id && question;
    });
    await world.answer(again.id, { choices: ['Yes'] });
    await world.until(id, 'DONE');
    expect(await world.said(id, 'ASSISTANT')).toContain('permission: option allow_once');
  });

  it('ends with the task when that is cancelled', async () => {
    const id = await world.work('loads', '1> say begun\n1> hang');
    await world.entry(id, 'ASSISTANT', /begun/);
    await steer('pauseTask', id);
    await world.api.mutate('cancelTask', { taskId: id }, 'task { id }');
    await world.until(id, 'CANCELLED');
    await noProcess(id);
  });
});

describe('a daemon that ends while agents rest', { timeout: 120_000 }, () => {
  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'by %s: nobody is given back, and who is woken goes on in its session in a new attempt',
    async (signal) => {
      const name = `lost-${signal}`;
      const profiles = { [name]: world.profile('--load') };
      const { child, key } = await world.daemon(name, profiles);
      const { id } = await world.supervise(name, '1> say I wait.');
      await world.until(id, 'WAITING');
      await kill(child, signal);
      // Killed it counts as connected for a while, and is told to wake it; stopped it is not.
      await send(id, '> say woken');
      await world.daemon(name, profiles, key);
      await world.entry(id, 'ASSISTANT', /woken/);
      expect(await world.until(id, 'WAITING')).toMatchObject({ attempt: 2, retryCount: 0 });
      expect(new Set(sessions(id)).size).toBe(1);
      expect(sessions(id)).toHaveLength(2);
      expect((await world.output(id)).map(({ content }) => content).join('\n')).not.toContain('replayed');
      const records = join(world.root, name, 'daemon/runs');
      expect(readdirSync(records).filter((file) => file.endsWith('.1.json'))).toEqual([]);
    },
  );

  it('gives back one that it had let rest and that was to work again', async () => {
    const profiles = { torn: world.profile('--load') };
    const { child, key } = await world.daemon('torn', profiles);
    const id = await world.work('torn', '1> say begun\n1> hang\n2> say second');
    await world.entry(id, 'ASSISTANT', /begun/);
    await kill(child);
    const record = join(world.root, 'torn/daemon/runs', `${id}.1.json`);
    // As a daemon leaves it that is killed in the moment in which the task is woken.
    writeFileSync(record, JSON.stringify({ ...JSON.parse(readFileSync(record, 'utf8')), isParked: true }));
    await world.daemon('torn', profiles, key);
    expect(await world.until(id, 'DONE')).toMatchObject({
      attempt: 2,
      outputSummary: expect.stringContaining('second'),
    });
  });

  it('gives back who works, and the next attempt goes on in the same session, told what happened', async () => {
    const profiles = { worker: world.profile('--load') };
    const { child, key } = await world.daemon('worker', profiles);
    const id = await world.work('worker', '1> say begun\n1> hang\n2> say second');
    await world.entry(id, 'ASSISTANT', /begun/);
    child.kill('SIGTERM');
    await once(child, 'exit');
    expect(processesWith(id)).toEqual([]);
    await world.daemon('worker', profiles, key);
    expect(await world.until(id, 'DONE')).toMatchObject({ attempt: 2, retryCount: 1 });
    expect(new Set(sessions(id)).size).toBe(1);
    expect(prompts(id)[1]?.[0]).toContain('You are started again.');
  });
});
