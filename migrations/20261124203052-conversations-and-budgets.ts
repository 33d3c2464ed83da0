import { Migration } from '@mikro-orm/migrations';

export class Migration20261124203052 extends Migration {
  override up(): void {
    this.addSql(
      `create table "checkpoint_diff" ("checkpoint_id" uuid not null, "patch" text not null, "files" jsonb not null, "lines_added" int not null, "lines_removed" int not null, "truncated" boolean not null, primary key ("checkpoint_id"))`,
    );
    this.addSql(
      `alter table "conversation_message" drop constraint "conversation_message_contract_id_foreign"`,
    );
    this.addSql(`alter table "daemon" add "removed_at" timestamptz(3) null`);
    this.addSql(
      `alter table "contract" add "red_team_enabled" boolean not null default false, add "red_team_prompt" text null, add "budget_usd" double precision null, add "budget_question_id" uuid null`,
    );
    this.addSql(
      `alter table "contract_counter" add "cost_usd" double precision not null default 0, add "tokens" bigint not null default '0'`,
    );
    this.addSql(`alter table "worktree" add "left_at" timestamptz(3) null`);
    this.addSql(
      `alter table "task" add "checkpoint_sha" text null, add "branched_from_task_id" uuid null, add "continue_from_task_id" uuid null, add "copy_files" text[] not null default '{}', add "completion_action" text not null default 'NONE', add "completion_action_at" timestamptz(3) null, add "target_repo_path" text null, add "autonomous_loop" int not null default 0, add "session_id" text null, add "session_daemon_id" uuid null, add "starts_anew" boolean not null default false, add "told_at" timestamptz(3) null`,
    );
    this.addSql(
      `alter table "task" add constraint "task_branched_from_task_id_foreign" foreign key ("branched_from_task_id") references "task" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "task" add constraint "task_continue_from_task_id_foreign" foreign key ("continue_from_task_id") references "task" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "task" add constraint "task_session_daemon_id_foreign" foreign key ("session_daemon_id") references "daemon" ("id") on delete cascade`,
    );
    this.addSql(`alter table "task" alter column "tokens" type bigint using ("tokens"::bigint)`);
    this.addSql(`alter table "task" alter column "tokens" set default '0'`);
    this.addSql(`create index "task_branched_from_task_id_index" on "task" ("branched_from_task_id")`);
    this.addSql(`create index "task_continue_from_task_id_index" on "task" ("continue_from_task_id")`);
    this.addSql(`create index "task_session_daemon_id_index" on "task" ("session_daemon_id")`);
    this.addSql(
      `alter table "task" add constraint "task_completion_action_check" check ("completion_action" in ('NONE', 'MERGE', 'PULL_REQUEST'))`,
    );
    this.addSql(
      `alter table "task_attempt" add "cost_usd" double precision not null default 0, add "tokens" bigint not null default '0'`,
    );
    this.addSql(`alter table "question" add "attempt" int null`);
    this.addSql(
      `alter table "conversation_message" drop constraint "conversation_message_contract_id_number_unique"`,
    );
    this.addSql(
      `alter table "conversation_message" add "attempt" int not null, add "source" text not null, add "is_partial" boolean not null default false, add "previous_id" uuid null`,
    );
    this.addSql(
      `alter table "conversation_message" add constraint "conversation_message_previous_id_foreign" foreign key ("previous_id") references "conversation_message" ("id") on delete cascade`,
    );
    this.addSql(`alter table "conversation_message" rename column "contract_id" to "task_id"`);
    this.addSql(
      `alter table "conversation_message" add constraint "conversation_message_task_id_foreign" foreign key ("task_id") references "task" ("id") on delete cascade`,
    );
    this.addSql(
      `create index "conversation_message_previous_id_index" on "conversation_message" ("previous_id")`,
    );
    this.addSql(
      `alter table "conversation_message" add constraint "conversation_message_task_id_number_unique" unique ("task_id", "number")`,
    );
    this.addSql(
      `create unique index "conversation_message_source" on "conversation_message" ("task_id", "attempt", "source")`,
    );
    this.addSql(`alter table "checkpoint" add "after_message_id" uuid null`);
    this.addSql(
      `alter table "checkpoint" add constraint "checkpoint_after_message_id_foreign" foreign key ("after_message_id") references "conversation_message" ("id") on delete cascade`,
    );
    this.addSql(`create index "checkpoint_after_message_id_index" on "checkpoint" ("after_message_id")`);
    this.addSql(
      `alter table "checkpoint_diff" add constraint "checkpoint_diff_checkpoint_id_foreign" foreign key ("checkpoint_id") references "checkpoint" ("id") on update cascade on delete cascade`,
    );
  }

  override down(): void {
    this.addSql(`drop table if exists "checkpoint_diff" cascade`);
    this.addSql(`alter table "checkpoint" drop constraint "checkpoint_after_message_id_foreign"`);
    this.addSql(`alter table "conversation_message" drop constraint "conversation_message_task_id_foreign"`);
    this.addSql(
      `alter table "conversation_message" drop constraint "conversation_message_previous_id_foreign"`,
    );
    this.addSql(`alter table "task" drop constraint "task_branched_from_task_id_foreign"`);
    this.addSql(`alter table "task" drop constraint "task_continue_from_task_id_foreign"`);
    this.addSql(`alter table "task" drop constraint "task_session_daemon_id_foreign"`);
    this.addSql(`drop index "checkpoint_after_message_id_index"`);
    this.addSql(`alter table "checkpoint" drop column "after_message_id"`);
    this.addSql(
      `alter table "contract" drop column "red_team_enabled", drop column "red_team_prompt", drop column "budget_usd", drop column "budget_question_id"`,
    );
    this.addSql(`alter table "contract_counter" drop column "cost_usd", drop column "tokens"`);
    this.addSql(`drop index "conversation_message_previous_id_index"`);
    this.addSql(
      `alter table "conversation_message" drop constraint "conversation_message_task_id_number_unique"`,
    );
    this.addSql(`alter table "conversation_message" drop constraint "conversation_message_source"`);
    this.addSql(
      `alter table "conversation_message" drop column "attempt", drop column "source", drop column "is_partial", drop column "previous_id"`,
    );
    this.addSql(`alter table "conversation_message" rename column "task_id" to "contract_id"`);
    this.addSql(
      `alter table "conversation_message" add constraint "conversation_message_contract_id_foreign" foreign key ("contract_id") references "contract" ("id") on update no action on delete cascade`,
    );
    this.addSql(
      `alter table "conversation_message" add constraint "conversation_message_contract_id_number_unique" unique ("contract_id", "number")`,
    );
    this.addSql(`alter table "daemon" drop column "removed_at"`);
    this.addSql(`alter table "question" drop column "attempt"`);
    this.addSql(`drop index "task_branched_from_task_id_index"`);
    this.addSql(`drop index "task_continue_from_task_id_index"`);
    this.addSql(`drop index "task_session_daemon_id_index"`);
    this.addSql(`alter table "task" drop constraint "task_completion_action_check"`);
    this.addSql(
      `alter table "task" drop column "checkpoint_sha", drop column "branched_from_task_id", drop column "continue_from_task_id", drop column "copy_files", drop column "completion_action", drop column "completion_action_at", drop column "target_repo_path", drop column "autonomous_loop", drop column "session_id", drop column "session_daemon_id", drop column "starts_anew", drop column "told_at"`,
    );
    this.addSql(`alter table "task" alter column "tokens" type int4 using ("tokens"::int4)`);
    this.addSql(`alter table "task" alter column "tokens" set default 0`);
    this.addSql(`alter table "task_attempt" drop column "cost_usd", drop column "tokens"`);
    this.addSql(`alter table "worktree" drop column "left_at"`);
  }
}
