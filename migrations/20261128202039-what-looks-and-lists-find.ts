import { Migration } from '@mikro-orm/migrations';

export class Migration20261128202039 extends Migration {
  override up(): void {
    this.addSql(`create index "contract_active" on "contract" ("owner_id", "id") where "status" = 'ACTIVE'`);
    this.addSql(`create index "key_listed" on "key" ("owner_id", "id") where "kind" in ('USER', 'DAEMON')`);
    this.addSql(
      `create index "daemon_present" on "daemon" ("owner_id") where "status" in ('CONNECTED', 'DRAINING')`,
    );
    this.addSql(
      `create index "task_untold" on "task" ("contract_id") where "role" = 'WORK' and "told_at" is null and "status" in ('DONE', 'FAILED', 'CANCELLED', 'MERGED')`,
    );
  }

  override down(): void {
    this.addSql(`drop index "contract_active"`);
    this.addSql(`drop index "key_listed"`);
    this.addSql(`drop index "daemon_present"`);
    this.addSql(`drop index "task_untold"`);
  }
}
