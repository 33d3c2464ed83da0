import { Migration } from '@mikro-orm/migrations';

export class Migration20261128202039 extends Migration {
  override up(): void {
    this.addSql(
      `create index "daemon_present" on "daemon" ("owner_id") where "status" in ('CONNECTED', 'DRAINING')`,
    );
  }

  override down(): void {
    this.addSql(`drop index "daemon_present"`);
  }
}
