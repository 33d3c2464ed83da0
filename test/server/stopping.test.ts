import { expect, test } from 'vitest';
import { eventually } from '../support/api.ts';
import { HandDaemon, openContract } from '../support/daemon.ts';
import { embedded } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';

test('a server that stops tells those who wait to call again, and is out before they would have been', async () => {
  const { api, server } = await startTestServer();
  const daemon = await HandDaemon.connect(api);
  const { supervisorId } = await openContract(api);
  const { agent } = await daemon.start(supervisorId);
  const waiting = [
    api.post('query($id: ID!) { waitForTask(taskId: $id, timeoutSeconds: 60) { status } }', {
      id: supervisorId,
    }),
    agent.post('mutation { askQuestion(input: { question: "Still there?" }) { outcome } }'),
    agent.post('{ inbox(timeoutSeconds: 60) { id } }'),
  ];
  await api.subscribe('subscription { questionAsked { id } }').count(1);
  const startedAt = performance.now();
  await server.close();
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  for (const { errors } of await Promise.all(waiting))
    expect(errors?.[0].extensions.code).toBe('SHUTTING_DOWN');
});

test('who never stops calling is refused once the server stops, and does not hold it up', async () => {
  const { api, server } = await startTestServer();
  const told: string[] = [];
  const calling = Array.from({ length: 4 }, async () => {
    for (;;) {
      const answer = await api.post('{ viewer { kind } }').catch(() => null);
      if (answer === null) return;
      told.push(answer.errors?.[0].extensions.code ?? answer.data?.viewer.kind);
    }
  });
  await eventually(() => told.length > 40);
  const startedAt = performance.now();
  await server.close();
  expect(performance.now() - startedAt).toBeLessThan(4_000);
  await Promise.all(calling);
  expect(new Set([...told, 'SHUTTING_DOWN'])).toEqual(new Set(['USER', 'SHUTTING_DOWN']));
});

// The embedded one is in the same process.
if (!embedded) {
  test('a database that does not answer any more does not keep the server from stopping', async () => {
    const { server } = await startTestServer();
    const stuck = Promise.withResolvers<void>();
    const lasting = server.runtime.db.fork().transactional(() => stuck.promise);
    const startedAt = performance.now();
    await server.close();
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    stuck.resolve();
    await lasting.catch(() => undefined);
  });
}
