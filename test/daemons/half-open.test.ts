import { pino } from 'pino';
import { expect, test } from 'vitest';
import { TaskmeshClient } from '../../src/client/client.ts';
import { DaemonApi } from '../../src/daemon/api.ts';
import { onEnd } from '../support/cleanup.ts';
import { HandDaemon } from '../support/daemon.ts';
import { CuttingProxy } from '../support/proxy.ts';
import { runningTask } from '../support/running-task.ts';
import { startTestServer } from '../support/server.ts';

test('output whose connection falls silent is sent again on another one, as soon as an answer is overdue', async () => {
  const { api } = await startTestServer();
  const daemon = await HandDaemon.connect(api);
  const { taskId } = await runningTask(api, daemon);
  const proxy = await CuttingProxy.open(api.url);
  onEnd(() => proxy.close());
  const client = new TaskmeshClient({ url: proxy.url, key: String(daemon.api.key) });
  const over = new AbortController();
  onEnd(() => over.abort());
  const far = new DaemonApi(client, pino({ level: 'silent' }), over.signal, 500);
  const append = (firstIndex: number) => {
    const entries = [{ type: 'STDOUT' as const, content: 'line', createdAt: new Date().toISOString() }];
    return far.appendOutput({ taskId, attempt: 1, firstIndex, entries });
  };
  expect((await append(0)).nextIndex).toBe(1);
  proxy.fallSilent();
  expect((await append(1)).nextIndex).toBe(2);
});
