import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CleanUpOptions, cleanUp } from '../../src/daemon/cleaning/clean-up.ts';
import { dataPaths } from '../../src/daemon/files.ts';
import { type RunRecord, RunRecords } from '../../src/daemon/run-record.ts';
import { keeper } from './git/kept.ts';
import { commit, run, write } from './git/support.ts';
import { Machine } from './machine.ts';

const DAY = 86_400_000;
const ENDED = new Date('2026-01-10T00:00:00Z');

/** A machine with a saved working copy of one contract. */
const saved = keeper(async (root) => {
  const machine = new Machine({ root });
  const repo = machine.repository('repo');
  const { copy, mirror } = await machine.make(repo, 'w1');
  write(copy.path, { 'a.txt': 'a\n' });
  await machine.checkpoint('w1');
  return { root, store: machine.store, repo, copy, mirror };
});

/** `clean` cleans up so many days after the contract ended. */
async function place() {
  const { root, store, repo, copy, mirror } = await saved();
  const machine = new Machine({ root, store: store.copy() });
  const paths = dataPaths(root);
  const records = new RunRecords(paths.runs);
  const ends = new Map<string, Date | null>([['contract_1', ENDED]]);
  const clean = async (days: number, more: Partial<CleanUpOptions> = {}) => {
    const { worktrees, signal } = machine.restarted().context;
    const entries = await cleanUp({
      paths,
      worktrees,
      records,
      endOf: async (ids) => new Map([...ends].filter(([id]) => ids.includes(id))),
      keepMs: 7 * DAY,
      mirrorKeepMs: 7 * DAY,
      dryRun: false,
      unknownToo: false,
      now: () => new Date(ENDED.getTime() + days * DAY),
      signal,
      ...more,
    });
    return entries.map(({ kind, path, removed, reason }) => ({
      what: `${removed ? 'removed' : 'kept'} ${kind} ${path.slice(machine.root.length + 1).replace(/-[0-9a-f]{16}/, '')}`,
      reason,
    }));
  };
  const whats = async (...args: Parameters<typeof clean>) => (await clean(...args)).map(({ what }) => what);
  /** As if the mirror had last been used so many days after the end. */
  const used = (days: number) => {
    const at = new Date(ENDED.getTime() + days * DAY);
    utimesSync(join(mirror.dir, 'taskmesh', 'used'), at, at);
  };
  used(0);
  return { machine, paths, repo, copy, mirror, records, ends, clean, whats, used };
}

const record = (taskId: string, worktreeId: string | null): RunRecord => ({
  taskId,
  attempt: 1,
  contractId: 'contract_1',
  name: 't',
  role: 'WORK',
  repository: null,
  localOnly: true,
  targetRepoPath: null,
  worktreeId,
  savesCopy: true,
  isParked: false,
  pid: null,
  startTime: null,
  exit: null,
  ending: null,
  summary: null,
});

const GONE = ['removed WORKING_COPY worktrees/w1', 'removed MIRROR mirrors/repo.git'];

describe('a working copy whose contract is over', () => {
  it('goes after the keep time, and its mirror with the last copy, and nothing is left', async () => {
    const { machine, clean, whats } = await place();
    expect(await clean(6.9)).toEqual([
      {
        what: 'kept WORKING_COPY worktrees/w1',
        reason: 'its contract ended 6 days ago, and it is kept for 7 days',
      },
    ]);
    expect(await whats(7, { dryRun: true })).toEqual(GONE);
    expect(existsSync(join(machine.root, 'worktrees/w1/worktree.json'))).toBe(true);
    expect(await whats(7)).toEqual(GONE);
    expect([
      readdirSync(join(machine.root, 'worktrees')),
      readdirSync(join(machine.root, 'mirrors')),
    ]).toEqual([[], []]);
    expect(await clean(7)).toEqual([]);
  });

  it('stays while a task works in it, while the contract is open, and when the server does not know that', async () => {
    const { clean, whats, records, ends } = await place();
    await records.save(record('task_1', 'w1'));
    expect((await clean(99))[0]?.reason).toBe('a task that works in it has not ended');
    await records.remove(record('task_1', 'w1'));
    ends.set('contract_1', null);
    expect((await clean(99))[0]?.reason).toBe('its contract contract_1 is open');
    ends.clear();
    expect((await clean(99))[0]?.reason).toMatch(/^the server does not know its contract/);
    expect(await whats(-9_999, { unknownToo: true })).toEqual(['kept WORKING_COPY worktrees/w1']);
    expect(await whats(9_999, { unknownToo: true })).toEqual(GONE);
  });

  it.each([
    [
      'files that only a snapshot of this machine has',
      async ({ machine, copy }: Place) => {
        write(copy.path, { 'b.txt': 'b\n' });
        await machine.context.checkpoints.snapshotOnly({ worktreeId: 'w1', message: 'For a diff' });
      },
    ],
    [
      'a commit on a branch beside',
      async ({ copy }: Place) => {
        run(copy.path, 'checkout', '-q', '-b', 'side');
        commit(copy.path, { 'b.txt': 'b\n' });
        run(copy.path, 'checkout', '-q', '-');
        run(copy.path, 'clean', '-qfd');
      },
    ],
    [
      'a stash',
      async ({ copy }: Place) => {
        write(copy.path, { 'README.md': 'mine\n' });
        run(copy.path, 'stash', '-q');
      },
    ],
  ])('stays for ever with %s, also when the server does not know the contract', async (_title, spoil) => {
    const made = await place();
    // All is committed, so that only what is done now is unsaved.
    run(made.copy.path, 'add', '-A');
    run(made.copy.path, 'commit', '-q', '-m', 'mine');
    await made.machine.checkpoint('w1');
    await spoil(made);
    for (const more of [{}, { dryRun: true }]) {
      const [entry] = await made.clean(9_999, more);
      expect(entry).toEqual({
        what: 'kept WORKING_COPY worktrees/w1',
        reason: expect.stringMatching(/^it holds work that no checkpoint has: /),
      });
    }
    made.ends.clear();
    expect(await made.whats(9_999, { unknownToo: true })).toEqual(['kept WORKING_COPY worktrees/w1']);
    expect(existsSync(made.copy.path)).toBe(true);
  });

  it('is removed whole when the removal before was cut short', async () => {
    const { machine, copy, whats } = await place();
    renameSync(copy.path, `${copy.path}.removed-1`);
    rmSync(join(`${copy.path}.removed-1`, 'src'), { recursive: true });
    expect(await whats(7)).toEqual(GONE);
    expect(readdirSync(join(machine.root, 'worktrees'))).toEqual([]);
  });

  it('leaves what a crash moved aside, which nobody knows, and the mirror that it borrows from', async () => {
    const { copy, mirror, whats } = await place();
    run(join(copy.path, '..'), 'clone', '-q', '--shared', mirror.dir, 'repo.unfinished-1');
    expect(await whats(99)).toEqual(['kept WORKING_COPY worktrees/w1']);
    expect(existsSync(copy.path)).toBe(false);
    expect(await whats(99)).toEqual(['kept WORKING_COPY worktrees/w1']);
    expect(existsSync(mirror.dir)).toBe(true);
  });

  it('is no reason to fail when its mirror is gone', async () => {
    const { copy, mirror, clean } = await place();
    rmSync(mirror.dir, { recursive: true });
    expect(await clean(99)).toEqual([
      { what: 'kept WORKING_COPY worktrees/w1', reason: expect.stringContaining('repo may hold work') },
    ]);
    expect(existsSync(copy.path)).toBe(true);
  });
});
type Place = Awaited<ReturnType<typeof place>>;

describe('a mirror', () => {
  it('stays while a copy of an open contract uses it, and for the keep time after its last use', async () => {
    const { machine, repo, whats, used, ends } = await place();
    await machine.make(repo, 'w2');
    ends.set('contract_1', ENDED);
    const file = join(machine.root, 'worktrees/w2/worktree.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('contract_1', 'contract_2'));
    ends.set('contract_2', null);
    used(0);
    expect(await whats(99)).toEqual([GONE[0], 'kept WORKING_COPY worktrees/w2']);
    expect((await machine.make(repo, 'w2')).copy.path).toContain('w2');
    ends.set('contract_2', ENDED);
    used(95);
    expect(await whats(99)).toEqual(['removed WORKING_COPY worktrees/w2', 'kept MIRROR mirrors/repo.git']);
    expect(await whats(102)).toEqual([GONE[1]]);
    // Whoever needs it again makes it again.
    await machine.make(repo, 'w3');
  });

  it('is not left half by a crash while it was made or removed', async () => {
    const { machine, whats } = await place();
    mkdirSync(join(machine.root, 'mirrors/.old-999999999-x'));
    mkdirSync(join(machine.root, 'mirrors/.new-999999999-x'));
    mkdirSync(join(machine.root, `mirrors/.new-${process.pid}-x`));
    await whats(0);
    expect(readdirSync(join(machine.root, 'mirrors')).filter((name) => name.startsWith('.'))).toEqual([
      `.new-${process.pid}-x`,
    ]);
  });
});

it('what a crash left of tasks and uploads goes after a day, and what runs keeps its own', async () => {
  const { machine, paths, whats, records } = await place();
  await records.save({ ...record('task_2', null), attempt: 3 });
  const files = [
    'plans/task_1.1.md',
    'plans/task_2.3.md',
    'scratch/task_1/x',
    'scratch/task_2/x',
    'uploads/a.bundle',
  ];
  const at = new Date(ENDED.getTime());
  for (const file of files) {
    write(machine.root, { [file]: 'x' });
    for (const path of [file, join(file, '..')]) utimesSync(join(machine.root, path), at, at);
  }
  write(machine.root, { 'spool/task_1.1.jsonl': 'not sent yet' });
  const leftovers = async (days: number) => (await whats(days)).filter((what) => what.includes('LEFTOVER'));
  expect(await leftovers(0.9)).toEqual([]);
  expect(await leftovers(8)).toEqual([
    'removed LEFTOVER scratch/task_1',
    'removed LEFTOVER plans/task_1.1.md',
    'removed LEFTOVER uploads/a.bundle',
  ]);
  expect(readdirSync(paths.plans)).toEqual(['task_2.3.md']);
  expect(readdirSync(paths.scratch)).toEqual(['task_2']);
  expect(readdirSync(paths.spool)).toEqual(['task_1.1.jsonl']);
});
