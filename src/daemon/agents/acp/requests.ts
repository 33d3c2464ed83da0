import { type ClientApp, client, methods } from '@agentclientprotocol/sdk/unstable';
import type { Conversation } from '../conversation.ts';
import type { PermissionPolicy } from '../profiles.ts';
import { elicit } from './elicitation.ts';
import { messageOf } from './failures.ts';
import type { PendingRequests } from './pending-requests.ts';
import { decide } from './permissions.ts';
import { entry, type SessionLog } from './session-log.ts';

export interface RequestOptions {
  readonly policy: PermissionPolicy;
  readonly log: SessionLog;
  readonly ask: Conversation['ask'];
  /** Something that the agent is to be told with its next prompt. */
  readonly tell: (text: string) => void;
  readonly pending: PendingRequests;
}

/** Answers what an agent asks of us: permissions and elicitations. */
export function clientApp(options: RequestOptions): ClientApp {
  const { log, ask, pending } = options;
  return client({ name: 'taskmesh' })
    .onRequest(methods.client.session.requestPermission, async ({ params, signal }) => {
      const decided = await pending.run(signal, (ended) => decide(options, params, ended));
      return decided ?? { outcome: { outcome: 'cancelled' } };
    })
    .onRequest(methods.client.elicitation.create, async ({ params, signal }) => {
      const answered = await pending.run(signal, async (ended) => {
        await log.add();
        return elicit(ask, params, ended).catch(async (error: unknown) => {
          ended.throwIfAborted();
          const why = `The person could not be asked: ${messageOf(error)}`;
          await log.add(entry('ERROR', why, { isError: true }));
          return { action: 'cancel' as const };
        });
      });
      return answered ?? { action: 'cancel' };
    });
}
