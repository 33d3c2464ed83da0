import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AgentProcess } from '../../src/daemon/agents/agent.ts';
import { startCommandAgent } from '../../src/daemon/agents/command-agent.ts';
import { agentEnvironment, writeShim } from '../../src/daemon/agents/environment.ts';
import { isAnyAlive, leftBehind, startTimeOf, stopProcesses } from '../../src/daemon/agents/process-group.ts';
import { type CommandProfile, shell } from '../../src/daemon/agents/profiles.ts';
import { processesWith, scratch, until } from './support.ts';

async function start(
  script: string,
  options: { profile?: CommandProfile; plan?: string; slow?: () => Promise<void> } = {},
) {
  const dir = scratch();
  const runId = `task_${randomUUID()}.1`;
  const plan = options.plan ?? script;
  const planFile = join(dir, 'plan.md');
  const cwd = join(dir, 'copy');
  mkdirSync(cwd);
  writeFileSync(planFile, options.profile ? plan : script);
  const lines: string[] = [];
  const env = agentEnvironment({
    baseEnv: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
    binDir: join(dir, 'bin'),
    serverUrl: 'http://127.0.0.1:1/graphql',
    toolKey: 'tmk_task_x',
    taskId: 'task_1',
    contractId: 'contract_1',
    runId,
    plan,
    planFile,
    recovery: null,
  });
  let main: AgentProcess | undefined;
  const agent = await startCommandAgent(options.profile ?? shell, {
    onProcess: async (process) => {
      main = process;
    },
    plan,
    planFile,
    cwd,
    env,
    runId,
    onOutput: async (entries) => {
      await options.slow?.();
      lines.push(...entries.map(({ type, content }) => `${type} ${content}`));
    },
  });
  if (!main) throw new Error('its process was not told');
  const { pid, startTime } = main;
  onTestFinished(() => stopProcesses({ pid, startTime, runId }, 0));
  return { agent, pid, startTime, lines, runId, cwd, dir };
}

const sh = (script: string): CommandProfile => ({
  kind: 'command',
  command: '/bin/sh',
  args: ['-c', script],
});

describe('a command agent', () => {
  it('hands over its lines and its exit code', async () => {
    const { agent, lines } = await start('echo one; echo two >&2; printf three; exit 3');
    expect(await agent.ended).toEqual({ code: 3, signal: null });
    expect(lines.toSorted()).toEqual(['STDERR two', 'STDOUT one', 'STDOUT three']);
  });

  it('tells the signal that killed it', async () => {
    const { agent } = await start('kill -9 $$');
    expect(await agent.ended).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('runs in the working copy, with nothing in its environment but what it was given', async () => {
    const { agent, lines, cwd, runId } = await start('', { profile: sh('pwd; env'), plan: 'do it' });
    await agent.ended;
    const names = lines.slice(1).map((line) => line.replace(/^STDOUT ([^=]*)=.*$/s, '$1'));
    const allowed = ['GIT_TERMINAL_PROMPT', 'LANG', 'PATH', 'PWD', 'OLDPWD', 'SHLVL', '_'];
    expect(names.filter((name) => !allowed.includes(name)).toSorted()).toEqual([
      'TASKMESH_CONTRACT_ID',
      'TASKMESH_PLAN',
      'TASKMESH_PLAN_FILE',
      'TASKMESH_RUN_ID',
      'TASKMESH_TASK_ID',
      'TASKMESH_TOOL_KEY',
      'TASKMESH_URL',
    ]);
    expect(lines[0]).toBe(`STDOUT ${cwd}`);
    expect(lines).toContain(`STDOUT TASKMESH_RUN_ID=${runId}`);
  });

  it('gets a plan of 200 KiB on stdin and in the file, and a short one in the environment too', async () => {
    const plan = `${'p'.repeat(200 * 1024)}\nend of plan\n`;
    const look =
      'wc -c | tr -d " "; wc -c < "$TASKMESH_PLAN_FILE" | tr -d " "; echo "${#TASKMESH_PLAN}"; cmp -s "$1" "$TASKMESH_PLAN_FILE" && echo same';
    const profile: CommandProfile = {
      kind: 'command',
      command: '/bin/sh',
      args: ['-c', look, 'sh', '{planFile}'],
    };
    const long = await start('', { profile, plan });
    await long.agent.ended;
    expect(long.lines).toEqual([`STDOUT ${plan.length}`, `STDOUT ${plan.length}`, 'STDOUT 0', 'STDOUT same']);
    const short = await start('', { profile, plan: 'short' });
    await short.agent.ended;
    expect(short.lines).toEqual(['STDOUT 5', 'STDOUT 5', 'STDOUT 5', 'STDOUT same']);
  });

  it('may leave its plan unread', async () => {
    const { agent } = await start('', { profile: sh('exec <&-; exit 0'), plan: 'x'.repeat(1024 * 1024) });
    expect(await agent.ended).toEqual({ code: 0, signal: null });
  });

  it('is refused with a word on what to do when there is no such executable', async () => {
    const profile: CommandProfile = { kind: 'command', command: 'no-such-agent', args: [] };
    await expect(start('', { profile })).rejects.toThrow(/no-such-agent on the daemon's PATH. Install it/);
  });

  it('finds the taskmesh command first on its PATH', async () => {
    const dir = scratch();
    const entry = join(dir, "it's a cli.mjs");
    writeFileSync(entry, 'console.log("cli", ...process.argv.slice(2));');
    const binDir = await writeShim(dir, { execPath: process.execPath, entry });
    const { agent, lines } = await start('', { profile: sh(`PATH=${binDir}:$PATH; taskmesh finish 'a b'`) });
    await agent.ended;
    expect(lines).toEqual(['STDOUT cli finish a b']);
  });

  it('hands over all of its output also when that is taken slowly', async () => {
    const { agent, lines } = await start('seq 1 20000', { slow: () => delay(100) });
    await agent.ended;
    expect(lines).toHaveLength(20_000);
    expect(lines.at(-1)).toBe('STDOUT 20000');
  });
});

describe('stopping an agent', () => {
  it('ends its whole group, grandchildren included', async () => {
    const { agent, lines, runId } = await start('(sleep 300 & sleep 300 & wait) & echo up; wait');
    await until('started', () => lines.length > 0 && processesWith(runId).length >= 4);
    await agent.stop(5_000);
    expect(processesWith(runId)).toEqual([]);
    expect((await agent.ended).signal).toBe('SIGTERM');
  });

  it('kills a grandchild that ignores SIGTERM after the grace', async () => {
    const { agent, lines, runId } = await start(`(trap '' TERM; echo up; while :; do sleep 1; done) & wait`);
    await until('started', () => lines.length > 0);
    const before = Date.now();
    await agent.stop(500);
    expect(Date.now() - before).toBeGreaterThanOrEqual(450);
    expect(processesWith(runId)).toEqual([]);
  });

  it('finds what left the group', async () => {
    const { agent, lines, runId } = await start('setsid sleep 300 & echo up; wait');
    await until('started', () => lines.length > 0 && processesWith(runId).length >= 2);
    await agent.stop(1_000);
    expect(processesWith(runId)).toEqual([]);
  });

  it('finds a member of the group that has emptied its environment and ignores SIGTERM', async () => {
    const mark = `31${String(Date.now()).slice(-8)}`;
    const deaf = `env -i /bin/sh -c "trap '' TERM; echo up; while :; do sleep 0.5; done; echo ${mark}"`;
    const { agent, lines } = await start(`${deaf} & wait`);
    await until('started', () => lines.length > 0);
    expect(processesWith(`echo ${mark}`).length).toBeGreaterThan(0);
    await agent.stop(300);
    expect(processesWith(`done; echo ${mark}`)).toEqual([]);
  });

  it('ends one that was stopped by a signal', async () => {
    const { agent, lines, runId } = await start('echo up; kill -STOP $$; sleep 300');
    await until('started', () => lines.length > 0);
    await agent.stop(5_000);
    expect(processesWith(runId)).toEqual([]);
  });

  it('kills what an agent leaves behind at its own exit, and is done only then', async () => {
    const { agent, runId } = await start(`(trap '' TERM; sleep 300) & sleep 0.2; exit 0`);
    expect(await agent.ended).toEqual({ code: 0, signal: null });
    expect(processesWith(runId)).toEqual([]);
  });

  it('does not wait for ever on a pipe that somebody out of reach holds open', async () => {
    const mark = `32${String(Date.now()).slice(-8)}`;
    const { agent, lines } = await start(`env -i setsid sleep ${mark} & echo up; sleep 0.3; exit 0`);
    onTestFinished(() => {
      for (const pid of processesWith(`sleep\0${mark}`)) process.kill(pid, 'SIGKILL');
    });
    expect(await agent.ended).toEqual({ code: 0, signal: null });
    expect(lines).toEqual(['STDOUT up']);
  }, 15_000);
});

describe('what a killed daemon left', () => {
  it('is found by process id and start time, and by its mark', async () => {
    const { pid, startTime, lines, runId } = await start('echo up; sleep 300');
    await until('started', () => lines.length > 0);
    const found = leftBehind({ pid, startTime, runId: 'another' });
    expect(found.pid).toBe(pid);
    await stopProcesses(leftBehind({ pid: null, startTime: null, runId }), 1_000);
    expect(processesWith(runId)).toEqual([]);
  });

  it('leaves a process alone that got the same id later', async () => {
    const { pid, startTime, lines } = await start('echo up; sleep 300');
    await until('started', () => lines.length > 0);
    const recorded = { pid: pid, startTime: '1', runId: 'task_other.1' };
    for (const run of [recorded, leftBehind(recorded)]) {
      await stopProcesses(run, 0);
      expect(isAnyAlive(run)).toBe(false);
    }
    expect(startTimeOf(pid)).toBe(startTime);
    expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).not.toMatch(/\) Z /);
  });

  it('says nothing about a group whose leader is gone: only the mark does', async () => {
    const { agent, pid, startTime } = await start('exit 0');
    await agent.ended;
    const found = leftBehind({ pid, startTime, runId: 'task_other.1' });
    expect(found).toEqual({ pid: null, startTime: null, runId: 'task_other.1' });
  });
});
