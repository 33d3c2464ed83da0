import { randomBytes } from 'node:crypto';
import { TypeID } from 'typeid-js';
import { expect, test } from 'vitest';
import { fromUuid, newId, parseId, toUuid } from '../../src/platform/ids.ts';

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

test('an id from a caller is taken when TypeID takes it, and by nobody else', () => {
  const good = uuids.map((uuid) => fromUuid('task', uuid));
  const letters = 'abcdefghijklmnopqrstuvwxyzAZ0123456789_- ';
  const odd = good.slice(0, 300).map((id, index) => {
    const place = 5 + (index % 26);
    return `${id.slice(0, place)}${letters[(index * 7) % letters.length]}${id.slice(place + 1)}`;
  });
  const more = [
    '',
    'task_',
    'task',
    '_',
    `${good[5]}0`,
    `${good[5]} `,
    `${good[5]}\n`,
    good[5]?.toUpperCase(),
    good[5]?.slice(5),
  ];
  const outcome = (take: () => unknown) => {
    try {
      return take();
    } catch {
      return 'refused';
    }
  };
  const all = [...good, ...odd, ...more].map(String);
  const taken = all.map((id) => outcome(() => parseId('task', id, 'taskId')));
  const byTypeId = all.map((id) =>
    outcome(() => {
      const parsed = TypeID.fromString(id, 'task');
      parsed.toUUID();
      return parsed.toString();
    }),
  );
  expect(taken).toEqual(byTypeId);
  expect(new Set(taken).has('refused')).toBe(true);
});

test('new ids are UUIDs of version 7, no two alike, each behind the one before it', () => {
  const ids = Array.from({ length: 2_000 }, () => newId('task'));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted()).toEqual(ids);
  for (const id of ids)
    expect(toUuid(id)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-/);
});
