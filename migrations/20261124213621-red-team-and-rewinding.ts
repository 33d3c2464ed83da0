import { Migration } from '@mikro-orm/migrations';

export class Migration20261124213621 extends Migration {
  override up(): void {
    this.addSql(
      `alter table "contract" add "red_team_agent" text null, add "budget_offer_usd" double precision null`,
    );
    this.addSql(
      `create index "contract_red_team" on "contract" ("id") where "status" = 'ACTIVE' and "red_team_enabled"`,
    );
    this.addSql(
      `create index "contract_budget" on "contract" ("id") where "status" = 'ACTIVE' and ("budget_usd" is not null or "budget_question_id" is not null)`,
    );
    this.addSql(`alter table "contract_event" drop constraint "contract_event_type_check"`);
    this.addSql(`create index "task_waiting" on "task" ("contract_id") where "status" = 'WAITING'`);
    this.addSql(
      `create index "task_completion_action" on "task" ("completed_at") where "status" = 'DONE' and "completion_action" <> 'NONE' and "completion_action_at" is null`,
    );
  }

  override down(): void {
    this.addSql(`drop index "contract_red_team"`);
    this.addSql(`drop index "contract_budget"`);
    this.addSql(`alter table "contract" drop column "red_team_agent", drop column "budget_offer_usd"`);
    this.addSql(
      `alter table "contract_event" add constraint "contract_event_type_check" check ("type" in ('CONTRACT_CREATED', 'CONTRACT_UPDATED', 'CONTRACT_COMPLETED', 'TASK_CREATED', 'TASK_UPDATED', 'TASK_COMPLETED', 'TASK_STALLED', 'OUTPUT', 'QUESTION_ASKED', 'QUESTION_ANSWERED', 'QUESTION_CLOSED', 'CHECKPOINT_CREATED', 'MERGE_FINISHED', 'MESSAGE_SENT'))`,
    );
    this.addSql(`drop index "task_waiting"`);
    this.addSql(`drop index "task_completion_action"`);
  }
}
