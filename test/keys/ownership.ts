import { TypeID } from 'typeid-js';
import { ID_PREFIXES } from '../../src/platform/ids.ts';
import type { RunningServer } from '../../src/server/server.ts';
import { rowsOf } from '../support/snapshot.ts';

type Row = Readonly<Record<string, unknown>>;

/** Whose something is: the owner, and the contract where it is of one. As ids of the database. */
export interface Belonging {
  readonly owner: string | null;
  readonly contract: string | null;
}

/** Columns by which a row says what it is a part of, the nearest first. */
const PARENTS = ['contract_id', 'task_id', 'worktree_id', 'checkpoint_id', 'daemon_id'];
const ID = new RegExp(`\\b(?:${ID_PREFIXES.join('|')})_[0-7][0-9a-z]{25}\\b`, 'g');

/** Finds out, from the rows of the database, whose each id is. */
export class Ownership {
  readonly #rows = new Map<string, Row>();

  static async read(server: RunningServer): Promise<Ownership> {
    const ownership = new Ownership();
    const tables = await rowsOf<{ name: string }>(
      server,
      "select table_name as name from information_schema.columns where table_schema = 'public' and column_name = 'id' and data_type = 'uuid'",
    );
    for (const { name } of tables)
      for (const { row } of await rowsOf<{ row: Row }>(
        server,
        `select to_jsonb(r) || '{"_table": "${name}"}' as row from "${name}" r`,
      ))
        ownership.#rows.set(String(row.id), row);
    return ownership;
  }

  /** Every id in a text that is one of the database, with whose it is. */
  *idsIn(text: string): Generator<[id: string, Belonging]> {
    for (const id of new Set(text.match(ID))) {
      const row = this.#rows.get(TypeID.fromString(id).toUUID());
      if (row) yield [id, { owner: this.#find(row, 'owner'), contract: this.#find(row, 'contract') }];
    }
  }

  #find(row: Row, what: 'owner' | 'contract'): string | null {
    if (row._table === what) return String(row.id);
    // What a daemon has, or a key, may be of any contract.
    if (what === 'contract' && (row._table === 'daemon' || row._table === 'key')) return null;
    const direct = row[`${what}_id`];
    if (typeof direct === 'string') return direct;
    for (const column of PARENTS) {
      const parent = this.#rows.get(String(row[column]));
      const found = parent && this.#find(parent, what);
      if (found) return found;
    }
    return null;
  }
}
