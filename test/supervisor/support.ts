import type { Answer, Api } from '../support/api.ts';
import { type HandDaemon, openContract } from '../support/daemon.ts';

export interface Supervised {
  readonly contractId: string;
  readonly supervisorId: string;
  readonly agent: Api;
  readonly worktreeId: string;
}

/** A contract whose supervisor runs, an agent that has conversations. */
export async function supervised(api: Api, daemon: HandDaemon, more: object = {}): Promise<Supervised> {
  const { contractId, supervisorId } = await openContract(api, more);
  const { agent, worktreeId } = await daemon.start(supervisorId, 1, 'session');
  return { contractId, supervisorId, agent, worktreeId };
}

/** What stands in the conversation now, with what was rewound in brackets. */
export async function conversation(api: Api, contractId: string): Promise<string[]> {
  const query =
    'query($id: ID!) { conversation(contractId: $id, includeRemoved: true) { nodes { content removedAt } } }';
  const { nodes } = (await api.ask(query, { id: contractId })).conversation;
  return nodes.map(({ content, removedAt }: Answer) => (removedAt ? `(${content})` : content));
}

/** The ids of the messages that count, by their text. */
export async function messageIds(api: Api, contractId: string): Promise<Record<string, string>> {
  const query = 'query($id: ID!) { conversation(contractId: $id) { nodes { id content } } }';
  const { nodes } = (await api.ask(query, { id: contractId })).conversation;
  return Object.fromEntries(nodes.map(({ id, content }: Answer) => [content, id]));
}
