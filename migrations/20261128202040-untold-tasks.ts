import { Migration } from '@mikro-orm/migrations';

export class Migration20261128202040 extends Migration {
  override up(): void {
    this.addSql(
      `create index "task_untold" on "task" ("contract_id") where "role" = 'WORK' and "told_at" is null and "status" in ('DONE', 'FAILED', 'CANCELLED', 'MERGED')`,
    );
  }

  override down(): void {
    this.addSql(`drop index "task_untold"`);
  }
}
