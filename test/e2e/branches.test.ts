import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { git } from '../support/processes.ts';
import { RepositoryWorld, type Supervisor, tip } from '../support/repository-world.ts';

/* Files and branches with real processes: a server, a daemon, git, supervisors that are shell scripts. */
const world = await RepositoryWorld.start();
const { api, directory } = world;

describe('worktreeFile', () => {
  const FILE = `query($taskId: ID!, $path: String!) { worktreeFile(taskId: $taskId, path: $path) {
    path exists content encoding size truncated } }`;
  const PLAN = `printf 'not saved' > draft.txt
printf '\\000\\001\\377' > bytes; : > empty; printf 'a\\377' > latin
printf 'sp ace' > 'a name.txt'; mkdir dir; printf deep > dir/deep.txt; ln -s dir/deep.txt inside
head -c 1048575 /dev/zero | tr '\\0' x > big; printf 'éé' >> big
head -c 2000000 /dev/zero > zeros
ln -s /etc/passwd passwd; ln -s /etc etc; ln -s ../.. up; ln -s .git gitlink; ln -s nowhere dangling; ln -s loop loop
mkfifo pipe; chmod 000 empty; chmod 600 empty
taskmesh supervisor file "$TASKMESH_TASK_ID" draft.txt > ../from-cli
taskmesh task file "$TASKMESH_TASK_ID" bytes | od -An -tx1
taskmesh task file "$TASKMESH_TASK_ID" passwd || echo "passwd: $?"
taskmesh task file "$TASKMESH_TASK_ID" missing || echo "missing: $?"`;
  let supervisor: Supervisor;
  const read = async (path: string) => (await api.ask(FILE, { taskId: supervisor.id, path })).worktreeFile;

  beforeAll(async () => {
    supervisor = await world.supervise({ localPath: world.origin('files') }, PLAN);
  });

  test.each([
    ['draft.txt', { content: 'not saved', encoding: 'UTF8', size: 9 }],
    ['./dir//deep.txt', { content: 'deep', encoding: 'UTF8', size: 4 }],
    ['inside', { content: 'deep', encoding: 'UTF8', size: 4 }],
    ['a name.txt', { content: 'sp ace', encoding: 'UTF8', size: 6 }],
    ['empty', { content: '', encoding: 'UTF8', size: 0 }],
    ['bytes', { content: 'AAH/', encoding: 'BASE64', size: 3 }],
    ['latin', { content: 'Yf8=', encoding: 'BASE64', size: 2 }],
  ])('%s is told as it is now', async (path, file) => {
    expect(await read(path)).toEqual({ path, exists: true, truncated: false, ...file });
  });

  test('at most a MiB is read, and no character is cut in two', async () => {
    const { content, ...big } = await read('big');
    expect(big).toEqual({ path: 'big', exists: true, encoding: 'UTF8', size: 1_048_579, truncated: true });
    expect(content === 'x'.repeat(1_048_575)).toBe(true);
    const zeros = await read('zeros');
    expect(zeros).toMatchObject({ encoding: 'BASE64', size: 2_000_000, truncated: true });
    expect(Buffer.from(zeros.content, 'base64')).toHaveLength(1_048_576);
  });

  test.each(['missing', 'dir/missing', 'draft.txt/x'])('%s is not there', async (path) => {
    expect(await read(path)).toEqual({
      path,
      exists: false,
      content: null,
      encoding: 'UTF8',
      size: 0,
      truncated: false,
    });
  });

  test.each([
    'passwd',
    'etc/passwd',
    'up/x',
    'gitlink/config',
    'dangling',
    'loop',
    'pipe',
    'dir',
    '.',
    '.git/config',
    'dir/../../x',
    '/etc/passwd',
    'a\0b',
  ])('%j is FORBIDDEN_PATH', async (path) => {
    expect((await api.refused(FILE, { taskId: supervisor.id, path })).code).toBe('FORBIDDEN_PATH');
  });

  test('the command line writes the bytes, and says by its code what was wrong', async () => {
    expect(readFileSync(join(supervisor.path, '../from-cli'), 'utf8')).toBe('not saved');
    expect(await world.said(supervisor.id, /^ 00 01/)).toBe(' 00 01 ff');
    expect(await world.said(supervisor.id, /^passwd: /)).toBe('passwd: 3');
    expect(await world.said(supervisor.id, /^missing: /)).toBe('missing: 4');
  });
});

describe('createBranch', () => {
  const FIELDS = 'branchName commitSha pending';
  const create = (contractId: string, branchName: string, fromRef?: string) =>
    api.mutate('createBranch', { contractId, branchName, fromRef }, FIELDS);
  const PLAN = 'echo 1 > one.txt; git add .; git commit -qm One; echo draft > draft.txt';
  const repo = world.origin('local');
  let supervisor: Supervisor;

  beforeAll(async () => {
    git(repo, 'branch', 'develop', 'main~1');
    supervisor = await world.supervise(
      { localPath: repo },
      `${PLAN}\ntaskmesh supervisor branch by-the-agent`,
    );
  });

  test('is made at what is committed, in the copy and in the repository, beside all checkouts', async () => {
    const committed = tip(supervisor.path, supervisor.branch);
    expect(await create(supervisor.contractId, 'release/1')).toEqual({
      branchName: 'release/1',
      commitSha: committed,
      pending: false,
    });
    for (const path of [supervisor.path, repo]) {
      expect(tip(path, 'release/1')).toBe(committed);
      expect(tip(path, 'by-the-agent')).toBe(committed);
    }
    expect(git(supervisor.path, 'status', '--porcelain')).toBe('?? draft.txt');
    expect(git(supervisor.path, 'symbolic-ref', 'HEAD')).toBe(`refs/heads/${supervisor.branch}`);
    expect(git(repo, 'symbolic-ref', 'HEAD')).toBe('refs/heads/main');
    expect(git(repo, 'status', '--porcelain')).toBe('');
    expect(await world.said(supervisor.id, /^by-the-agent is at /)).toBe(`by-the-agent is at ${committed}`);
  });

  test('the same again is the same; at another commit it is refused, naming both', async () => {
    const made = await create(supervisor.contractId, 'again', 'main');
    expect(await create(supervisor.contractId, 'again', 'main')).toEqual(made);
    const other = git(repo, 'rev-parse', 'develop');
    const refusal = await api.mutationRefused('createBranch', {
      contractId: supervisor.contractId,
      branchName: 'again',
      fromRef: 'develop',
    });
    expect(refusal).toMatchObject({ code: 'INVALID_INPUT', field: 'branchName' });
    expect(refusal.message).toContain(made.commitSha);
    expect(refusal.message).toContain(other);
    expect([tip(repo, 'again'), tip(supervisor.path, 'again')]).toEqual([made.commitSha, made.commitSha]);
  });

  test('one that only the copy or only the repository has counts, too', async () => {
    const [main, develop] = [tip(repo, 'main'), tip(repo, 'develop')];
    git(supervisor.path, 'branch', 'in-copy', main);
    git(repo, 'branch', 'in-repository', main);
    for (const [name, place] of [
      ['in-copy', repo],
      ['in-repository', supervisor.path],
    ] as const) {
      const input = { contractId: supervisor.contractId, branchName: name, fromRef: develop };
      expect((await api.mutationRefused('createBranch', input)).field).toBe('branchName');
      expect(tip(place, name)).toBe('');
      expect((await create(supervisor.contractId, name, main)).commitSha).toBe(main);
      expect(tip(place, name)).toBe(main);
    }
  });

  test('starts at a branch or a full commit id, and at nothing else', async () => {
    const main = tip(repo, 'main');
    const { contractId, path } = supervisor;
    writeFileSync(join(path, 'loose.txt'), 'loose');
    git(path, 'checkout', '-q', '--detach');
    git(path, 'add', 'loose.txt');
    git(path, 'commit', '-qm', 'Loose');
    const loose = git(path, 'rev-parse', 'HEAD');
    git(path, 'checkout', '-q', supervisor.branch);
    expect((await create(contractId, 'from-branch', 'main')).commitSha).toBe(main);
    expect((await create(contractId, 'from-id', main)).commitSha).toBe(main);
    // Of the copy alone, so far.
    expect((await create(contractId, 'from-loose', loose)).commitSha).toBe(loose);
    expect(git(repo, 'log', '-1', '--format=%s', 'from-loose')).toBe('Loose');
    for (const fromRef of [
      'nowhere',
      'f'.repeat(40),
      main.slice(0, 10),
      '--upload-pack=x',
      'main~1',
      'HEAD',
    ]) {
      const refusal = await api.mutationRefused('createBranch', { contractId, branchName: 'never', fromRef });
      expect(refusal, fromRef).toMatchObject({ code: 'INVALID_INPUT', field: 'fromRef' });
    }
    expect([tip(repo, 'never'), tip(path, 'never')]).toEqual(['', '']);
  });

  test.each(['--upload-pack=x', '-x', 'a..b', 'main/below', 'HEAD'])(
    '%s is not taken for a name',
    async (branchName) => {
      const before = [git(repo, 'for-each-ref'), git(supervisor.path, 'for-each-ref')];
      const refusal = await api.mutationRefused('createBranch', {
        contractId: supervisor.contractId,
        branchName,
      });
      expect(refusal).toMatchObject({ code: 'INVALID_INPUT', field: 'branchName' });
      expect([git(repo, 'for-each-ref'), git(supervisor.path, 'for-each-ref')]).toEqual(before);
    },
  );

  test('is pushed to a URL, and in a local-only contract stays in the copy', async () => {
    const bare = join(directory, 'remote.git');
    git(directory, 'clone', '-q', '--bare', world.origin('for-remote'), 'remote.git');
    const remote = { url: `file://${encodeURI(bare)}` };
    const open = await world.supervise(remote, PLAN);
    const made = await create(open.contractId, 'shared');
    expect([tip(bare, 'shared'), tip(open.path, 'shared')]).toEqual([made.commitSha, made.commitSha]);
    const closed = await world.supervise(remote, PLAN, { localOnly: true });
    const kept = await create(closed.contractId, 'kept');
    expect([tip(bare, 'kept'), tip(closed.path, 'kept')]).toEqual(['', kept.commitSha]);
    // What the repository refuses is not left in the copy either.
    writeFileSync(join(bare, 'hooks/pre-receive'), '#!/bin/sh\necho not today >&2; exit 1\n', {
      mode: 0o755,
    });
    const refusal = await api.mutationRefused('createBranch', {
      contractId: open.contractId,
      branchName: 'hooked',
    });
    expect(refusal.code).toBe('COMMAND_FAILED');
    expect([tip(bare, 'hooked'), tip(open.path, 'hooked')]).toEqual(['', '']);
  });
});
