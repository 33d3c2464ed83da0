import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getIntrospectionQuery, Kind, parse, print } from 'graphql';
import { describe, expect, test } from 'vitest';
import { documentCost } from '../../src/server/document-cost.ts';
import { Documents } from '../../src/server/documents.ts';
import { limitsOf } from '../../src/server/limits.ts';
import { schema } from '../../src/server/schema.ts';
import { ROOT } from '../support/processes.ts';
import { rawSocket, sendQuery } from '../support/raw.ts';
import { startTestServer } from '../support/server.ts';

const { api, server } = await startTestServer({ logLevel: 'silent' });
const key = { authorization: `Bearer ${api.key}` };
const limits = limitsOf({}).document;
const documents = new Documents(schema, { limits, introspection: true });

const repeat = (count: number, part: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => part(n)).join(' ');
const nested = (levels: number, open: string, inside: string, close: string) =>
  `${open.repeat(levels)}${inside}${close.repeat(levels)}`;

/** Documents that were made to cost more than they look like. */
const COSTLY: Record<string, string> = {
  'of a megabyte': `{ viewer { kind } } # ${'x'.repeat(1_048_576)}`,
  'of a megabyte in one string': `{ task(id: "${'x'.repeat(1_048_576)}") { id } }`,
  'of many tokens': `{ ${repeat(5_000, () => 'a')} }`,
  'that is deep': `{ ${nested(17, 'a {', 'b', '}')} }`,
  'that is as deep as its tokens reach': nested(1_900, '{ a', '', '}'),
  'with objects inside each other as a value': `{ a(b: ${nested(1_900, '{b:', '1', '}')}) }`,
  'with lists inside each other as a value': `{ a(b: ${nested(1_900, '[', '', ']')}) }`,
  'with inline fragments inside each other': `{ ${nested(800, '... {', 'viewer { kind }', '}')} }`,
  'with types inside each other': `query($a: ${nested(1_900, '[', 'Int', ']')}) { viewer { kind } }`,
  'that is wide': `{ ${repeat(101, (n) => `a${n}`)} }`,
  'that asks the same again and again': `{ ${repeat(500, () => '__typename')} }`,
  'that is wide through fragments': `{ ${repeat(30, () => '...F')} } fragment F on Query { ${repeat(10, (n) => `a${n}`)} }`,
  'with many aliases': `{ a { ${repeat(60, (n) => `x${n}: id`)} } b { ${repeat(60, (n) => `x${n}: id`)} } }`,
  'with many directives': `{ viewer ${repeat(10, () => '@aa')} { kind } }`,
  'with a fragment that contains itself': '{ ...A } fragment A on Query { ...A }',
  'with fragments that contain each other':
    '{ ...A } fragment A on Query { a { ...B } } fragment B on Query { b { ...C } } fragment C on Query { ...A }',
  'with fragments that double at each step': `{ ...F0 } ${repeat(40, (n) => `fragment F${n} on Query { a: node(id: "x") { ...F${n + 1} } b: node(id: "x") { ...F${n + 1} } }`)} fragment F40 on Query { id }`,
  'with fragments that double at each step and add nothing': `{ ...F0 } ${repeat(40, (n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`)} fragment F40 on Query { __typename }`,
};

/** The quickest of a few: what it takes, and not what the machine does besides. */
function milliseconds(work: () => void): number {
  const times = [1, 2, 3].map(() => {
    const begun = performance.now();
    work();
    return performance.now() - begun;
  });
  return Math.min(...times);
}

describe('a document', () => {
  test.each(Object.entries(COSTLY))('%s is refused in less than 50 ms', async (_title, text) => {
    const prepared = documents.prepare(text);
    if (!('errors' in prepared)) throw new Error('was taken');
    expect(prepared.errors.map(({ extensions }) => extensions.code)).toEqual(['DOCUMENT_TOO_LARGE']);
    expect(milliseconds(() => documents.prepare(text))).toBeLessThan(50);
  });

  test.each(Object.entries(COSTLY))('%s is refused over HTTP and WebSocket too', async (_title, text) => {
    const answer = await sendQuery(server.url, text, key);
    expect(answer.code).toBe('DOCUMENT_TOO_LARGE');
    if (text.length > 65_000) return;
    const socket = rawSocket(server.url);
    await socket.introduce(api.key);
    socket.send({ type: 'subscribe', id: '1', payload: { query: text } });
    expect(await socket.type('error')).toMatchObject({
      payload: [{ extensions: { code: 'DOCUMENT_TOO_LARGE' } }],
    });
    socket.socket.terminate();
  });

  test('that is within every limit is validated, however it came about', () => {
    const wide = `{ ${repeat(99, () => '__typename')} }`;
    expect(documents.prepare(wide)).toHaveProperty('document');
    const fragments = `{ ...F0 } ${repeat(9, (n) => `fragment F${n} on Query { ...F${n + 1} }`)} fragment F9 on Query { viewer { kind } }`;
    expect(documents.prepare(fragments)).toHaveProperty('document');
    expect(documents.prepare(getIntrospectionQuery())).toHaveProperty('document');
  });

  test('may have as many brackets in its texts and comments as it likes', () => {
    const brackets = '[{('.repeat(40);
    for (const text of [
      `{ task(id: "${brackets} \\" ${brackets}") { id } }`,
      `{ task(id: """${brackets} " \\""" ${brackets}""") { id } }`,
      `{ viewer { kind } # ${brackets}\n}`,
    ])
      expect(documents.prepare(text), text).toHaveProperty('document');
  });

  test('whose strings never end, many times over, is found out in less than 50 ms', () => {
    const text = `{ a(b: ${'"'.repeat(3)}${'\n\\"""'.repeat(12_000)}`;
    expect(documents.prepare(text)).toHaveProperty('errors');
    expect(milliseconds(() => documents.prepare(text))).toBeLessThan(50);
  });

  test('that is wrong in many places is told of a few', () => {
    const prepared = documents.prepare(`{ viewer { ${repeat(90, (n) => `wrong${n}`)} } }`);
    expect('errors' in prepared && prepared.errors.length).toBeLessThanOrEqual(21);
  });
});

describe('the cost of an answer', () => {
  const cost = (text: string, variables: object = {}) =>
    documentCost(schema, parse(text), undefined, variables as Record<string, unknown>);

  test.each([
    ['a field', '{ viewer { kind } }', 2],
    ['a page', '{ contracts(first: 7) { nodes { id name } } }', 1 + 7 * (1 + 2)],
    ['a page without a size', '{ contracts { nodes { id } } }', 1 + 50 * (1 + 1)],
    ['a list', '{ daemons { id } }', 1 + 10],
    [
      'a list inside a page',
      '{ contracts(first: 3) { nodes { documents { id } } } }',
      1 + 3 * (1 + (1 + 10)),
    ],
    [
      'a fragment that is used twice',
      '{ a: viewer { ...V } b: viewer { ...V } } fragment V on Viewer { kind keyName }',
      6,
    ],
  ])('%s', (_title, text, expected) => {
    expect(cost(text)).toBe(expected);
  });

  test('of a page whose size is a variable is that of its value; one that is no number counts as left out', () => {
    const text = 'query($n: Int) { contracts(first: $n) { nodes { id } } }';
    expect(cost(text, { n: 20 })).toBe(1 + 20 * 2);
    for (const n of ['20', null, -1, {}, undefined]) expect(cost(text, { n })).toBe(1 + 50 * 2);
  });

  test('past the limit is refused over HTTP, SSE and WebSocket, whether the size is written or a variable', async () => {
    const inside = 'checkpoints { task { checkpoints { task { checkpoints { id } } } } }';
    const tasks = (first: string) => `tasks(contractId: "x", first: ${first}) { nodes { ${inside} } }`;
    const written = `{ ${tasks('500')} }`;
    const variable = `query($n: Int) { ${tasks('$n')} }`;
    for (const [text, variables] of [
      [written, {}],
      [variable, { n: 500 }],
    ] as const) {
      expect((await api.refused(text, variables)).code).toBe('DOCUMENT_TOO_LARGE');
      expect((await api.subscribe(text, variables).refusal()).code).toBe('DOCUMENT_TOO_LARGE');
    }
    const deep = `subscription { questionAsked { task { ${'checkpoints { task { '.repeat(5)} id ${'} } '.repeat(5)} } } }`;
    const answer = await sendQuery(server.url, deep, { ...key, accept: 'text/event-stream' });
    expect(answer.text).toContain('DOCUMENT_TOO_LARGE');
    expect((await api.subscribe(deep).refusal()).code).toBe('DOCUMENT_TOO_LARGE');
  });
});

describe('what our own programs ask', () => {
  const directory = join(ROOT, 'src/client/operations');
  const text = readdirSync(directory).map((file) => readFileSync(join(directory, file), 'utf8'));
  const all = parse(text.join('\n'));
  const fragments = all.definitions.filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION);
  const operations = all.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);

  test.each(operations.map((operation) => [operation.name?.value ?? '', operation] as const))(
    '%s is far from every limit',
    (_name, operation) => {
      const used = new Set<string>();
      const collect = (source: string) => {
        for (const [, name = ''] of source.matchAll(/\.\.\.(?!on\b)(\w+)/g)) {
          if (used.has(name)) continue;
          used.add(name);
          collect(print(fragments.find((fragment) => fragment.name.value === name) as never));
        }
      };
      collect(print(operation));
      const parts = [operation, ...fragments.filter((fragment) => used.has(fragment.name.value))];
      const document = parts.map(print).join('\n');
      const half = {
        ...limits,
        tokens: limits.tokens / 2,
        breadth: limits.breadth / 2,
        fields: limits.fields / 2,
      };
      const strict = new Documents(schema, { limits: half, introspection: true });
      expect(strict.prepare(document)).toHaveProperty('document');
      expect(documentCost(schema, parse(document), undefined, { first: 500 })).toBeLessThan(limits.cost / 4);
    },
  );
});
