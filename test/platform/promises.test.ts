import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);
const text = readFileSync(new URL('docs/PROMISES.md', root), 'utf8');
const rows = [...text.matchAll(/^\| (.+) \| \[(.+)\]\(\.\.\/(.+)\): \*(.+)\* \|$/gm)];

/** The title as it stands in the file, with whatever in the place of each `…`. */
function titled(title: string): RegExp {
  const parts = title.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`['"\`]${parts.join('[^\\n]{1,40}?')}['"\`]`);
}

test('every test that docs/PROMISES.md names is there', () => {
  const lines = text.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| promise'));
  expect(rows.length).toBe(lines.length);
  expect(rows.length).toBeGreaterThan(150);
  const gone = rows.filter(([, , name, path, title]) => {
    const file = new URL(String(path), root);
    const isThere = path === `test/${name}.test.ts` && existsSync(file);
    return !isThere || !titled(String(title)).test(readFileSync(file, 'utf8'));
  });
  expect(gone.map(([line]) => line)).toEqual([]);
});
