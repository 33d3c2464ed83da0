import { Migration } from '@mikro-orm/migrations';

export class Migration20261123023949 extends Migration {
  override up(): void {
    this.addSql(
      `create table "owner" ("id" uuid not null, "name" text not null, "created_at" timestamptz(3) not null, primary key ("id"))`,
    );
    this.addSql(
      `create table "history" ("id" uuid not null, "owner_id" uuid not null, "contract_id" uuid null, "task_id" uuid null, "action" text not null, "actor_kind" text not null, "actor" text not null, "details" jsonb null, "address" text null, "created_at" timestamptz(3) not null, primary key ("id"))`,
    );
    this.addSql(`create index "history_owner_id_id_index" on "history" ("owner_id", "id")`);
    this.addSql(`create index "history_contract_id_id_index" on "history" ("contract_id", "id")`);
    this.addSql(
      `create table "daemon" ("id" uuid not null, "owner_id" uuid not null, "name" text not null, "hostname" text not null, "daemon_version" text not null, "status" text not null, "draining" boolean not null default false, "agents" text[] not null, "local_paths" text[] not null, "max_concurrent_tasks" int not null, "epoch" int not null default 0, "last_heartbeat_at" timestamptz(3) null, "created_at" timestamptz(3) not null, primary key ("id"))`,
    );
    this.addSql(`create index "daemon_owner_id_index" on "daemon" ("owner_id")`);
    this.addSql(
      `create table "contract" ("id" uuid not null, "owner_id" uuid not null, "name" text not null, "description" text null, "phase" text not null default 'EXECUTE', "status" text not null default 'ACTIVE', "local_only" boolean not null default false, "agent" text not null, "summary" text null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, "completed_at" timestamptz(3) null, "version" int not null default 1, primary key ("id"))`,
    );
    this.addSql(`create index "contract_owner_id_id_index" on "contract" ("owner_id", "id")`);
    this.addSql(
      `create table "document" ("id" uuid not null, "contract_id" uuid not null, "name" text not null, "phase" text null, "content" text not null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, "version" int not null default 1, primary key ("id"))`,
    );
    this.addSql(
      `alter table "document" add constraint "document_contract_id_name_unique" unique ("contract_id", "name")`,
    );
    this.addSql(
      `create table "conversation_message" ("id" uuid not null, "contract_id" uuid not null, "number" int not null, "role" text not null, "content" text not null, "created_at" timestamptz(3) not null, "removed_at" timestamptz(3) null, primary key ("id"))`,
    );
    this.addSql(
      `alter table "conversation_message" add constraint "conversation_message_contract_id_number_unique" unique ("contract_id", "number")`,
    );
    this.addSql(
      `create table "contract_event" ("contract_id" uuid not null, "sequence" int not null, "type" text not null, "task_id" uuid null, "data" jsonb not null, "occurred_at" timestamptz(3) not null, primary key ("contract_id", "sequence"))`,
    );
    this.addSql(
      `create index "contract_event_task_output" on "contract_event" ("task_id", "sequence") where "type" = 'OUTPUT'`,
    );
    this.addSql(
      `create index "contract_event_other" on "contract_event" ("contract_id", "type", "sequence") where "type" <> 'OUTPUT'`,
    );
    this.addSql(
      `create table "contract_counter" ("contract_id" uuid not null, "last" int not null default 0, "pruned" int not null default 0, primary key ("contract_id"))`,
    );
    this.addSql(
      `create table "owner_counter" ("owner_id" uuid not null, "last_question_change" int not null default 0, primary key ("owner_id"))`,
    );
    this.addSql(
      `create table "repository" ("id" uuid not null, "contract_id" uuid not null, "url" text null, "local_path" text null, "base_branch" text null, "is_primary" boolean not null default false, "created_at" timestamptz(3) not null, primary key ("id"))`,
    );
    this.addSql(`create index "repository_contract_id_index" on "repository" ("contract_id")`);
    this.addSql(
      `create unique index "repository_one_primary" on "repository" ("contract_id") where "is_primary"`,
    );
    this.addSql(
      `create table "request" ("owner_id" uuid not null, "request_id" text not null, "operation" text not null, "input_hash" text not null, "result" text not null, "created_at" timestamptz(3) not null, primary key ("owner_id", "request_id"))`,
    );
    this.addSql(
      `create table "worktree" ("id" uuid not null, "origin_id" uuid not null, "contract_id" uuid not null, "daemon_id" uuid not null, "repository_url" text null, "repository_path" text null, "path" text null, "branch" text not null, "base_branch" text null, "base_sha" text null, "created_at" timestamptz(3) not null, primary key ("id"))`,
    );
    this.addSql(`create index "worktree_origin_id_index" on "worktree" ("origin_id")`);
    this.addSql(`create index "worktree_contract_id_index" on "worktree" ("contract_id")`);
    this.addSql(`create index "worktree_daemon_id_index" on "worktree" ("daemon_id")`);
    this.addSql(
      `create table "task" ("id" uuid not null, "owner_id" uuid not null, "contract_id" uuid not null, "parent_id" uuid null, "depth" int not null default 0, "name" text not null, "description" text null, "plan" text not null, "role" text not null, "status" text not null default 'PENDING', "priority" int not null default 0, "use_own_worktree" boolean not null default false, "worktree_id" uuid null, "repository_url" text null, "repository_path" text null, "base_branch" text null, "target_branch" text null, "agent" text not null, "daemon_id" uuid null, "attempt" int not null default 0, "retry_count" int not null default 0, "failed_daemons" text[] not null default '{}', "error_message" text null, "output_summary" text null, "cost_usd" double precision not null default 0, "tokens" int not null default 0, "time_limit_minutes" int null, "cancel_reason" text null, "finish_summary" text null, "finish_success" boolean null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, "claimed_at" timestamptz(3) null, "started_at" timestamptz(3) null, "completed_at" timestamptz(3) null, "version" int not null default 1, primary key ("id"))`,
    );
    this.addSql(`create index "task_owner_id_index" on "task" ("owner_id")`);
    this.addSql(`create index "task_parent_id_index" on "task" ("parent_id")`);
    this.addSql(`create index "task_worktree_id_index" on "task" ("worktree_id")`);
    this.addSql(`create index "task_daemon_id_index" on "task" ("daemon_id")`);
    this.addSql(`create index "task_contract_id_id_index" on "task" ("contract_id", "id")`);
    this.addSql(
      `create index "task_candidates" on "task" ("owner_id", "priority" desc, "id") where "status" = 'PENDING'`,
    );
    this.addSql(
      `create index "task_active_on_daemon" on "task" ("daemon_id") where "status" in ('STARTING', 'RUNNING', 'CANCELLING')`,
    );
    this.addSql(`create index "task_starting" on "task" ("claimed_at") where "status" = 'STARTING'`);
    this.addSql(
      `create unique index "task_one_supervisor" on "task" ("contract_id") where "role" = 'SUPERVISOR'`,
    );
    this.addSql(
      `create unique index "task_one_red_team" on "task" ("contract_id") where "role" = 'RED_TEAM'`,
    );
    this.addSql(
      `create table "task_message" ("id" uuid not null, "task_id" uuid not null, "number" int not null, "sender" text not null, "content" text not null, "created_at" timestamptz(3) not null, "delivered_at" timestamptz(3) null, primary key ("id"))`,
    );
    this.addSql(
      `alter table "task_message" add constraint "task_message_task_id_number_unique" unique ("task_id", "number")`,
    );
    this.addSql(
      `create table "task_attempt" ("task_id" uuid not null, "attempt" int not null, "daemon_id" uuid not null, "next_output_index" int not null default 0, "started_at" timestamptz(3) not null, "last_output_at" timestamptz(3) null, "stalled_at" timestamptz(3) null, "ended_at" timestamptz(3) null, primary key ("task_id", "attempt"))`,
    );
    this.addSql(`create index "task_attempt_daemon_id_index" on "task_attempt" ("daemon_id")`);
    this.addSql(
      `create table "question" ("id" uuid not null, "owner_id" uuid not null, "contract_id" uuid not null, "task_id" uuid not null, "question" text not null, "choices" text[] not null default '{}', "context" text null, "multi_select" boolean not null default false, "question_type" text not null default 'GENERAL', "status" text not null default 'PENDING', "non_blocking" boolean not null default false, "phaseguard" boolean not null default false, "keep_open" boolean not null default false, "timeout_seconds" int not null, "expires_at" timestamptz(3) null, "timed_out_at" timestamptz(3) null, "response" text null, "answer_choices" text[] null, "answer_text" text null, "answered_by" text null, "answered_at" timestamptz(3) null, "told_at" timestamptz(3) null, "message_id" uuid null, "asked_change" int not null, "answered_change" int null, "created_at" timestamptz(3) not null, primary key ("id"))`,
    );
    this.addSql(`create index "question_contract_id_index" on "question" ("contract_id")`);
    this.addSql(`create index "question_task_id_index" on "question" ("task_id")`);
    this.addSql(`create index "question_message_id_index" on "question" ("message_id")`);
    this.addSql(
      `create index "question_pending" on "question" ("owner_id", "id") where "status" = 'PENDING'`,
    );
    this.addSql(`create index "question_expiring" on "question" ("expires_at") where "status" = 'PENDING'`);
    this.addSql(
      `create index "question_unacknowledged" on "question" ("answered_at") where "status" = 'ANSWERED' and "told_at" is null`,
    );
    this.addSql(
      `alter table "question" add constraint "question_owner_id_asked_change_unique" unique ("owner_id", "asked_change")`,
    );
    this.addSql(
      `alter table "question" add constraint "question_owner_id_answered_change_unique" unique ("owner_id", "answered_change")`,
    );
    this.addSql(
      `create table "key" ("id" uuid not null, "owner_id" uuid not null, "kind" text not null, "name" text not null, "hash" text not null, "task_id" uuid null, "attempt" int null, "daemon_id" uuid null, "created_at" timestamptz(3) not null, "last_used_at" timestamptz(3) null, "expires_at" timestamptz(3) null, "revoked_at" timestamptz(3) null, primary key ("id"))`,
    );
    this.addSql(`create index "key_owner_id_index" on "key" ("owner_id")`);
    this.addSql(`alter table "key" add constraint "key_hash_unique" unique ("hash")`);
    this.addSql(`create index "key_task_id_index" on "key" ("task_id")`);
    this.addSql(`create index "key_daemon_id_index" on "key" ("daemon_id")`);
    this.addSql(
      `create table "command" ("id" uuid not null, "daemon_id" uuid not null, "task_id" uuid null, "attempt" int null, "type" text not null, "status" text not null default 'PENDING', "payload" jsonb not null, "result" jsonb null, "error_code" text null, "error_message" text null, "created_at" timestamptz(3) not null, "accepted_at" timestamptz(3) null, "answered_at" timestamptz(3) null, primary key ("id"))`,
    );
    this.addSql(`create index "command_daemon_id_index" on "command" ("daemon_id")`);
    this.addSql(`create index "command_task_id_index" on "command" ("task_id")`);
    this.addSql(
      `create index "command_unanswered" on "command" ("daemon_id", "id") where "status" in ('PENDING', 'ACCEPTED')`,
    );
    this.addSql(
      `create table "checkpoint_part" ("task_id" uuid not null, "upload_id" text not null, "index" int not null, "data" bytea not null, "created_at" timestamptz(3) not null, primary key ("task_id", "upload_id", "index"))`,
    );
    this.addSql(
      `create table "checkpoint" ("id" uuid not null, "worktree_id" uuid not null, "origin_id" uuid not null, "task_id" uuid not null, "number" int not null, "commit_sha" text not null, "base_sha" text not null, "branch" text not null, "message" text not null, "files_changed" int not null, "lines_added" int not null, "lines_removed" int not null, "skipped_paths" text[] not null default '{}', "upload_id" text not null, "parts" int not null, "bytes" int not null, "created_at" timestamptz(3) not null, primary key ("id"))`,
    );
    this.addSql(`create index "checkpoint_task_id_index" on "checkpoint" ("task_id")`);
    this.addSql(
      `alter table "checkpoint" add constraint "checkpoint_origin_id_number_unique" unique ("origin_id", "number")`,
    );
    this.addSql(
      `alter table "checkpoint" add constraint "checkpoint_worktree_id_upload_id_unique" unique ("worktree_id", "upload_id")`,
    );
    this.addSql(
      `alter table "history" add constraint "history_owner_id_foreign" foreign key ("owner_id") references "owner" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "daemon" add constraint "daemon_owner_id_foreign" foreign key ("owner_id") references "owner" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "daemon" add constraint "daemon_status_check" check ("status" in ('CONNECTED', 'DRAINING', 'DISCONNECTED'))`,
    );
    this.addSql(
      `alter table "contract" add constraint "contract_owner_id_foreign" foreign key ("owner_id") references "owner" ("id") on delete cascade`,
    );
    this.addSql(`alter table "contract" add constraint "contract_name_not_blank" check (btrim(name) <> '')`);
    this.addSql(
      `alter table "contract" add constraint "contract_phase_check" check ("phase" in ('RESEARCH', 'SPECIFY', 'PLAN', 'EXECUTE', 'REVIEW'))`,
    );
    this.addSql(
      `alter table "contract" add constraint "contract_status_check" check ("status" in ('ACTIVE', 'COMPLETED', 'ARCHIVED'))`,
    );
    this.addSql(
      `alter table "document" add constraint "document_contract_id_foreign" foreign key ("contract_id") references "contract" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "document" add constraint "document_phase_check" check ("phase" in ('RESEARCH', 'SPECIFY', 'PLAN', 'EXECUTE', 'REVIEW'))`,
    );
    this.addSql(
      `alter table "conversation_message" add constraint "conversation_message_contract_id_foreign" foreign key ("contract_id") references "contract" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "conversation_message" add constraint "conversation_message_role_check" check ("role" in ('USER', 'ASSISTANT', 'SYSTEM'))`,
    );
    this.addSql(
      `alter table "contract_event" add constraint "contract_event_contract_id_foreign" foreign key ("contract_id") references "contract" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "contract_event" add constraint "contract_event_type_check" check ("type" in ('CONTRACT_CREATED', 'CONTRACT_UPDATED', 'CONTRACT_COMPLETED', 'TASK_CREATED', 'TASK_UPDATED', 'TASK_COMPLETED', 'TASK_STALLED', 'OUTPUT', 'QUESTION_ASKED', 'QUESTION_ANSWERED', 'QUESTION_CLOSED', 'CHECKPOINT_CREATED', 'MERGE_FINISHED', 'MESSAGE_SENT'))`,
    );
    this.addSql(
      `alter table "contract_counter" add constraint "contract_counter_contract_id_foreign" foreign key ("contract_id") references "contract" ("id") on update cascade on delete cascade`,
    );
    this.addSql(
      `alter table "owner_counter" add constraint "owner_counter_owner_id_foreign" foreign key ("owner_id") references "owner" ("id") on update cascade on delete cascade`,
    );
    this.addSql(
      `alter table "repository" add constraint "repository_contract_id_foreign" foreign key ("contract_id") references "contract" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "repository" add constraint "repository_url_or_path" check ((url is null) <> (local_path is null))`,
    );
    this.addSql(
      `alter table "request" add constraint "request_owner_id_foreign" foreign key ("owner_id") references "owner" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "worktree" add constraint "worktree_origin_id_foreign" foreign key ("origin_id") references "worktree" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "worktree" add constraint "worktree_contract_id_foreign" foreign key ("contract_id") references "contract" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "worktree" add constraint "worktree_daemon_id_foreign" foreign key ("daemon_id") references "daemon" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "task" add constraint "task_owner_id_foreign" foreign key ("owner_id") references "owner" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "task" add constraint "task_contract_id_foreign" foreign key ("contract_id") references "contract" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "task" add constraint "task_parent_id_foreign" foreign key ("parent_id") references "task" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "task" add constraint "task_worktree_id_foreign" foreign key ("worktree_id") references "worktree" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "task" add constraint "task_daemon_id_foreign" foreign key ("daemon_id") references "daemon" ("id") on delete cascade`,
    );
    this.addSql(`alter table "task" add constraint "task_name_not_blank" check (btrim(name) <> '')`);
    this.addSql(
      `alter table "task" add constraint "task_role_check" check ("role" in ('SUPERVISOR', 'WORK', 'RED_TEAM'))`,
    );
    this.addSql(
      `alter table "task" add constraint "task_status_check" check ("status" in ('PENDING', 'STARTING', 'RUNNING', 'PAUSED', 'WAITING', 'INTERRUPTED', 'CANCELLING', 'CANCELLED', 'DONE', 'FAILED', 'MERGED'))`,
    );
    this.addSql(
      `alter table "task_message" add constraint "task_message_task_id_foreign" foreign key ("task_id") references "task" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "task_message" add constraint "task_message_sender_check" check ("sender" in ('PERSON', 'SUPERVISOR', 'TASK', 'SYSTEM'))`,
    );
    this.addSql(
      `alter table "task_attempt" add constraint "task_attempt_task_id_foreign" foreign key ("task_id") references "task" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "task_attempt" add constraint "task_attempt_daemon_id_foreign" foreign key ("daemon_id") references "daemon" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "question" add constraint "question_owner_id_foreign" foreign key ("owner_id") references "owner" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "question" add constraint "question_contract_id_foreign" foreign key ("contract_id") references "contract" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "question" add constraint "question_task_id_foreign" foreign key ("task_id") references "task" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "question" add constraint "question_message_id_foreign" foreign key ("message_id") references "task_message" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "question" add constraint "question_question_type_check" check ("question_type" in ('GENERAL', 'PERMISSION', 'PHASE_CONFIRMATION', 'CONTRACT_COMPLETE'))`,
    );
    this.addSql(
      `alter table "question" add constraint "question_status_check" check ("status" in ('PENDING', 'ANSWERED', 'TIMED_OUT', 'WITHDRAWN'))`,
    );
    this.addSql(
      `alter table "key" add constraint "key_owner_id_foreign" foreign key ("owner_id") references "owner" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "key" add constraint "key_task_id_foreign" foreign key ("task_id") references "task" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "key" add constraint "key_daemon_id_foreign" foreign key ("daemon_id") references "daemon" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "key" add constraint "key_kind_check" check ("kind" in ('USER', 'TASK', 'DAEMON'))`,
    );
    this.addSql(
      `alter table "command" add constraint "command_daemon_id_foreign" foreign key ("daemon_id") references "daemon" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "command" add constraint "command_task_id_foreign" foreign key ("task_id") references "task" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "command" add constraint "command_type_check" check ("type" in ('SPAWN_TASK', 'PAUSE_TASK', 'RESUME_TASK', 'CANCEL_TASK', 'SEND_MESSAGE', 'CREATE_CHECKPOINT', 'CREATE_BRANCH', 'MERGE_TASK', 'CREATE_PULL_REQUEST', 'GET_TASK_DIFF', 'READ_FILE', 'REWIND_WORKTREE'))`,
    );
    this.addSql(
      `alter table "command" add constraint "command_status_check" check ("status" in ('PENDING', 'ACCEPTED', 'COMPLETED', 'FAILED', 'WITHDRAWN'))`,
    );
    this.addSql(
      `alter table "checkpoint_part" add constraint "checkpoint_part_task_id_foreign" foreign key ("task_id") references "task" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "checkpoint" add constraint "checkpoint_worktree_id_foreign" foreign key ("worktree_id") references "worktree" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "checkpoint" add constraint "checkpoint_origin_id_foreign" foreign key ("origin_id") references "worktree" ("id") on delete cascade`,
    );
    this.addSql(
      `alter table "checkpoint" add constraint "checkpoint_task_id_foreign" foreign key ("task_id") references "task" ("id") on delete cascade`,
    );
  }

  override down(): void {
    this.addSql(`alter table "history" drop constraint "history_owner_id_foreign"`);
    this.addSql(`alter table "daemon" drop constraint "daemon_owner_id_foreign"`);
    this.addSql(`alter table "contract" drop constraint "contract_owner_id_foreign"`);
    this.addSql(`alter table "owner_counter" drop constraint "owner_counter_owner_id_foreign"`);
    this.addSql(`alter table "request" drop constraint "request_owner_id_foreign"`);
    this.addSql(`alter table "task" drop constraint "task_owner_id_foreign"`);
    this.addSql(`alter table "question" drop constraint "question_owner_id_foreign"`);
    this.addSql(`alter table "key" drop constraint "key_owner_id_foreign"`);
    this.addSql(`alter table "worktree" drop constraint "worktree_daemon_id_foreign"`);
    this.addSql(`alter table "task" drop constraint "task_daemon_id_foreign"`);
    this.addSql(`alter table "task_attempt" drop constraint "task_attempt_daemon_id_foreign"`);
    this.addSql(`alter table "key" drop constraint "key_daemon_id_foreign"`);
    this.addSql(`alter table "command" drop constraint "command_daemon_id_foreign"`);
    this.addSql(`alter table "document" drop constraint "document_contract_id_foreign"`);
    this.addSql(
      `alter table "conversation_message" drop constraint "conversation_message_contract_id_foreign"`,
    );
    this.addSql(`alter table "contract_event" drop constraint "contract_event_contract_id_foreign"`);
    this.addSql(`alter table "contract_counter" drop constraint "contract_counter_contract_id_foreign"`);
    this.addSql(`alter table "repository" drop constraint "repository_contract_id_foreign"`);
    this.addSql(`alter table "worktree" drop constraint "worktree_contract_id_foreign"`);
    this.addSql(`alter table "task" drop constraint "task_contract_id_foreign"`);
    this.addSql(`alter table "question" drop constraint "question_contract_id_foreign"`);
    this.addSql(`alter table "worktree" drop constraint "worktree_origin_id_foreign"`);
    this.addSql(`alter table "task" drop constraint "task_worktree_id_foreign"`);
    this.addSql(`alter table "checkpoint" drop constraint "checkpoint_worktree_id_foreign"`);
    this.addSql(`alter table "checkpoint" drop constraint "checkpoint_origin_id_foreign"`);
    this.addSql(`alter table "task" drop constraint "task_parent_id_foreign"`);
    this.addSql(`alter table "task_message" drop constraint "task_message_task_id_foreign"`);
    this.addSql(`alter table "task_attempt" drop constraint "task_attempt_task_id_foreign"`);
    this.addSql(`alter table "question" drop constraint "question_task_id_foreign"`);
    this.addSql(`alter table "key" drop constraint "key_task_id_foreign"`);
    this.addSql(`alter table "command" drop constraint "command_task_id_foreign"`);
    this.addSql(`alter table "checkpoint_part" drop constraint "checkpoint_part_task_id_foreign"`);
    this.addSql(`alter table "checkpoint" drop constraint "checkpoint_task_id_foreign"`);
    this.addSql(`alter table "question" drop constraint "question_message_id_foreign"`);
    this.addSql(`drop table if exists "owner" cascade`);
    this.addSql(`drop table if exists "history" cascade`);
    this.addSql(`drop table if exists "daemon" cascade`);
    this.addSql(`drop table if exists "contract" cascade`);
    this.addSql(`drop table if exists "document" cascade`);
    this.addSql(`drop table if exists "conversation_message" cascade`);
    this.addSql(`drop table if exists "contract_event" cascade`);
    this.addSql(`drop table if exists "contract_counter" cascade`);
    this.addSql(`drop table if exists "owner_counter" cascade`);
    this.addSql(`drop table if exists "repository" cascade`);
    this.addSql(`drop table if exists "request" cascade`);
    this.addSql(`drop table if exists "worktree" cascade`);
    this.addSql(`drop table if exists "task" cascade`);
    this.addSql(`drop table if exists "task_message" cascade`);
    this.addSql(`drop table if exists "task_attempt" cascade`);
    this.addSql(`drop table if exists "question" cascade`);
    this.addSql(`drop table if exists "key" cascade`);
    this.addSql(`drop table if exists "command" cascade`);
    this.addSql(`drop table if exists "checkpoint_part" cascade`);
    this.addSql(`drop table if exists "checkpoint" cascade`);
  }
}
