import { Migration } from '@mikro-orm/migrations';

export class Migration20261128202039 extends Migration {
  override up(): void {
    this.addSql(
      `create index "daemon_present" on "daemon" ("owner_id") where "status" in ('CONNECTED', 'DRAINING')`,
    );
    this.addSql(
      `create index "task_untold" on "task" ("contract_id") where "role" = 'WORK' and "told_at" is null and "status" in ('DONE', 'FAILED', 'CANCELLED', 'MERGED')`,
    );
  }

  override down(): void {
    this.addSql(`drop index "daemon_present"`);
    this.addSql(`drop index "task_untold"`);
  }
}
