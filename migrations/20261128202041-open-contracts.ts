import { Migration } from '@mikro-orm/migrations';

export class Migration20261128202041 extends Migration {
  override up(): void {
    this.addSql(`create index "contract_active" on "contract" ("owner_id", "id") where "status" = 'ACTIVE'`);
  }

  override down(): void {
    this.addSql(`drop index "contract_active"`);
  }
}
