import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generate } from '@graphql-codegen/cli';
import config from '../codegen.ts';

/** Writes the client's types from `schema.graphql`; with `--check` fails when they are not what it says. */
const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
const check = process.argv.includes('--check');
const files = (await generate({ ...config, silent: true, errorsOnly: true }, false)) as {
  filename: string;
  content: string;
}[];
const stale: string[] = [];
for (const { filename, content } of files) {
  const path = join(root, filename.replace(root, ''));
  if (!check) writeFileSync(path, content);
  else if (readFileSync(path, 'utf8') !== content) stale.push(filename);
}
const known = new Set(files.map(({ filename }) => filename.split('/').at(-1)));
for (const name of readdirSync(join(root, 'src/client/generated'))) if (!known.has(name)) stale.push(name);
if (stale.length > 0) {
  console.error(
    `The client's types are not what schema.graphql says (${stale.join(', ')}). Run \`npm run codegen\`.`,
  );
  process.exit(1);
}
