import { readFileSync, writeFileSync } from 'node:fs';
import { schemaText } from '../src/server/schema.ts';

/** Writes `schema.graphql`; with `--check` fails when it is not what the code says. */
const file = new URL('../schema.graphql', import.meta.url);
const text = schemaText();
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error('schema.graphql is not what the code says. Run `npm run schema` and look at the difference.');
  process.exit(1);
}
