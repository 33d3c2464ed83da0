import { Migration } from '@mikro-orm/migrations';

export class Migration20261128202042 extends Migration {
  override up(): void {
    this.addSql(`create index "key_listed" on "key" ("owner_id", "id") where "kind" in ('USER', 'DAEMON')`);
  }

  override down(): void {
    this.addSql(`drop index "key_listed"`);
  }
}
