import { once } from 'node:events';
import { createReadStream, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fetchBranch, openMirror, resolveCommit } from '../../../src/daemon/git/mirror.ts';
import { compactMirror } from '../../../src/daemon/git/mirror-upkeep.ts';
import { scratch } from '../support.ts';
import { commit, refs, repository, run, world } from './support.ts';

/** A bare repository over HTTP, as files. What counts is how often its list of refs was asked for. */
async function serve(repository: string): Promise<{ url: string; connections: () => number }> {
  let connections = 0;
  run(repository, 'update-server-info');
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://localhost');
    if (pathname.endsWith('/info/refs')) connections += 1;
    const stream = createReadStream(join(repository, pathname.replace('/repository.git', '')));
    stream.on('error', () => response.writeHead(404).end());
    stream.pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/repository.git`, connections: () => connections };
}

describe('openMirror', () => {
  it('mirrors a local path with its branches, tags and default branch', async () => {
    const root = scratch();
    const origin = repository(join(root, 'origin'));
    run(origin, 'tag', 'v1');
    run(origin, 'checkout', '-q', '-b', 'feature/x');
    run(origin, 'checkout', '-q', 'main');
    const mirror = await openMirror({ mirrorsDir: join(root, 'm'), source: { localPath: origin } });
    expect(mirror.defaultBranch).toBe('main');
    expect(refs(mirror.dir)).toBe(refs(origin));
  });

  it('mirrors a file URL', async () => {
    const { mirror, origin } = await world({ bare: true });
    expect(await resolveCommit(mirror, 'main')).toBe(run(origin, 'rev-parse', 'main'));
  });

  it('takes up new commits, drops deleted branches, and keeps our own refs', async () => {
    const { mirror, origin, root } = await world();
    run(origin, 'branch', 'old');
    const options = { mirrorsDir: join(root, 'mirrors'), source: { localPath: origin } };
    await openMirror(options);
    run(mirror.dir, 'update-ref', 'refs/taskmesh/worktrees/x/base', 'refs/heads/main');
    run(origin, 'branch', '-D', 'old');
    const next = commit(origin, { 'b.txt': 'b\n' });
    await openMirror({ ...options, fetch: false });
    expect(await resolveCommit(mirror, 'main')).not.toBe(next);
    await openMirror(options);
    expect(await resolveCommit(mirror, 'main')).toBe(next);
    expect(refs(mirror.dir)).not.toContain('refs/heads/old');
    expect(refs(mirror.dir)).toContain('refs/taskmesh/worktrees/x/base');
  });

  it('follows a branch whose history was rewritten and a renamed default branch', async () => {
    const { mirror, origin, root } = await world();
    run(origin, 'commit', '-q', '--amend', '-m', 'other');
    run(origin, 'branch', '-m', 'main', 'trunk');
    const again = await openMirror({ mirrorsDir: join(root, 'mirrors'), source: { localPath: origin } });
    expect(again.dir).toBe(mirror.dir);
    expect(again.defaultBranch).toBe('trunk');
    expect(await resolveCommit(again, 'trunk')).toBe(run(origin, 'rev-parse', 'HEAD'));
  });

  it('finds a default branch when HEAD is detached', async () => {
    const root = scratch();
    const origin = repository(join(root, 'origin'));
    run(origin, 'checkout', '-q', '--detach');
    const mirror = await openMirror({ mirrorsDir: join(root, 'm'), source: { localPath: origin } });
    expect(mirror.defaultBranch).toBe('main');
  });

  it('mirrors a shallow clone', async () => {
    const root = scratch();
    const origin = repository(join(root, 'origin'));
    commit(origin, { 'b.txt': 'b' });
    run(root, 'clone', '-q', '--depth=1', `file://${origin}`, 'shallow');
    const mirror = await openMirror({
      mirrorsDir: join(root, 'm'),
      source: { localPath: join(root, 'shallow') },
    });
    expect(await resolveCommit(mirror, 'main')).toBe(run(origin, 'rev-parse', 'HEAD'));
  });

  it('asks the origin once where nothing is new there, and fetches branches and tags that are', async () => {
    const { origin, root } = await world({ bare: true });
    const served = await serve(origin);
    const options = { mirrorsDir: join(root, 'remote'), source: { url: served.url } };
    const connections = async () => {
      run(origin, 'update-server-info');
      const before = served.connections();
      const { dir } = await openMirror(options);
      expect(refs(dir)).toBe(refs(origin));
      return served.connections() - before;
    };
    run(origin, 'tag', '-a', '-m', 'first', 'v1', 'main');
    expect(await connections()).toBe(2);
    expect(await connections()).toBe(1);
    run(origin, 'tag', 'v2', 'main');
    expect(await connections()).toBe(2);
    run(origin, 'update-ref', 'refs/heads/other', 'main');
    expect(await connections()).toBe(2);
    run(origin, 'tag', '-d', 'v1');
    expect(await connections()).toBe(2);
    expect(await connections()).toBe(1);
  });

  it('asks the origin once about a branch whose commits it has', async () => {
    const { mirror: near, origin } = await world({ bare: true });
    const served = await serve(origin);
    const root = scratch();
    const mirror = await openMirror({ mirrorsDir: root, source: { url: served.url } });
    const connections = async (commit: string | null) => {
      if (commit === null) run(origin, 'update-ref', '-d', 'refs/heads/other');
      else run(origin, 'update-ref', 'refs/heads/other', commit);
      run(origin, 'update-server-info');
      const before = served.connections();
      expect(await fetchBranch(mirror, 'other')).toBe(commit);
      expect(refs(mirror.dir).includes('refs/heads/other')).toBe(commit !== null);
      return served.connections() - before;
    };
    const main = run(origin, 'rev-parse', 'main');
    expect(await connections(main)).toBe(1);
    expect(await connections(main)).toBe(1);
    const next = run(near.dir, 'commit-tree', '-p', main, '-m', 'next', 'main^{tree}');
    run(near.dir, 'push', '-q', origin, `${next}:refs/heads/elsewhere`);
    expect(await connections(next)).toBe(2);
    expect(await connections(main)).toBe(1);
    expect(await connections(null)).toBe(1);
  });

  it('has a branch whose name is like what git describe says of a commit', async () => {
    const { mirror, origin } = await world({ bare: true });
    const main = run(origin, 'rev-parse', 'main');
    const name = `v1.0-3-g${main.slice(0, 10)}`;
    run(origin, 'branch', name, 'main');
    expect(await fetchBranch(mirror, name)).toBe(main);
    expect(refs(mirror.dir)).toContain(`refs/heads/${name} ${main}`);
  });

  it('knows the default branch also where a tag has its name', async () => {
    const { origin, root } = await world();
    run(origin, 'tag', 'main');
    const options = { mirrorsDir: join(root, 'mirrors'), source: { localPath: origin } };
    expect((await openMirror(options)).defaultBranch).toBe('main');
    expect((await openMirror({ ...options, fetch: false })).defaultBranch).toBe('main');
  });

  it('fetches again what it has lost', async () => {
    const { mirror, origin, root } = await world();
    const main = run(origin, 'rev-parse', 'main');
    const packs = join(mirror.dir, 'objects', 'pack');
    for (const name of readdirSync(packs)) rmSync(join(packs, name), { force: true });
    rmSync(join(mirror.dir, 'objects', main.slice(0, 2)), { recursive: true, force: true });
    await openMirror({ mirrorsDir: join(root, 'mirrors'), source: { localPath: origin } });
    expect(run(mirror.dir, 'cat-file', '-t', 'refs/heads/main')).toBe('commit');
  });

  it('makes one mirror when called at once', async () => {
    const root = scratch();
    const origin = repository(join(root, 'origin'));
    const open = () => openMirror({ mirrorsDir: join(root, 'm'), source: { localPath: origin } });
    const [one, two, three] = await Promise.all([open(), open(), open()]);
    expect(two).toEqual(one);
    expect(three).toEqual(one);
    expect(run(one.dir, 'fsck', '--strict')).toBe('');
  });

  it.each([
    ['a missing path', (root: string) => ({ localPath: join(root, 'nowhere') })],
    ['a directory without a repository', (root: string) => ({ localPath: join(root, 'plain') })],
    ['a directory inside a repository', (root: string) => ({ localPath: join(root, 'origin', 'src') })],
    ['a file', (root: string) => ({ localPath: join(root, 'origin', 'README.md') })],
    ['a URL that leads nowhere', (root: string) => ({ url: `file://${root}/nowhere.git` })],
    ['a host that refuses', () => ({ url: 'http://127.0.0.1:9/x.git' })],
  ])('refuses %s and leaves nothing behind', async (_title, source) => {
    const root = scratch();
    repository(join(root, 'origin'));
    mkdirSync(join(root, 'plain'));
    const opened = openMirror({ mirrorsDir: join(root, 'm'), source: source(root) });
    await expect(opened).rejects.toMatchObject({ code: 'REPOSITORY_NOT_FOUND' });
    mkdirSync(join(root, 'm'), { recursive: true });
    expect(readdirSync(join(root, 'm'))).toEqual([]);
  });

  it('says that a repository without a commit is empty', async () => {
    const root = scratch();
    run(root, 'init', '-q', 'empty');
    const opened = openMirror({ mirrorsDir: join(root, 'm'), source: { localPath: join(root, 'empty') } });
    await expect(opened).rejects.toMatchObject({
      code: 'REPOSITORY_NOT_FOUND',
      reason: expect.stringContaining('empty'),
    });
  });

  it('shows no password of a URL in an error', async () => {
    const source = { url: 'http://user:hunter2@127.0.0.1:9/x.git' };
    const error = await openMirror({ mirrorsDir: join(scratch(), 'm'), source }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'REPOSITORY_NOT_FOUND' });
    expect(JSON.stringify(error) + String(error)).not.toContain('hunter2');
  });

  it('ignores replace refs of the origin', async () => {
    const root = scratch();
    const origin = repository(join(root, 'origin'));
    const first = run(origin, 'rev-parse', 'HEAD');
    const second = commit(origin, { 'b.txt': 'b' });
    run(origin, 'replace', second, first);
    const mirror = await openMirror({ mirrorsDir: join(root, 'm'), source: { localPath: origin } });
    expect(refs(mirror.dir)).toBe(`refs/heads/main ${second}`);
  });
});

describe('fetchBranch', () => {
  it('returns null for a branch that the origin no longer has', async () => {
    const { mirror, origin } = await world();
    run(origin, 'branch', 'b');
    expect(await fetchBranch(mirror, 'b')).toBe(run(origin, 'rev-parse', 'main'));
    run(origin, 'branch', '-D', 'b');
    expect(await fetchBranch(mirror, 'b')).toBeNull();
    await expect(resolveCommit(mirror, 'b')).rejects.toMatchObject({ code: 'REVISION_NOT_FOUND' });
  });
});

describe('compactMirror', () => {
  it('keeps what our refs hold', async () => {
    const { mirror, origin, copy } = await world();
    const made = await copy('t1');
    run(origin, 'commit', '-q', '--amend', '-m', 'other');
    await fetchBranch(mirror, 'main');
    await compactMirror(mirror);
    writeFileSync(join(made.path, 'new.txt'), 'x');
    expect(run(made.path, 'status', '--porcelain')).toBe('?? new.txt');
    expect(run(made.path, 'fsck', '--no-dangling')).toBe('');
  });
});
