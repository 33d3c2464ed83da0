import { describe, expect, test } from 'vitest';
import { Api, eventually } from '../support/api.ts';
import { HandDaemon, openContract } from '../support/daemon.ts';
import { embedded } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing, rowsOf } from '../support/snapshot.ts';
import { SseSubscription } from '../support/sse.ts';

const { api, server, another, newOwner } = await startTestServer({ logLevel: 'silent' });
const servers = embedded ? [server] : [server, await another()];
const { contractId } = await openContract(api, { startSupervisor: false });
const other = await newOwner();

const VIEWER = '{ viewer { kind keyName } }';
const EVENTS = 'subscription($id: ID!) { contractEvents(contractId: $id) { sequence } }';
const DAY = 86_400_000;

async function make(input: object = {}): Promise<{ key: string; id: string; api: Api }> {
  const made = await api.mutate('createKey', { kind: 'USER', name: 'made', ...input }, 'key record { id }');
  return { key: made.key, id: made.record.id, api: api.as(made.key) };
}

/** A socket and a stream with a key on every instance, each shown to be open. */
async function openEverywhere(key: string) {
  const sockets = servers.map(({ url }) => new Api(url, key).subscribe(EVENTS, { id: contractId }));
  const streams = servers.map(
    ({ url }) => new SseSubscription(new Api(url, key), EVENTS, { id: contractId }),
  );
  await Promise.all(
    [...sockets, ...streams].map((each) =>
      eventually(async () => {
        if (each.received.length > 0) return true;
        await api.mutate('updateContract', { contractId, description: String(Math.random()) }, '__typename');
        return false;
      }),
    ),
  );
  return { sockets, streams };
}

async function expectClosedWithin(
  { sockets, streams }: Awaited<ReturnType<typeof openEverywhere>>,
  since: number,
  ms: number,
): Promise<void> {
  for (const socket of sockets) expect(await socket.closeCode()).toBe(4403);
  await eventually(() => streams.every(({ done }) => done));
  expect(performance.now() - since).toBeLessThan(ms);
}

test('a revoked key is refused, and its sockets and streams are closed within a second on every instance', async () => {
  const key = await make();
  const open = await openEverywhere(key.key);
  const stays = await openEverywhere((await make()).key);
  const revokedAt = performance.now();
  const { record } = await api.mutate('revokeKey', { keyId: key.id }, 'record { id revokedAt }');
  expect(record).toEqual({ id: key.id, revokedAt: expect.any(String) });
  await expectClosedWithin(open, revokedAt, 1_000);
  for (const { url } of servers) {
    expect(await new Api(url, key.key).refused(VIEWER)).toMatchObject({
      code: 'UNAUTHENTICATED',
      message: expect.stringContaining('revoked'),
    });
  }
  expect([...stays.sockets, ...stays.streams].every(({ done }) => !done)).toBe(true);
  for (const each of [...stays.sockets, ...stays.streams]) each.stop();
});

test('revoking a key again changes nothing, and is written into the history once', async () => {
  const { id } = await make({ name: 'twice' });
  const first = await api.mutate('revokeKey', { keyId: id }, 'record { revokedAt }');
  await changesNothing(server, async () => {
    expect(await api.mutate('revokeKey', { keyId: id }, 'record { revokedAt }')).toEqual(first);
  });
});

describe('a rotated key', () => {
  test('stops at once and closes what it opened, while the new one is of the same kind and name', async () => {
    const old = await make({ name: 'laptop' });
    const open = await openEverywhere(old.key);
    const rotatedAt = performance.now();
    const made = await api.mutate('rotateKey', { keyId: old.id }, 'key record { id name kind expiresAt }');
    await expectClosedWithin(open, rotatedAt, 1_000);
    expect((await old.api.refused(VIEWER)).code).toBe('UNAUTHENTICATED');
    expect(made.record).toMatchObject({ name: 'laptop', kind: 'USER', expiresAt: null });
    expect(made.record.id).not.toBe(old.id);
    expect((await api.as(made.key).ask(VIEWER)).viewer).toEqual({ kind: 'USER', keyName: 'laptop' });
  });

  test('goes on for as long as it was given, and its sockets are closed then', async () => {
    const old = await make();
    const open = await openEverywhere(old.key);
    const rotatedAt = performance.now();
    await api.mutate('rotateKey', { keyId: old.id, graceSeconds: 1 }, 'key');
    expect((await old.api.ask(VIEWER)).viewer.kind).toBe('USER');
    expect(open.sockets.every(({ done }) => !done)).toBe(true);
    await expectClosedWithin(open, rotatedAt, 3_000);
    expect(performance.now() - rotatedAt).toBeGreaterThan(900);
    expect((await old.api.refused(VIEWER)).message).toContain('expired');
  });

  test('never lives longer by its grace than it would have, and the new one has as long to live as it had', async () => {
    const expiresAt = new Date(Date.now() + DAY).toISOString();
    const old = await make({ expiresAt });
    const { record } = await api.mutate(
      'rotateKey',
      { keyId: old.id, graceSeconds: 604_800 },
      'record { expiresAt createdAt }',
    );
    const { node } = await api.ask(`{ node(id: "${old.id}") { ... on Key { expiresAt } } }`);
    expect(node.expiresAt).toBe(expiresAt);
    const lives = Date.parse(record.expiresAt) - Date.parse(record.createdAt);
    expect(Math.abs(lives - DAY)).toBeLessThan(60_000);
  });

  test('of a daemon leaves it the same daemon, with the next epoch', async () => {
    const daemon = await HandDaemon.connect(api, { name: 'rotating' });
    const { keys } = await api.ask('{ keys(first: 1) { nodes { id daemon { id } kind } } }');
    expect(keys.nodes[0]).toMatchObject({ kind: 'DAEMON', daemon: { id: daemon.id } });
    const { key } = await api.mutate('rotateKey', { keyId: keys.nodes[0].id }, 'key');
    const input = { name: 'rotating', hostname: 'x', version: '0', agents: [], maxConcurrentTasks: 1 };
    const again = await api.as(key).mutate('registerDaemon', input, 'epoch daemon { id }');
    expect(again).toEqual({ epoch: daemon.epoch + 1, daemon: { id: daemon.id } });
    expect((await daemon.api.refused(VIEWER)).code).toBe('UNAUTHENTICATED');
  });

  test('cannot be rotated when it was revoked', async () => {
    const { id } = await make();
    await api.mutate('revokeKey', { keyId: id }, '__typename');
    await changesNothing(server, async () => {
      expect((await api.mutationRefused('rotateKey', { keyId: id })).code).toBe('INVALID_TRANSITION');
    });
  });
});

test('a key that expires closes its sockets and streams by itself at that moment', async () => {
  const expiresAt = new Date(Date.now() + 1_500).toISOString();
  const key = await make({ expiresAt });
  const open = await openEverywhere(key.key);
  await expectClosedWithin(open, performance.now(), 2_500);
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt));
  expect((await key.api.refused(VIEWER)).message).toContain('expired');
});

test('the same request again gives the same key with another secret, and the first secret stops', async () => {
  for (const [mutation, input] of [
    ['createKey', { kind: 'USER', name: 'once' }],
    ['rotateKey', { keyId: (await make()).id }],
  ] as const) {
    const request = { ...input, requestId: `${mutation} once` };
    const first = await api.mutate(mutation, request, 'key record { id }');
    const again = await api.mutate(mutation, request, 'key record { id }');
    expect(again.record.id).toBe(first.record.id);
    expect(again.key).not.toBe(first.key);
    expect((await api.as(first.key).refused(VIEWER)).code).toBe('UNAUTHENTICATED');
    expect((await api.as(again.key).ask(VIEWER)).viewer.kind).toBe('USER');
    const changed = { ...request, ...(mutation === 'createKey' ? { name: 'x' } : { graceSeconds: 5 }) };
    expect((await api.mutationRefused(mutation, changed)).code).toBe('REQUEST_ID_REUSED');
  }
});

test('keys are listed with what is known of them; those that ended only when asked for, tool keys never', async () => {
  const owner = await newOwner();
  const daemon = await HandDaemon.connect(owner, { name: 'lister' });
  const { supervisorId } = await openContract(owner);
  await daemon.start(supervisorId);
  const gone = await owner.mutate('createKey', { kind: 'USER', name: 'gone' }, 'record { id }');
  await owner.mutate('revokeKey', { keyId: gone.record.id }, '__typename');
  const listed = async (args: string) => {
    const query = `{ keys${args} { nodes { name kind isCurrent daemon { name } revokedAt lastUsedAt } pageInfo { hasNextPage endCursor } } }`;
    return (await owner.ask(query)).keys;
  };
  await eventually(async () =>
    (await listed('')).nodes.every((key: { lastUsedAt: unknown }) => key.lastUsedAt),
  );
  const { nodes } = await listed('');
  expect(nodes).toMatchObject([
    { name: 'lister', kind: 'DAEMON', isCurrent: false, daemon: { name: 'lister' } },
    { name: 'another', kind: 'USER', isCurrent: true, daemon: null },
  ]);
  const all = (await listed('(ended: true)')).nodes;
  expect(all.map(({ name }: { name: string }) => name)).toEqual(['gone', 'lister', 'another']);
  expect(all[0].revokedAt).not.toBeNull();
  const page = await listed('(first: 1)');
  expect(page.pageInfo.hasNextPage).toBe(true);
  expect((await listed(`(after: "${page.pageInfo.endCursor}")`)).nodes).toHaveLength(1);
});

test('an expiry in the past, a grace out of bounds, and keys that are not the own are refused and change nothing', async () => {
  const { id } = await make();
  const [task] = await rowsOf<{ id: string }>(server, "select id from key where kind = 'TASK' limit 1");
  await changesNothing(server, async () => {
    const past = { kind: 'USER', name: 'x', expiresAt: '2001-01-01T00:00:00Z' };
    expect(await api.mutationRefused('createKey', past)).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'expiresAt',
    });
    for (const graceSeconds of [-1, 604_801]) {
      const refusal = await api.mutationRefused('rotateKey', { keyId: id, graceSeconds });
      expect(refusal).toMatchObject({ code: 'INVALID_INPUT', field: 'graceSeconds' });
    }
    for (const mutation of ['rotateKey', 'revokeKey']) {
      expect((await other.mutationRefused(mutation, { keyId: id })).code).toBe('NOT_FOUND');
      expect((await api.mutationRefused(mutation, { keyId: contractId })).code).toBe('INVALID_INPUT');
    }
  });
  expect(task).toBeDefined();
});

test('what is done with keys stands in the history, with who and from where, and without a key', async () => {
  const { id, key } = await make({ name: 'told' });
  await api.mutate('rotateKey', { keyId: id }, '__typename');
  const spare = await make({ name: 'told too' });
  await api.mutate('revokeKey', { keyId: spare.id }, '__typename');
  const query = '{ history(first: 4) { nodes { action actor actorKind address details } } }';
  const { history } = await api.ask(query);
  const actions = history.nodes.map(({ action }: { action: string }) => action);
  expect(actions).toEqual(['key.revoked', 'key.created', 'key.rotated', 'key.created']);
  for (const entry of history.nodes) {
    expect(entry).toMatchObject({ actor: 'user:first', actorKind: 'USER', address: '127.0.0.1' });
  }
  expect(history.nodes[0].details).toEqual({ keyId: spare.id, name: 'told too', kind: 'USER' });
  expect(JSON.stringify(history)).not.toContain(key.slice(10));
});
