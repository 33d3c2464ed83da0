import { lexicographicSortSchema, printSchema } from 'graphql';
import '../graphql/scalars.ts';
import '../graphql/error-code.ts';
import '../keys/key.schema.ts';
import '../contracts/contract.schema.ts';
import '../contracts/contract.events.ts';
import '../contracts/contract.mutations.ts';
import '../daemons/daemon.schema.ts';
import '../daemons/command.schema.ts';
import '../daemons/daemon-contracts.schema.ts';
import '../daemons/manage-keys.schema.ts';
import '../daemons/link-identity.schema.ts';
import '../conversations/conversation.schema.ts';
import '../tasks/task.schema.ts';
import '../tasks/task.mutations.ts';
import '../tasks/task.events.ts';
import '../tasks/steering.schema.ts';
import '../tasks/contract-tree.ts';
import '../tasks/history.schema.ts';
import '../tasks/task-output.ts';
import '../tasks/wait.schema.ts';
import '../tasks/report.schema.ts';
import '../worktrees/worktree.schema.ts';
import '../worktrees/worktree-file.schema.ts';
import '../worktrees/branch.schema.ts';
import '../checkpoints/checkpoint.schema.ts';
import '../questions/question.schema.ts';
import '../questions/question.mutations.ts';
import '../scheduler/spawn.schema.ts';
import '../scheduler/daemon-exit.schema.ts';
import '../scheduler/pending-reason.ts';
import '../supervisor/supervisor.schema.ts';
import '../supervisor/resume.schema.ts';
import '../supervisor/red-team.schema.ts';
import './version.schema.ts';
import { builder } from '../graphql/builder.ts';

/** The whole API. Importing a feature's schema files adds it to the builder. */
export const schema = builder.toSchema({});

/** The text of `schema.graphql`. */
export function schemaText(): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}
