import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/processes.ts';
import { FakeApi, refuse } from './support/fake-api.ts';
import { runCli } from './support/run-cli.ts';

const KEY = `tmk_daemon_${'k'.repeat(43)}`;
const record = {
  id: 'key_1',
  name: 'laptop',
  kind: 'DAEMON',
  expiresAt: null,
  revokedAt: '2026-01-02T03:04:05Z',
};
const identity = {
  id: 'identity_1',
  subject: 'ada',
  issuer: 'https://id.example.com/',
  createdAt: '2026-01-02T03:04:05Z',
};
const run = (api: FakeApi, argv: string[], stdin?: string) =>
  runCli(['keys', ...argv], { env: { TASKMESH_URL: api.url }, ...(stdin === undefined ? {} : { stdin }) });

describe('keys', () => {
  it('create and rotate print the key and nothing else on stdout, and may be repeated', async () => {
    await using api = await FakeApi.start({
      CreateKey: { createKey: { key: KEY, name: 'laptop', kind: 'DAEMON', record } },
      RotateKey: { rotateKey: { key: KEY, record } },
    });
    const created = await run(api, ['create', '--kind', 'daemon', '--name', 'laptop', '--expires', '2d']);
    expect(created).toMatchObject({ code: 0, stdout: `${KEY}\n` });
    const rotated = await run(api, ['rotate', 'key_1', '--grace', '60']);
    expect(rotated).toMatchObject({ code: 0, stdout: `${KEY}\n` });
    const [create, rotate] = api.calls.map(({ variables }) => variables.input);
    expect(create).toMatchObject({ kind: 'DAEMON', name: 'laptop', requestId: expect.stringMatching(/./) });
    const days = (Date.parse(create.expiresAt) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(1.99);
    expect(days).toBeLessThanOrEqual(2);
    expect(rotate).toEqual({ keyId: 'key_1', graceSeconds: 60, requestId: expect.stringMatching(/./) });
  });

  it.each(['yesterday', '0d', '-1d', '2001-01-01', '5w', ''])(
    'create refuses %j as the time to end',
    async (expires) => {
      await using api = await FakeApi.start({});
      const { code, stderr } = await run(api, [
        'create',
        '--kind',
        'user',
        '--name',
        'x',
        '--expires',
        expires,
      ]);
      expect(code).toBe(2);
      expect(stderr).toContain('time to come');
      expect(api.calls).toEqual([]);
    },
  );

  it('list shows when each was last used and ends, and no key', async () => {
    const nodes = [
      {
        ...record,
        isCurrent: false,
        daemon: { id: 'd', name: 'lap\u001b[31mtop' },
        createdAt: '',
        lastUsedAt: null,
      },
      {
        ...record,
        id: 'key_2',
        kind: 'USER',
        isCurrent: true,
        daemon: null,
        createdAt: '',
        revokedAt: null,
        lastUsedAt: '2026-02-03T04:05:06Z',
      },
    ];
    await using api = await FakeApi.start({ Keys: { keys: { nodes, pageInfo: { hasNextPage: false } } } });
    const { stdout } = await run(api, ['list', '--ended']);
    expect(api.calls[0]?.variables).toEqual({ ended: true, first: 50 });
    const [, first, second] = stdout.split('\n');
    expect(first).toMatch(/^key_1 +laptop +DAEMON +laptop +never +revoked 2026-01-02 03:04$/);
    expect(second).toMatch(/^key_2 +laptop \(this one\) +USER +– +2026-02-03 04:05 +never$/);
  });

  it('revoke and unlink say what is gone; what is not there ends with 4', async () => {
    await using api = await FakeApi.start({
      RevokeKey: [{ revokeKey: { record } }, refuse('NOT_FOUND')],
      UnlinkIdentity: { unlinkIdentity: { identity } },
      Identities: { identities: [identity] },
    });
    expect((await run(api, ['revoke', 'key_1'])).stdout).toBe('key_1 laptop was revoked\n');
    expect((await run(api, ['revoke', 'key_2'])).code).toBe(4);
    expect((await run(api, ['unlink', 'identity_1'])).stdout).toBe('identity_1 ada was unlinked\n');
    expect((await run(api, ['identities'])).stdout).toMatch(/identity_1 +ada +https:\/\/id.example.com\//);
  });

  it('link takes the token from a file or stdin, and never from the command line', async () => {
    await using api = await FakeApi.start({ LinkIdentity: { linkIdentity: { identity } } });
    const file = join(temporaryDirectory(), 'token');
    writeFileSync(file, 'a.b.c\n');
    expect(await run(api, ['link', '--token-file', file])).toMatchObject({
      code: 0,
      stdout: 'identity_1 ada\n',
    });
    expect((await run(api, ['link', '--token-file', '-'], 'd.e.f\n')).code).toBe(0);
    expect(api.calls.map(({ variables }) => variables.input.token)).toEqual(['a.b.c', 'd.e.f']);
    expect((await run(api, ['link', 'a.b.c'])).code).toBe(2);
  });
});

describe('a server that is asked too much', () => {
  it('is asked again after as long as it says, also for what is not to be sent twice', async () => {
    const busy = { errors: [{ message: 'busy', extensions: { code: 'RATE_LIMITED', retryAfter: 1 } }] };
    await using api = await FakeApi.start({ RevokeKey: [busy, { revokeKey: { record } }] });
    const begun = performance.now();
    expect((await run(api, ['revoke', 'key_1'])).code).toBe(0);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(950);
    expect(api.calls).toHaveLength(2);
  });

  it('and says it for another reason than being busy, is not', async () => {
    await using api = await FakeApi.start({ RevokeKey: refuse('RATE_LIMITED') });
    expect((await run(api, ['revoke', 'key_1'])).code).toBe(1);
    expect(api.calls).toHaveLength(1);
  });
});
