import { readFileSync, writeFileSync } from 'node:fs';
import { type Limits, limitsOf, type Rate } from '../src/server/limits.ts';
import { schema } from '../src/server/schema.ts';
import {
  CALLERS,
  KINDS,
  MUTATIONS,
  type Operation,
  QUERIES,
  SUBSCRIPTIONS,
  WHO,
} from '../test/keys/operations.ts';
import { AUDIENCES, FIELDS, TYPES } from '../test/keys/types.ts';

/**
 * Writes what docs/SECURITY.md says of limits and of who may do what, from the limits themselves and from the tables that
 * the tests walk; with `--check` fails when it is not what they say, or when they say nothing of a field of the schema.
 */
const file = new URL('../docs/SECURITY.md', import.meta.url);
const written = readFileSync(file, 'utf8');
const missing = missingRows();
if (missing.length > 0) {
  console.error(`test/keys/operations.ts has no row for ${missing.join(', ')}.`);
  process.exit(1);
}
const text = Object.entries({ limits: limitTables(limitsOf({})), matrix: matrix() }).reduce(replace, written);
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (written !== text) {
  console.error(
    'docs/SECURITY.md is not what the code says. Run `npm run security` and look at the difference.',
  );
  process.exit(1);
}

function replace(document: string, [name, content]: [string, string]): string {
  const [begin, end] = [`<!-- ${name}: written by npm run security -->`, `<!-- ${name}: end -->`];
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/SECURITY.md has no place for ${name}.`);
  return `${document.slice(0, from + begin.length)}\n\n${content}\n\n${document.slice(to)}`;
}

function missingRows(): string[] {
  const rows = [
    ['Query', QUERIES, schema.getQueryType()],
    ['Mutation', MUTATIONS, schema.getMutationType()],
    ['Subscription', SUBSCRIPTIONS, schema.getSubscriptionType()],
  ] as const;
  return rows.flatMap(([name, operations, type]) => {
    const known = new Set(operations.map(({ field }) => field));
    return Object.keys(type?.getFields() ?? {})
      .filter((field) => !known.has(field))
      .map((field) => `${name}.${field}`);
  });
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function limitTables({ keys, address, socket, document }: Limits): string {
  // Whoever adds a limit must say here what it is: the types ask for every name.
  const perKey: Record<keyof Limits['keys']['USER'], string> = {
    bodyBytes: 'largest body over HTTP',
    requests: 'requests over HTTP, and operations over WebSocket',
    sockets: 'open sockets',
    subscriptions: 'operations under way over WebSocket and SSE',
  };
  const perAddress: Record<keyof Limits['address'], string> = {
    bodyBytes: 'largest body over HTTP',
    requests: 'requests',
    failures: 'failed authentications',
    sockets: 'sockets that have not said whose they are',
  };
  const perSocket: Record<keyof Limits['socket'], string> = {
    messageBytes: 'largest message to the server',
    messages: 'messages',
    initMs: 'time for `connection_init`',
  };
  const perDocument: Record<keyof Limits['document'], string> = {
    length: 'characters',
    tokens: 'tokens',
    nesting: 'brackets in each other',
    depth: 'fields inside each other',
    breadth: 'fields side by side',
    fields: 'fields in all, fragments counted wherever they are used',
    aliases: 'aliases',
    directives: 'directives at one place',
    cost: 'values that the answer may have, estimated',
  };
  const rows = <T extends object>(words: Record<keyof T & string, string>, ...limits: T[]) =>
    Object.entries<string>(words).map(([name, what]) => [
      what,
      ...limits.map((each) => shown(name, each[name as keyof T] as number | Rate)),
    ]);
  return [
    table(['per key', 'user', 'task', 'daemon'], rows(perKey, keys.USER, keys.TASK, keys.DAEMON)),
    table(['per address without a valid key', ''], rows(perAddress, address)),
    table(['per socket', ''], rows(perSocket, socket)),
    table(['per document', ''], rows(perDocument, document)),
  ].join('\n\n');
}

function shown(name: string, limit: number | Rate): string {
  const number = (n: number) => n.toLocaleString('en');
  if (typeof limit !== 'number') return `${number(limit.perSecond)}/s, ${number(limit.burst)} at once`;
  if (name.endsWith('Ms')) return `${number(limit / 1_000)} s`;
  if (!name.endsWith('Bytes')) return number(limit);
  const KiB = limit / 1_024;
  return KiB < 1_024 ? `${KiB} KiB` : `${KiB / 1_024} MiB`;
}

function matrix(): string {
  const columns = CALLERS.map((caller) => WHO[caller]);
  const kinds = Object.entries(KINDS).map(([kind, expected]) => [
    `**${kind}**`,
    ...CALLERS.map((caller) => (expected[caller] === 'allowed' ? 'yes' : `\`${expected[caller]}\``)),
  ]);
  const names = (operations: readonly Operation[]) =>
    Object.entries(KINDS).flatMap(([kind, expected]) => {
      const fields = operations
        .filter((each) => each.expected === expected)
        .map(({ field }) => `\`${field}\``);
      return fields.length > 0 ? [[`**${kind}**`, [...new Set(fields)].sort().join(' ')]] : [];
    });
  const types = Object.entries(AUDIENCES).map(([audience, roles]) => {
    const of = Object.entries({ ...TYPES, ...FIELDS }).filter(([, each]) => each === audience);
    return [roles.join(', '), of.map(([name]) => `\`${name}\``).join(' ')];
  });
  return [
    table(['', ...columns], kinds),
    table(['', 'queries'], names(QUERIES)),
    table(['', 'mutations'], names(MUTATIONS)),
    table(['', 'subscriptions'], names(SUBSCRIPTIONS)),
    table(['given to', 'types and fields, each within what the tables above open'], types),
  ].join('\n\n');
}
