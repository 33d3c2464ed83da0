import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../../src/client/errors.ts';
import { publishCopy } from '../../src/daemon/publishing.ts';
import { rewindWorktree } from '../../src/daemon/rewinding.ts';
import { keeper } from './git/kept.ts';
import { commit, run, write } from './git/support.ts';
import { Machine } from './machine.ts';

/** A supervisor's copy with two checkpoints and work that is in neither. */
const saved = keeper(async (root) => {
  const machine = new Machine({ root });
  const repo = machine.repository('repo', { 'a.txt': 'a\n' });
  const made = await machine.make(repo, 'sup');
  const { copy } = made;
  write(copy.path, { 'a.txt': 'one\n' });
  await machine.checkpoint('sup');
  const first = machine.store.last;
  const agents = commit(copy.path, { 'b.txt': 'two\n' }, 'By the agent');
  await machine.checkpoint('sup');
  write(copy.path, { 'loose.txt': 'loose\n' });
  return { root, store: machine.store, repo, made, copy, first, agents };
});

/** The first of its checkpoints is to be gone back to. */
async function place() {
  const { root, store, repo, made, copy, first, agents } = await saved();
  const machine = new Machine({ root, store: store.copy() });
  const rewind = (id = 'command_1', isResumed = false, on = machine, to = first) =>
    rewindWorktree(on.context, {
      id,
      isResumed,
      toolKey: null,
      payload: {
        taskId: 'task_1',
        attempt: 1,
        worktreeId: 'sup',
        checkpoint: machine.store.restore(to),
        toMessageId: null,
      },
    });
  const messages = () => machine.store.checkpoints.slice(2).map(({ message }) => message);
  return { machine, repo, made, copy, first, agents, rewind, messages, path: copy.path };
}

const atFirst = (path: string) => {
  expect(readFileSync(join(path, 'a.txt'), 'utf8')).toBe('one\n');
  expect(existsSync(join(path, 'b.txt'))).toBe(false);
  expect(existsSync(join(path, 'loose.txt'))).toBe(false);
  expect(run(path, 'status', '--porcelain')).toBe('');
};

describe('rewinding a working copy', () => {
  it('saves the state before and the state after, and goes back to the state before', async () => {
    const { machine, path, first, rewind, messages } = await place();
    const { checkpointId } = await rewind();
    atFirst(path);
    const [, , before, after] = machine.store.checkpoints;
    expect(messages()).toEqual(['Before rewinding to checkpoint 1', 'Back at checkpoint 1']);
    expect(before).toMatchObject({ id: checkpointId, filesChanged: 1 });
    expect(after).toMatchObject({ commitSha: first.commitSha, filesChanged: 2, linesRemoved: 2 });

    await rewind('command_2', false, machine, before);
    expect(readFileSync(join(path, 'loose.txt'), 'utf8')).toBe('loose\n');
    expect(readFileSync(join(path, 'b.txt'), 'utf8')).toBe('two\n');
  });

  it('takes the last checkpoint for the state before when nothing has changed since', async () => {
    const { machine, rewind, messages } = await place();
    const { checkpointId } = await machine.checkpoint('sup', 'by hand');
    expect(await rewind()).toEqual({ checkpointId });
    expect(messages()).toEqual(['by hand', 'Back at checkpoint 1']);
  });

  it('has a checkpoint of the state before also in a copy in which nothing was saved yet', async () => {
    const { machine, repo, first } = await place();
    await machine.make(repo, 'fresh');
    const payload = {
      taskId: 't',
      attempt: 1,
      worktreeId: 'fresh',
      checkpoint: machine.store.restore(first),
    };
    const call = { id: 'command_9', isResumed: false, toolKey: null, payload };
    const { checkpointId } = await rewindWorktree(machine.context, call);
    const before = machine.store.checkpoints.find(({ id }) => id === checkpointId);
    expect(before).toMatchObject({ commitSha: run(repo, 'rev-parse', 'main'), parts: 0 });
  });

  it('changes nothing when the server does not take the checkpoint of the state before', async () => {
    const { machine, path, agents, rewind } = await place();
    machine.store.beforeRecord = () => {
      throw new ApiError('over', { code: 'STALE_ATTEMPT' });
    };
    await expect(rewind()).rejects.toMatchObject({ code: 'STALE_ATTEMPT' });
    expect(run(path, 'rev-parse', 'HEAD')).toBe(agents);
    expect(readFileSync(join(path, 'loose.txt'), 'utf8')).toBe('loose\n');
  });

  it('saves what is edited between the saving and the rewinding as well', async () => {
    const { machine, path, rewind } = await place();
    machine.store.beforeRecord = ({ message }) => {
      if (message.startsWith('Before') && machine.store.checkpoints.length === 2)
        write(path, { 'late.txt': 'late\n' });
    };
    const { checkpointId } = await rewind();
    const before = machine.store.checkpoints.find(({ id }) => id === checkpointId);
    expect(before?.diff.files.map((file) => file.path)).toContain('late.txt');
    expect(existsSync(join(path, 'late.txt'))).toBe(false);
  });
});

describe('a rewinding that a crash cut short', () => {
  /** The daemon dies as it sends the checkpoint of the state after; the state is then put as the crash may leave it. */
  async function died() {
    const made = await place();
    const { machine, rewind } = made;
    const dying = new Error('killed');
    machine.store.beforeRecord = ({ message }) => {
      if (message.startsWith('Back')) throw dying;
    };
    await expect(rewind()).rejects.toBe(dying);
    machine.store.beforeRecord = () => undefined;
    const before = machine.store.last;
    const resume = () => rewind('command_1', true, machine.restarted());
    return { ...made, before, resume };
  }

  it('is finished, and still tells the checkpoint of the state before', async () => {
    const { path, before, first, machine, messages, resume } = await died();
    expect(await resume()).toEqual({ checkpointId: before.id });
    atFirst(path);
    expect(messages()).toEqual(['Before rewinding to checkpoint 1', 'Back at checkpoint 1']);
    // Once more, as when the answer was lost, too.
    expect(await resume()).toEqual({ checkpointId: before.id });
    expect(machine.store.last).toMatchObject({ commitSha: first.commitSha, number: 4 });
  });

  it('is done whole when the files had gone back and the branch had not', async () => {
    const { path, before, agents, first, machine, resume } = await died();
    run(path, 'update-ref', '--no-deref', 'HEAD', agents);
    expect(await resume()).toEqual({ checkpointId: before.id });
    atFirst(path);
    expect(run(path, 'rev-parse', 'HEAD')).toBe(first.commitSha);
    expect(machine.store.last.commitSha).toBe(first.commitSha);
  });

  it('loses nothing that was done in the copy since', async () => {
    const { path, before, machine, resume } = await died();
    write(path, { 'since.txt': 'since\n' });
    expect(await resume()).toEqual({ checkpointId: before.id });
    atFirst(path);
    const saved = machine.store.checkpoints.flatMap(({ diff }) => diff.files.map((file) => file.path));
    expect(saved).toContain('since.txt');
  });

  it('is OUTCOME_UNKNOWN, naming the checkpoint of the state before, when it cannot be finished', async () => {
    const { path, before, resume } = await died();
    write(path, { '.git/MERGE_HEAD': before.commitSha });
    await expect(resume()).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      message: expect.stringContaining(before.id),
    });
  });
});

describe('the branch of a copy that was rewound', () => {
  /** As it is after a supervisor that was DONE, published, resumed and rewound. */
  async function rewound() {
    const made = await place();
    const { machine, repo, copy, rewind } = made;
    const publish = async () => {
      const worktree = await machine.context.worktrees.get('sup');
      await machine.context.checkpoints.snapshotOnly({ worktreeId: 'sup', message: 'now' });
      await publishCopy(machine.context, worktree, run(copy.path, 'rev-parse', 'HEAD'));
    };
    await publish();
    const published = run(repo, 'rev-parse', copy.branch);
    await rewind();
    write(copy.path, { 'c.txt': 'another way\n' });
    return { ...made, publish, published, work: () => commit(copy.path, {}, 'another way') };
  }

  it('is published over what this daemon published before, of which a checkpoint holds all', async () => {
    const { repo, copy, publish, work, published, agents } = await rewound();
    expect(published).toBe(agents);
    const head = work();
    await publish();
    expect(run(repo, 'rev-parse', copy.branch)).toBe(head);
    expect(run(repo, 'reflog', '-1', '--format=%gs', copy.branch)).toBe('taskmesh: rewound');
  });

  it('is not published over what somebody else made of it', async () => {
    const { repo, copy, publish, work, published } = await rewound();
    const theirs = run(repo, 'commit-tree', '-p', published, '-m', 'theirs', `${published}^{tree}`);
    run(repo, 'update-ref', `refs/heads/${copy.branch}`, theirs);
    work();
    await expect(publish()).rejects.toMatchObject({ code: 'TARGET_MOVED' });
    expect(run(repo, 'rev-parse', copy.branch)).toBe(theirs);
    // Not even put back to where it was: it is not as this daemon left it.
    run(repo, 'checkout', '-q', copy.branch);
    await expect(publish()).rejects.toMatchObject({ code: 'TARGET_MOVED' });
  });

  it('is not published over commits that no checkpoint holds', async () => {
    const { repo, copy, publish, work } = await rewound();
    work();
    await publish();
    const last = run(repo, 'rev-parse', copy.branch);
    run(copy.path, 'commit', '-q', '--amend', '-m', 'yet another');
    await expect(publish()).rejects.toMatchObject({ code: 'TARGET_MOVED' });
    expect(run(repo, 'rev-parse', copy.branch)).toBe(last);
  });
});
