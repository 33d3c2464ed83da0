import type { Command } from 'commander';
import { ConversationShowDocument, type ConversationShowQuery } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { teach, wholeNumber } from '../../help.ts';
import { harmless, type Paint, painter } from '../../style.ts';

type Message = ConversationShowQuery['conversation']['nodes'][number];

interface Options {
  removed?: true;
  first: number;
  after?: string;
}

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Shows what the supervisor of a contract was told and what it said, in order, each with its id, to which\n' +
      '`taskmesh contract rewind --to` takes it back. What its tools did is in `taskmesh task output`.',
    examples: ['PATH contract_01k…', "PATH contract_01k… --json | jq -r '.nodes[-1].content'"],
    exits: { 4: 'there is no such contract' },
  })
    .argument('[contract]', 'id of the contract (default: the own, for agents)')
    .option('--removed', 'also what was rewound')
    .option('--first <number>', 'how many messages', wholeNumber(1, 1_000), 200)
    .option('--after <cursor>', 'go on after this cursor (endCursor of the page before, in --json)')
    .action(async (given: string | undefined, { removed, ...page }: Options) => {
      const api = await cli.api();
      const { conversation } = await api.call(ConversationShowDocument, {
        contractId: api.contractOr(given),
        includeRemoved: removed === true,
        ...page,
      });
      const paint = painter(cli.terminal.stdout);
      cli.result(conversation, () =>
        conversation.nodes.length === 0
          ? 'Nothing was said yet.'
          : conversation.nodes.map((message) => block(message, paint)).join('\n\n'),
      );
      if (conversation.pageInfo.hasNextPage) cli.hint(`More: --after ${conversation.pageInfo.endCursor}`);
    });
}

const SPEAKERS = { USER: 'told', ASSISTANT: 'said', SYSTEM: 'note' } as const;

function block(message: Message, paint: Paint): string {
  const { id, role, attempt, createdAt, content, isPartial, removedAt } = message;
  const head = [
    SPEAKERS[role],
    createdAt.slice(0, 19).replace('T', ' '),
    attempt > 1 ? `attempt ${attempt}` : null,
    removedAt ? 'rewound' : null,
    isPartial ? 'not whole' : null,
  ];
  const title = `${paint('gray', `${id}  ${head.filter(Boolean).join(', ')}`)}`;
  const text = content.split('\n').map(harmless).join('\n');
  return `${title}\n${removedAt ? paint('gray', text) : text}`;
}
