import { getIntrospectionQuery } from 'graphql';
import { describe, expect, test } from 'vitest';
import { send, sendQuery } from '../support/raw.ts';
import { startTestServer } from '../support/server.ts';

// What graphql-cop, a scanner of GraphQL servers, looks for, asked of a server in production, with a key and without.
const { api, server } = await startTestServer({ logLevel: 'silent', production: true });
const development = await startTestServer({ logLevel: 'silent' });
const asked = await startTestServer({
  logLevel: 'silent',
  production: true,
  access: { introspection: true, graphiql: true },
});

const repeat = (count: number, part: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => part(n)).join(' ');

describe.each([
  ['without a key', {}],
  ['with a user key', { authorization: `Bearer ${api.key}` }],
] as [string, Record<string, string>][])('%s', (_who, key) => {
  const ask = (query: string) => sendQuery(server.url, query, key);
  const get = (query: string, headers: Record<string, string> = {}) =>
    send(`${server.url}?query=${encodeURIComponent(query)}`, {
      method: 'GET',
      headers: { ...key, ...headers },
    });

  test('1. a wrong name is not answered with right ones', async () => {
    for (const query of [
      '{ __schema { directive } }',
      '{ viewe { kind } }',
      '{ viewer { kin } }',
      '{ contracts(firs: 1) { nodes { id } } }',
      '{ contracts(status: ACTIV) { nodes { id } } }',
      'mutation { createKey(input: { kin: USER }) { key } }',
      '{ node(id: "x") { ... on Contrac { id } } }',
    ]) {
      const { text, code } = await ask(query);
      expect(text).not.toContain('Did you mean');
      expect(code, query).toBe('GRAPHQL_VALIDATION_FAILED');
    }
    const { text } = await sendQuery(
      server.url,
      'query($s: ContractStatus) { contracts(status: $s) { nodes { id } } }',
      key,
      { s: 'ACTIV' },
    );
    expect(text).toContain('"errors"');
    expect(text).not.toContain('Did you mean');
    const input = 'mutation($i: CreateKeyInput!) { createKey(input: $i) { key } }';
    const field = await sendQuery(server.url, input, key, { i: { kin: 'USER', name: 'x' } });
    expect(field.code).toBe('INVALID_INPUT');
    expect(field.text).not.toContain('Did you mean');
  });

  test('2. the schema is not told', async () => {
    for (const query of [
      getIntrospectionQuery(),
      '{ __schema { types { name } } }',
      '{ __type(name: "Query") { name } }',
      '{ ...F } fragment F on Query { __schema { types { name } } }',
    ])
      expect((await ask(query)).code).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  test('3. there is no GraphiQL', async () => {
    const page = await send(server.url, { method: 'GET', headers: { ...key, accept: 'text/html' } });
    expect(page.text).not.toMatch(/graphi?ql.min.css|GraphQL Playground|GraphiQL/i);
  });

  test('4. a query by GET, as the standard wants it, is refused to pages of other sites', async () => {
    expect((await get('{ __typename }')).status).toBe(200);
    expect((await get('{ __typename }', { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await get('{ __typename }', { origin: 'https://evil.example.com' })).status).toBe(403);
  });

  test('5. a hundred and one aliases are refused', async () => {
    const { code } = await ask(`query cop { ${repeat(101, (n) => `alias${n}: __typename`)} }`);
    expect(code).toBe('DOCUMENT_TOO_LARGE');
  });

  test('6. several operations in one request are refused', async () => {
    const body = JSON.stringify(Array.from({ length: 10 }, () => ({ query: '{ __typename }' })));
    const { status, text } = await send(server.url, {
      headers: { ...key, 'content-type': 'application/json' },
      body,
    });
    expect(status).toBe(400);
    expect(JSON.parse(text)).not.toBeInstanceOf(Array);
  });

  test('7. nothing is traced', async () => {
    const { text } = await ask('query cop { __typename }');
    expect(JSON.parse(text)).toEqual({ data: { __typename: 'Query' } });
  });

  test('8. many directives at one place are refused, with one error', async () => {
    const { text, code } = await ask(`query cop { __typename ${repeat(10, () => '@aa')} }`);
    expect(code).toBe('DOCUMENT_TOO_LARGE');
    expect(JSON.parse(text).errors).toHaveLength(1);
  });

  test('9. introspection that goes in circles is refused, also where introspection is on', async () => {
    const circle = `query cop { __schema { types { ${'fields { type { '.repeat(4)} name ${'} } '.repeat(4)} } } }`;
    expect((await ask(circle)).code).toBe('GRAPHQL_VALIDATION_FAILED');
    expect((await development.api.refused(circle)).code).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  test('10. a mutation by GET does nothing', async () => {
    const { status, text } = await get('mutation cop { __typename }');
    expect(status).toBe(405);
    expect(text).not.toContain('"Mutation"');
  });

  test('11. a form is not taken for a request', async () => {
    const headers = { ...key, 'content-type': 'application/x-www-form-urlencoded' };
    const { status, text } = await send(server.url, { headers, body: 'query=query+cop+%7B__typename%7D' });
    expect(status).toBe(415);
    expect(text).not.toContain('"Query"');
  });

  test('12. an error tells no exception and no place in our code', async () => {
    for (const query of [
      'qwerty cop { abc }',
      '{ node(id: "\\u0000") { id } }',
      '{ contract(id: "x") { id } }',
    ]) {
      const { text } = await ask(query);
      expect(text).toContain('"errors"');
      expect(text).not.toMatch(/exception|stack|node_modules|\.ts:|src\//i);
    }
  });

  test('and the same field five hundred times is refused', async () => {
    expect((await ask(`query cop { ${repeat(500, () => '__typename')} }`)).code).toBe('DOCUMENT_TOO_LARGE');
  });
});

test('an error does not repeat a long value that was wrong', async () => {
  const input = 'mutation($i: CreateKeyInput!) { createKey(input: $i) { key } }';
  const key = { authorization: `Bearer ${api.key}` };
  const { text } = await sendQuery(server.url, input, key, { i: { name: 'x'.repeat(1_000_000) } });
  expect(text.length).toBeLessThan(5_000);
});

test('over a socket production tells no more than over HTTP', async () => {
  for (const query of ['{ __schema { types { name } } }', '{ viewe { kind } }']) {
    const refusal = await api.subscribe(query).refusal();
    expect(refusal.code).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(refusal.message).not.toContain('Did you mean');
  }
  const socket = api.subscribe('query($s: ContractStatus) { contracts(status: $s) { nodes { id } } }', {
    s: 'ACTIV',
  });
  expect((await socket.refusal()).message).not.toContain('Did you mean');
});

test('outside of production, and in it when asked for, the schema, suggestions and GraphiQL are there', async () => {
  for (const { api: open } of [development, asked]) {
    const { __schema: schema } = await open.ask(getIntrospectionQuery());
    expect(schema.types.length).toBeGreaterThan(100);
    expect((await open.refused('{ viewe { kind } }')).message).toContain('Did you mean');
    const page = await send(open.url, { method: 'GET', headers: { accept: 'text/html' } });
    expect(page.text).toContain('GraphiQL');
  }
});
