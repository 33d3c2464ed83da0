import { randomBytes } from 'node:crypto';
import { TypeID } from 'typeid-js';
import { expect, test } from 'vitest';
import { fromUuid, toUuid } from '../../src/platform/ids.ts';

const uuids = [
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '01a20fa4-5cd2-7114-a098-46715c1d9485',
  ...Array.from({ length: 1_000 }, () =>
    randomBytes(16)
      .toString('hex')
      .replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-7$3-8$4-$5'),
  ),
];

test('ids are written as TypeID says, and lead back to their UUID', () => {
  for (const uuid of uuids) {
    const id = fromUuid('task', uuid);
    expect(id).toBe(TypeID.fromUUID('task', uuid).toString());
    expect(toUuid(id)).toBe(uuid);
  }
});

test('what is no id is refused', () => {
  expect(() => toUuid('task_short' as never)).toThrow();
});
