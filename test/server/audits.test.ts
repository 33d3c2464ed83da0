import { serverAudits } from 'graphql-http';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/server.ts';

const { api } = await startTestServer({ logLevel: 'silent' });

const audits = serverAudits({ url: api.url });

test('there are 61 audits of GraphQL over HTTP', () => {
  expect(audits).toHaveLength(61);
});

test.each(audits)('$id: the server $name', async ({ fn }) => {
  const result = await fn();
  expect(result).toMatchObject({ status: 'ok' });
});

test.each(['application/json', 'application/graphql-response+json'])(
  'variables that do not fit are a bad request, answered as %s',
  async (accept) => {
    const answer = (variables: object) =>
      fetch(api.url, {
        method: 'POST',
        headers: { accept, 'content-type': 'application/json', authorization: `Bearer ${api.key}` },
        body: JSON.stringify({ query: 'query($id: ID!) { task(id: $id) { id } }', variables }),
      });
    const bad = await answer({});
    expect(bad.status).toBe(400);
    expect(await bad.json()).toEqual({
      errors: [
        {
          message: expect.stringContaining('$id'),
          locations: expect.anything(),
          extensions: { code: 'INVALID_INPUT' },
        },
      ],
    });
    // What was executed is answered with 200, whatever came of it.
    expect((await answer({ id: 'x' })).status).toBe(200);
  },
);
