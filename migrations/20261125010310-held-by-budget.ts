import { Migration } from '@mikro-orm/migrations';

export class Migration20261125010310 extends Migration {
  override up(): void {
    this.addSql(`alter table "task" add "held_by_budget" boolean not null default false`);
    // Until now the budget was taken for what had paused any supervisor past it.
    this.addSql(
      `update "task" set "held_by_budget" = true from "contract" where "contract"."id" = "task"."contract_id"
       and "contract"."budget_question_id" is not null and "task"."role" = 'SUPERVISOR' and "task"."status" = 'PAUSED'`,
    );
  }

  override down(): void {
    this.addSql(`alter table "task" drop column "held_by_budget"`);
  }
}
