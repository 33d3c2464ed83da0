import { generateKeyPair, UnsecuredJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { serverConfig } from '../../src/platform/config.ts';
import { type Api, eventually } from '../support/api.ts';
import { openContract } from '../support/daemon.ts';
import { startIdentityProvider } from '../support/identity-provider.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing, countOf } from '../support/snapshot.ts';

const provider = await startIdentityProvider();
const { api, server, newOwner } = await startTestServer({
  logLevel: 'silent',
  access: { identityProvider: provider.config },
});
const open = await startIdentityProvider({ signup: true, clockSkew: 60, issuer: 'open' });
const signup = await startTestServer({ logLevel: 'silent', access: { identityProvider: open.config } });

const VIEWER = '{ viewer { kind keyName owner { id name } } }';

async function link(subject: string): Promise<{ id: string; as: Api }> {
  const token = await provider.token(subject);
  const { identity } = await api.mutate('linkIdentity', { token }, 'identity { id subject issuer }');
  expect(identity).toMatchObject({ subject, issuer: provider.config.issuer });
  return { id: identity.id, as: api.as(token) };
}

test('a token of somebody who is linked is that owner, over HTTP and WebSocket', async () => {
  const { as } = await link('ada');
  const { viewer: owner } = await api.ask(VIEWER);
  expect((await as.ask(VIEWER)).viewer).toEqual({ kind: 'USER', keyName: 'ada', owner: owner.owner });
  expect(await as.subscribe(VIEWER).count(1)).toMatchObject([{ keyName: 'ada' }]);
  await as.mutate('createContract', { name: 'by token', startSupervisor: false }, '__typename');
  const { history } = await api.ask('{ history(first: 1) { nodes { actor actorKind } } }');
  expect(history.nodes).toEqual([{ actor: 'user:ada', actorKind: 'USER' }]);
});

test('a valid token of somebody unknown is refused with what to do, and makes no owner', async () => {
  const stranger = api.as(await provider.token('stranger'));
  await changesNothing(server, async () => {
    const refusal = await stranger.refused(VIEWER);
    expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED', message: expect.stringContaining('keys link') });
    expect(await stranger.subscribe(VIEWER).closeCode()).toBe(4401);
  });
});

const foreign = await generateKeyPair('ES256');
const secret = new TextEncoder().encode(JSON.stringify(provider.publicJwk).padEnd(64));
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = { sub: 'ada', iss: provider.config.issuer, aud: 'taskmesh', exp: 4_000_000_000 };
const REFUSED: Record<string, string> = {
  'that has expired': await provider.token('ada', { expiresIn: -1 }),
  'that never expires': await provider.token('ada', { expiresIn: null }),
  'of another issuer': await provider.token('ada', { issuer: 'https://evil.example.com/' }),
  'without an issuer': await provider.token('ada', { issuer: null }),
  'for another audience': await provider.token('ada', { audience: 'another' }),
  'without an audience': await provider.token('ada', { audience: null }),
  'that is not valid yet': await provider.token('ada', { claims: { nbf: 3_900_000_000 } }),
  'that names nobody': await provider.token(null),
  'that names nobody with a long name': await provider.token('x'.repeat(256)),
  'with a NUL in the name': await provider.token('ada\0'),
  "signed with another's key": await provider.token('ada', { key: foreign.privateKey }),
  'signed with a key that is not published': await provider.token('ada', {
    key: foreign.privateKey,
    keyId: 'two',
  }),
  'signed with the public key as a secret': await provider.token('ada', { key: secret, algorithm: 'HS256' }),
  'without a signature': new UnsecuredJWT(claims).encode(),
  'whose algorithm says none': `${part({ alg: 'none', kid: 'one' })}.${part(claims)}.x`,
  'that is no JSON': 'a.b.c',
  'whose claims were exchanged': await exchanged(),
  'that is longer than any': await provider.token('ada', { claims: { x: 'x'.repeat(9_000) } }),
};

async function exchanged(): Promise<string> {
  const [header, , signature] = (await provider.token('stranger')).split('.');
  return `${header}.${part(claims)}.${signature}`;
}

test.each(Object.entries(REFUSED))('a token %s is UNAUTHENTICATED', async (_title, token) => {
  const refusal = await api.as(token).refused(VIEWER);
  expect(refusal.code).toBe('UNAUTHENTICATED');
  expect(JSON.stringify(refusal)).not.toContain(token.slice(-20));
  await changesNothing(server, async () => {
    expect((await api.mutationRefused('linkIdentity', { token })).code).toBe('INVALID_INPUT');
  });
});

test('a socket that a token opened is closed when the token expires', async () => {
  await link('brief');
  const { contractId } = await openContract(api, { startSupervisor: false });
  const token = await provider.token('brief', { expiresIn: 2 });
  const events = 'subscription($id: ID!) { contractEvents(contractId: $id, afterSequence: 0) { sequence } }';
  const socket = api.as(token).subscribe(events, { id: contractId });
  await socket.count(1);
  expect(await socket.closeCode()).toBe(4403);
});

test('somebody who is unlinked is refused, and their sockets are closed within a second', async () => {
  const { id, as } = await link('leaver');
  const socket = as.subscribe('subscription { questionAsked { id } }');
  await eventually(() => server.runtime.doorbell.listeners > 0);
  await as.ask(VIEWER);
  await api.mutate('unlinkIdentity', { identityId: id }, 'identity { id }');
  const unlinkedAt = performance.now();
  expect([4401, 4403]).toContain(await socket.closeCode());
  expect(performance.now() - unlinkedAt).toBeLessThan(1_000);
  expect((await as.refused(VIEWER)).code).toBe('UNAUTHENTICATED');
});

test('somebody is linked to one owner: again is the same, and for another owner it is refused', async () => {
  const first = await link('shared');
  expect((await link('shared')).id).toBe(first.id);
  const other = await newOwner();
  const token = await provider.token('shared');
  await changesNothing(server, async () => {
    expect(await other.mutationRefused('linkIdentity', { token })).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'token',
    });
    expect((await other.mutationRefused('unlinkIdentity', { identityId: first.id })).code).toBe('NOT_FOUND');
  });
  expect((await other.ask('{ identities { id } }')).identities).toEqual([]);
});

describe('where anybody may sign up', () => {
  test('who comes for the first time becomes one owner, however often they come at once', async () => {
    const token = await open.token('newcomer', { claims: { name: 'New Comer' } });
    const answers = await Promise.all(Array.from({ length: 8 }, () => signup.api.as(token).ask(VIEWER)));
    const owners = new Set(answers.map(({ viewer }) => viewer.owner.id));
    expect(owners.size).toBe(1);
    expect(answers[0].viewer).toMatchObject({
      kind: 'USER',
      keyName: 'newcomer',
      owner: { name: 'New Comer' },
    });
    expect(await countOf(signup.server, 'owner')).toBe(2);
    expect((await signup.api.ask(VIEWER)).viewer.owner.id).not.toBe(answers[0].viewer.owner.id);
  });

  test('a token that expired within the difference of clocks that is allowed still counts, and a later one not', async () => {
    const within = await open.token('late', { expiresIn: -30 });
    expect((await signup.api.as(within).ask(VIEWER)).viewer.kind).toBe('USER');
    const beyond = await open.token('late', { expiresIn: -90 });
    expect((await signup.api.as(beyond).refused(VIEWER)).code).toBe('UNAUTHENTICATED');
  });

  test('a socket of somebody who is unlinked is closed, and does not make them sign up again', async () => {
    const as = signup.api.as(await open.token('gone'));
    const { identities } = await as.ask('{ identities { id } }');
    const { doorbell } = signup.server.runtime;
    const before = doorbell.listeners;
    const socket = as.subscribe('subscription { questionAsked { id } }');
    await as.ask(VIEWER);
    const owners = await countOf(signup.server, 'owner');
    // Open by now: one that is opened afterwards would be theirs anew.
    await eventually(() => doorbell.listeners > before);
    await as.mutate('unlinkIdentity', { identityId: identities[0].id }, '__typename');
    expect(await socket.closeCode()).toBe(4403);
    expect(await countOf(signup.server, 'owner')).toBe(owners);
  });
});

test('while the provider gives no keys a token is refused, and a key still counts', async () => {
  const down = await startIdentityProvider({ issuer: 'down' });
  down.goDown();
  const there = await startTestServer({ logLevel: 'silent', access: { identityProvider: down.config } });
  const refusal = await there.api.as(await down.token('ada')).refused(VIEWER);
  expect(refusal).toMatchObject({
    code: 'UNAUTHENTICATED',
    message: expect.stringContaining('cannot be asked'),
  });
  expect((await there.api.ask(VIEWER)).viewer.kind).toBe('USER');
});

test('without a provider a token is no key, and nobody can be linked', async () => {
  const plain = await startTestServer({ logLevel: 'silent' });
  const token = await provider.token('ada');
  expect((await plain.api.as(token).refused(VIEWER)).code).toBe('UNAUTHENTICATED');
  expect((await plain.api.mutationRefused('linkIdentity', { token })).message).toContain('TASKMESH_JWKS_URL');
});

describe('the configuration of a provider', () => {
  const complete = {
    TASKMESH_JWKS_URL: 'https://id.example.com/jwks',
    TASKMESH_JWT_ISSUER: 'https://id.example.com/',
    TASKMESH_JWT_AUDIENCE: 'taskmesh',
  };

  test('is taken when it is complete', () => {
    expect(serverConfig({}, complete).access?.identityProvider).toEqual({
      jwksUrl: 'https://id.example.com/jwks',
      issuer: 'https://id.example.com/',
      audience: 'taskmesh',
      clockSkew: 30,
      signup: false,
    });
    expect(serverConfig({}, {}).access?.identityProvider).toBeNull();
  });

  test.each([
    ['without an issuer', { TASKMESH_JWT_ISSUER: '' }],
    ['without an audience', { TASKMESH_JWT_AUDIENCE: '' }],
    ['without the URL of its keys', { TASKMESH_JWKS_URL: '' }],
    ['with keys that come in clear', { TASKMESH_JWKS_URL: 'http://id.example.com/jwks' }],
    ['with a sign-up that is neither on nor off', { TASKMESH_JWT_SIGNUP: 'maybe' }],
    ['with clocks that differ by hours', { TASKMESH_JWT_CLOCK_SKEW: '7200' }],
  ])('is refused %s', (_title, change) => {
    expect(() => serverConfig({}, { ...complete, ...change })).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', field: expect.stringContaining('identityProvider') }),
    );
  });
});
