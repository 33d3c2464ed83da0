import { Checkpoint } from '../checkpoints/checkpoint.entity.ts';
import { CheckpointDiff } from '../checkpoints/checkpoint-diff.entity.ts';
import { CheckpointPart } from '../checkpoints/checkpoint-part.entity.ts';
import { Contract } from '../contracts/contract.entity.ts';
import { Document } from '../contracts/document.entity.ts';
import { Repository } from '../contracts/repository.entity.ts';
import { ConversationMessage } from '../conversations/conversation-message.entity.ts';
import { Command } from '../daemons/command.entity.ts';
import { Daemon } from '../daemons/daemon.entity.ts';
import { ContractCounter } from '../events/contract-counter.entity.ts';
import { ContractEvent } from '../events/contract-event.entity.ts';
import { History } from '../events/history.entity.ts';
import { Key } from '../keys/key.entity.ts';
import { Owner } from '../keys/owner.entity.ts';
import { OwnerCounter } from '../keys/owner-counter.entity.ts';
import { OwnerIdentity } from '../keys/owner-identity.entity.ts';
import { Request } from '../keys/request.entity.ts';
import { Question } from '../questions/question.entity.ts';
import { Task } from '../tasks/task.entity.ts';
import { TaskAttempt } from '../tasks/task-attempt.entity.ts';
import { TaskMessage } from '../tasks/task-message.entity.ts';
import { Worktree } from '../worktrees/worktree.entity.ts';

/** Every table. */
export const entities = [
  Owner,
  OwnerCounter,
  OwnerIdentity,
  Key,
  Request,
  Contract,
  Repository,
  Document,
  ContractCounter,
  ContractEvent,
  History,
  Daemon,
  Command,
  Worktree,
  Task,
  TaskAttempt,
  TaskMessage,
  Checkpoint,
  CheckpointPart,
  CheckpointDiff,
  ConversationMessage,
  Question,
];
