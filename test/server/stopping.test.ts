import { expect, test } from 'vitest';
import { HandDaemon, openContract } from '../support/daemon.ts';
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
