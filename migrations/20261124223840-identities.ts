import { Migration } from '@mikro-orm/migrations';

export class Migration20261124223840 extends Migration {
  override up(): void {
    this.addSql(
      `create table "owner_identity" ("id" uuid not null, "owner_id" uuid not null, "issuer" text not null, "subject" text not null, "created_at" timestamptz(3) not null, primary key ("id"))`,
    );
    this.addSql(`create index "owner_identity_owner_id_index" on "owner_identity" ("owner_id")`);
    this.addSql(
      `alter table "owner_identity" add constraint "owner_identity_issuer_subject_unique" unique ("issuer", "subject")`,
    );
    this.addSql(
      `alter table "owner_identity" add constraint "owner_identity_owner_id_foreign" foreign key ("owner_id") references "owner" ("id") on delete cascade`,
    );
  }

  override down(): void {
    this.addSql(`drop table if exists "owner_identity" cascade`);
  }
}
