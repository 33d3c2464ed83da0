import type { MigrationEntry } from '../src/platform/database.ts';
import { Migration20261123023949 } from './20261123023949-initial.ts';
import { Migration20261124203052 } from './20261124203052-conversations-and-budgets.ts';
import { Migration20261124213621 } from './20261124213621-red-team-and-rewinding.ts';
import { Migration20261124223840 } from './20261124223840-identities.ts';
import { Migration20261125010310 } from './20261125010310-held-by-budget.ts';
import { Migration20261125083900 } from './20261125083900-candidates-beside-work.ts';
import { Migration20261128202039 } from './20261128202039-daemons-that-are-there.ts';
import { Migration20261128202040 } from './20261128202040-untold-tasks.ts';
import { Migration20261128202041 } from './20261128202041-open-contracts.ts';
import { Migration20261128202042 } from './20261128202042-listed-keys.ts';

/** Every migration, in order. A migration that has landed is never changed. */
export const migrations: readonly MigrationEntry[] = [
  { name: '20261123023949-initial', class: Migration20261123023949 },
  { name: '20261124203052-conversations-and-budgets', class: Migration20261124203052 },
  { name: '20261124213621-red-team-and-rewinding', class: Migration20261124213621 },
  { name: '20261124223840-identities', class: Migration20261124223840 },
  { name: '20261125010310-held-by-budget', class: Migration20261125010310 },
  { name: '20261125083900-candidates-beside-work', class: Migration20261125083900 },
  { name: '20261128202039-daemons-that-are-there', class: Migration20261128202039 },
  { name: '20261128202040-untold-tasks', class: Migration20261128202040 },
  { name: '20261128202041-open-contracts', class: Migration20261128202041 },
  { name: '20261128202042-listed-keys', class: Migration20261128202042 },
];
