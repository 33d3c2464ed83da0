import { Migration } from '@mikro-orm/migrations';

export class Migration20261125083900 extends Migration {
  override up(): void {
    this.addSql(
      `create index "task_candidates_beside_work" on "task" ("owner_id", "priority" desc, "id") where "status" = 'PENDING' and "role" <> 'WORK'`,
    );
  }

  override down(): void {
    this.addSql(`drop index "task_candidates_beside_work"`);
  }
}
