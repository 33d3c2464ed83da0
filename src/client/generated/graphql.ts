/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** Which command the daemon takes on. */
export type AcceptCommandInput = {
  /** The command. */
  commandId: string;
  /** The epoch that registerDaemon gave. */
  epoch: number;
};

/** Which answer has arrived. */
export type AcknowledgeAnswerInput = {
  /** The question. */
  questionId: string;
};

/** Which messages have arrived. */
export type AcknowledgeMessagesInput = {
  /** Whether an agent that has conversations was told them by a prompt, which its output records. false: it read them by itself, so they go into the conversation here. */
  asPrompt?: boolean | null | undefined;
  /** The number of the last of them. */
  upTo: number;
};

/** A repository to add to a contract. */
export type AddRepositoryInput = {
  /** The contract. */
  contractId: string;
  /** The repository; as the primary one it takes the place of the old. */
  repository: RepositoryInput;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
};

/** An answer: choices, a text, or both. */
export type AnswerQuestionInput = {
  /** Choices among those offered; one, unless multiSelect. */
  choices?: Array<string> | null | undefined;
  /** The question. */
  questionId: string;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
  /** A free text. */
  text?: string | null | undefined;
};

/** A batch of output of one attempt. */
export type AppendTaskOutputInput = {
  /** The attempt. */
  attempt: number;
  /** The entries, at most 5,000. */
  entries: Array<OutputEntryInput>;
  /** The index of the first entry among all of this attempt, from 0. */
  firstIndex: number;
  /** The task. */
  taskId: string;
  /** What the attempt has used so far; else unchanged. */
  usage?: UsageInput | null | undefined;
};

/** A contract to put away. */
export type ArchiveContractInput = {
  /** The contract. */
  contractId: string;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
};

/** What to ask. */
export type AskQuestionInput = {
  /** For daemons: its attempt; the question ends with it. */
  attempt?: number | null | undefined;
  /** Answers to offer, at most 50; a free text is always allowed too. */
  choices?: Array<string> | null | undefined;
  /** What one should know to answer. */
  context?: string | null | undefined;
  /** The contract; a supervisor's key implies its own. */
  contractId?: string | null | undefined;
  /** Whether it can still be answered after its time; the answer comes as a message. */
  keepOpen?: boolean | null | undefined;
  /** Whether several choices may be taken. */
  multiSelect?: boolean | null | undefined;
  /** PENDING at once; the answer comes as a message. */
  nonBlocking?: boolean | null | undefined;
  /** PENDING at once, and the asker is paused until the answer, which never times out. Not with nonBlocking. */
  phaseguard?: boolean | null | undefined;
  /** The question. */
  question: string;
  /** What it is about. */
  questionType?: QuestionType | null | undefined;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
  /** For daemons: the task in whose name is asked. */
  taskId?: string | null | undefined;
  /** How long the question lives, 1 to 86,400. */
  timeoutSeconds?: number | null | undefined;
  /** How long this call waits, 0 to 86,400; else as long as the question lives. Behind a proxy wait in slices of 50 s. */
  waitSeconds?: number | null | undefined;
};

/** Which answer to wait for. */
export type AwaitAnswerInput = {
  /** The question. */
  questionId: string;
  /** How long this call waits, 0 to 86,400. */
  timeoutSeconds?: number | null | undefined;
};

/** Which task to cancel. */
export type CancelTaskInput = {
  /** Why; it becomes the errorMessage. */
  reason?: string | null | undefined;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
  /** The task. */
  taskId: string;
};

/** Why a command could not be done. */
export type CommandErrorInput = {
  /** One of the error codes. */
  code: string;
  /** For a person: what happened and what to do. */
  message: string;
};

/** What a daemon is told to do. */
export type CommandType =
  /** End the agent of a task, with its whole process group. */
  | 'CANCEL_TASK'
  /** Make a branch. */
  | 'CREATE_BRANCH'
  /** Save a working copy. */
  | 'CREATE_CHECKPOINT'
  /** Push a branch and open a pull request. */
  | 'CREATE_PULL_REQUEST'
  /** Say what a working copy has changed. */
  | 'GET_TASK_DIFF'
  /** Merge a task's branch. */
  | 'MERGE_TASK'
  /** Pause the agent of a task. */
  | 'PAUSE_TASK'
  /** Read a file of a working copy. */
  | 'READ_FILE'
  /** Let a paused agent go on. */
  | 'RESUME_TASK'
  /** Take a working copy back to a checkpoint. */
  | 'REWIND_WORKTREE'
  /** Give a message to an agent. */
  | 'SEND_MESSAGE'
  /** Start the agent of a task. */
  | 'SPAWN_TASK';

/** A daemon's answer to a command. */
export type CompleteCommandInput = {
  /** The command. */
  commandId: string;
  /** The epoch that registerDaemon gave. */
  epoch: number;
  /** Why it could not be done; without it, it was done. */
  error?: CommandErrorInput | null | undefined;
  /** What came of it, by type of command. */
  result?: unknown;
};

/** Which contract is done. */
export type CompleteContractInput = {
  /** Whether tasks that are not completed are cancelled. */
  cancelTasks?: boolean | null | undefined;
  /** The contract; a supervisor's key implies its own. */
  contractId?: string | null | undefined;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
  /** What came of it. */
  summary?: string | null | undefined;
};

/** What is done with a task's branch when it is DONE. */
export type CompletionAction =
  /** It is merged into its target; a conflict is told to the supervisor. */
  | 'MERGE'
  /** Nothing: the supervisor merges it. */
  | 'NONE'
  /** It is pushed, and a pull request is opened for it. */
  | 'PULL_REQUEST';

/** Where a contract stands. */
export type ContractPhase =
  /** Doing it. */
  | 'EXECUTE'
  /** Deciding how it is done. */
  | 'PLAN'
  /** Finding out what there is. */
  | 'RESEARCH'
  /** Looking at what was done. */
  | 'REVIEW'
  /** Writing down what is wanted. */
  | 'SPECIFY';

/** Whether a contract takes work. */
export type ContractStatus =
  /** Open: tasks can be spawned. */
  | 'ACTIVE'
  /** Put away; it takes no new tasks. */
  | 'ARCHIVED'
  /** Done; it takes no new tasks. */
  | 'COMPLETED';

/** Who speaks in a message of a conversation. */
export type ConversationRole =
  /** What the supervisor said or asked. */
  | 'ASSISTANT'
  /** Taskmesh to the supervisor. */
  | 'SYSTEM'
  /** What the supervisor was told: its plan, messages, answers. */
  | 'USER';

/** A branch to make. */
export type CreateBranchInput = {
  /** Its name, without refs/heads/. */
  branchName: string;
  /** The contract; implied by the tool key of its supervisor. */
  contractId?: string | null | undefined;
  /** Where it starts: a branch of the repository, or a full commit id; else the commit that the branch of the supervisor's working copy is at, without what is not committed. */
  fromRef?: string | null | undefined;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. After a pending answer it takes the waiting up again. */
  requestId?: string | null | undefined;
};

/** What to save. */
export type CreateCheckpointInput = {
  /** Why. */
  message: string;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
  /** The task whose working copy to save. */
  taskId: string;
};

/** A contract to open. */
export type CreateContractInput = {
  /** The agent profile of its supervisor and of tasks that name none; else shell. */
  agent?: string | null | undefined;
  /** What its tasks may cost together, in US dollars. Past it no task starts, the supervisor is held and you are asked. 0, or none: no limit. */
  budgetUsd?: number | null | undefined;
  /** What it is about. */
  description?: string | null | undefined;
  /** Whether nothing may leave the daemons' machines: no push to a remote. */
  localOnly?: boolean | null | undefined;
  /** What to call it. */
  name: string;
  /** The agent profile of the red team; else the contract's. */
  redTeamAgent?: string | null | undefined;
  /** Whether a red team watches its work tasks: it is spawned with the first of them. */
  redTeamEnabled?: boolean | null | undefined;
  /** What the red team is to look for besides. */
  redTeamPrompt?: string | null | undefined;
  /** The repositories it works on, at most 50. */
  repositories?: Array<RepositoryInput> | null | undefined;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
  /** Whether the supervisor starts at once. */
  startSupervisor?: boolean | null | undefined;
  /** What the supervisor is to do; else the description. */
  supervisorPlan?: string | null | undefined;
};

/** A key to make. */
export type CreateKeyInput = {
  /** When it stops to count by itself; default: never. */
  expiresAt?: string | null | undefined;
  /** What it is for. */
  kind: KeyKind;
  /** A name to know it by. */
  name: string;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. The same again, after an answer that did not come, gives the same key with another secret; the first one stops. */
  requestId?: string | null | undefined;
};

/** A pull request to open. */
export type CreatePullRequestInput = {
  /** The branch to merge into; else the supervisor's base branch, else the default branch of the remote. */
  baseBranch?: string | null | undefined;
  /** Its text in Markdown, at most 65,536 characters. */
  body?: string | null | undefined;
  /** The branch to merge, as it is committed: one of the supervisor's working copy, of a task, or of the repository. */
  branch: string;
  /** The contract; implied by the tool key of its supervisor. */
  contractId?: string | null | undefined;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. After a pending answer it takes the waiting up again. */
  requestId?: string | null | undefined;
  /** Its title, at most 256 characters. */
  title: string;
};

/** Whether a daemon takes work. */
export type DaemonStatus =
  /** It is there and takes tasks. */
  | 'CONNECTED'
  /** It left, or was silent for too long. */
  | 'DISCONNECTED'
  /** It finishes what it has and takes nothing new. */
  | 'DRAINING';

/** A contract to delete for good. */
export type DeleteContractInput = {
  /** The contract. */
  contractId: string;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
};

/** A daemon leaves. */
export type DisconnectDaemonInput = {
  /** The epoch that registerDaemon gave. */
  epoch: number;
};

/** Which daemon to drain. */
export type DrainDaemonInput = {
  /** The daemon. */
  daemonId: string;
  /** false: let it take work again. */
  draining?: boolean | null | undefined;
};

/** What an event of a contract's log is about. */
export type EventType =
  /** A working copy was saved. */
  | 'CHECKPOINT_CREATED'
  /** The contract was completed. */
  | 'CONTRACT_COMPLETED'
  /** The contract was opened. */
  | 'CONTRACT_CREATED'
  /** The contract changed. */
  | 'CONTRACT_UPDATED'
  /** The conversation of the supervisor was taken back. */
  | 'CONVERSATION_REWOUND'
  /** A merge was done, or was found to conflict. */
  | 'MERGE_FINISHED'
  /** A message was sent to a task. */
  | 'MESSAGE_SENT'
  /** An agent said or did something. */
  | 'OUTPUT'
  /** A question was answered. */
  | 'QUESTION_ANSWERED'
  /** A question was asked. */
  | 'QUESTION_ASKED'
  /** A question was withdrawn, or its time was up. */
  | 'QUESTION_CLOSED'
  /** The red team warned. */
  | 'RED_TEAM_NOTIFIED'
  /** A task was completed; it comes after the last of its output. */
  | 'TASK_COMPLETED'
  /** A task was added. */
  | 'TASK_CREATED'
  /** A task has been silent for 10 minutes. */
  | 'TASK_STALLED'
  /** A task changed its status or its assignment. */
  | 'TASK_UPDATED';

/** What happened to a file. */
export type FileChangeStatus =
  /** It is new. */
  | 'ADDED'
  /** It was copied from another. */
  | 'COPIED'
  /** It is gone. */
  | 'DELETED'
  /** Its content or mode changed. */
  | 'MODIFIED'
  /** It has another path. */
  | 'RENAMED'
  /** It is of another kind now: a file, a symbolic link … */
  | 'TYPE_CHANGED';

/** How the content of a file is written. */
export type FileEncoding =
  /** In base64: its bytes are no text. */
  | 'BASE64'
  /** As it is: it is text. */
  | 'UTF8';

/** How a task ended. */
export type FinishTaskInput = {
  /** false: the task FAILED, whatever its exit code. */
  success?: boolean | null | undefined;
  /** What was done, for the supervisor. */
  summary: string;
};

/** A sign of life. */
export type HeartbeatDaemonInput = {
  /** The epoch that registerDaemon gave. */
  epoch: number;
};

/** What a key is for. */
export type KeyKind =
  /** For one worker machine. */
  | 'DAEMON'
  /** For a person: everything the owner may do. */
  | 'USER';

/** Whom to let in. */
export type LinkIdentityInput = {
  /** A token that the identity provider gave them. */
  token: string;
};

/** What a merge came to. */
export type MergeOutcome =
  /** It conflicts; everything is as it was. */
  | 'CONFLICT'
  /** Done: the target was read back. */
  | 'MERGED'
  /** The daemon is still at it; the result comes in the log. */
  | 'PENDING'
  /** The target had it all already. */
  | 'UP_TO_DATE';

/** What to merge where. */
export type MergeTaskInput = {
  /** Only say what would happen. */
  dryRun?: boolean | null | undefined;
  /** The commit message; else one that names the task. */
  message?: string | null | undefined;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. After PENDING it takes the waiting up again. */
  requestId?: string | null | undefined;
  /** One commit instead of a merge commit. */
  squash?: boolean | null | undefined;
  /** The branch to merge into; else the task's own target, else the supervisor's branch. */
  targetBranch?: string | null | undefined;
  /** The task whose branch to merge. It must be DONE. */
  taskId: string;
};

/** Who sent a message. */
export type MessageSender =
  /** The owner. */
  | 'PERSON'
  /** The contract's supervisor. */
  | 'SUPERVISOR'
  /** Taskmesh itself. */
  | 'SYSTEM'
  /** Another task. */
  | 'TASK';

/** A warning. */
export type NotifySupervisorInput = {
  /** What one should see to understand it: lines of code, of output. */
  context?: string | null | undefined;
  /** The file it is about. */
  file?: string | null | undefined;
  /** What is wrong, why it matters, what would mend it. */
  message: string;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
  /** How grave it is. */
  severity: Severity;
  /** The task it is about. */
  taskId?: string | null | undefined;
};

/** Something an agent said or did. */
export type OutputEntryInput = {
  /** The text. NUL and broken Unicode are stored as U+FFFD. */
  content: string;
  /** What it cost, in US dollars. */
  costUsd?: number | null | undefined;
  /** When, by the daemon's clock. */
  createdAt: string;
  /** How long it took, in milliseconds. */
  durationMs?: number | null | undefined;
  /** Whether it tells of a failure. */
  isError?: boolean | null | undefined;
  /** Whether more chunks of the message follow. */
  isPartial?: boolean | null | undefined;
  /** Shared by the chunks of one message. */
  messageId?: string | null | undefined;
  /** What the tool was given. */
  toolInput?: unknown;
  /** The tool that was called. */
  toolName?: string | null | undefined;
  /** What kind. */
  type: OutputType;
};

/** What kind of output an entry is. */
export type OutputType =
  /** The agent speaks. */
  | 'ASSISTANT'
  /** Something went wrong. */
  | 'ERROR'
  /** What the agent came to. */
  | 'RESULT'
  /** A line of the agent's standard error. */
  | 'STDERR'
  /** A line of the agent's standard output. */
  | 'STDOUT'
  /** A question to the person: toolInput has questionId, choices, context, multiSelect, questionType. */
  | 'SUPERVISOR_QUESTION'
  /** Taskmesh about the task. */
  | 'SYSTEM'
  /** The agent thinks. */
  | 'THOUGHT'
  /** The agent calls a tool. */
  | 'TOOL_CALL'
  /** What a tool gave. */
  | 'TOOL_RESULT'
  /** What the agent was told. */
  | 'USER';

/** Which task to pause. */
export type PauseTaskInput = {
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
  /** The task. */
  taskId: string;
};

/** What kind of key a caller has. */
export type PrincipalKind =
  /** A worker machine. */
  | 'DAEMON'
  /** The adversarial reviewer of a contract. */
  | 'RED_TEAM'
  /** A contract's supervisor. */
  | 'SUPERVISOR'
  /** A person: the owner. */
  | 'USER'
  /** A work task. */
  | 'WORK';

/** What waiting for an answer came to. */
export type QuestionOutcome =
  /** There is an answer: acknowledge it. */
  | 'ANSWERED'
  /** No answer yet: awaitAnswer waits on. */
  | 'PENDING'
  /** The time of the question is up. That is not consent. */
  | 'TIMED_OUT';

/** Where a question stands. */
export type QuestionStatus =
  /** It was answered. */
  | 'ANSWERED'
  /** It waits for an answer. */
  | 'PENDING'
  /** Nobody answered in time. That is not consent. */
  | 'TIMED_OUT'
  /** It was taken back. */
  | 'WITHDRAWN';

/** What a question is about. */
export type QuestionType =
  /** Whether the contract is done. */
  | 'CONTRACT_COMPLETE'
  /** Anything. */
  | 'GENERAL'
  /** Whether the agent may do something. */
  | 'PERMISSION'
  /** Whether to go on to the next phase. */
  | 'PHASE_CONFIRMATION';

/** A checkpoint that a daemon made and whose data it has uploaded. */
export type RecordCheckpointInput = {
  /** The attempt. */
  attempt: number;
  /** The commit its data builds on. */
  baseSha: string;
  /** The branch of the working copy. */
  branch: string;
  /** How many bytes they are together. */
  bytes: number;
  /** The commit. */
  commitSha: string;
  /** What it changes against its base, as the result of GET_TASK_DIFF is: shown when no daemon is there to ask. */
  diff?: unknown;
  /** Files changed since the one before, else since the base. */
  filesChanged: number;
  /** Lines that came. */
  linesAdded: number;
  /** Lines that went. */
  linesRemoved: number;
  /** Why it was made. */
  message: string;
  /** How many parts the upload has. */
  parts: number;
  /** What git could not take. */
  skippedPaths?: Array<string> | null | undefined;
  /** The task. */
  taskId: string;
  /** The upload that holds its data. */
  uploadId: string;
  /** The working copy. */
  worktreeId: string;
};

/** A daemon introduces itself. */
export type RegisterDaemonInput = {
  /** The agent profiles it offers. */
  agents: Array<string>;
  /** The machine it runs on. */
  hostname: string;
  /** Where on its machine repositories may lie. */
  localPaths?: Array<string> | null | undefined;
  /** How many work tasks it runs at once, 1 to 1,000. */
  maxConcurrentTasks: number;
  /** What it calls itself. */
  name: string;
  /** Its version of Taskmesh. */
  version: string;
};

/** Which daemon to take out of service. */
export type RemoveDaemonInput = {
  /** The daemon. */
  daemonId: string;
};

/** A repository to remove from a contract. */
export type RemoveRepositoryInput = {
  /** The contract. */
  contractId: string;
  /** The repository. */
  repositoryId: string;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
};

/** What became of a task. */
export type ReportTaskInput = {
  /** The attempt. */
  attempt: number;
  /** Why it failed or is given back. */
  errorMessage?: string | null | undefined;
  /** How many output entries this attempt has: an end comes after the last of them. */
  outputCount: number;
  /** The last its agent said. */
  outputSummary?: string | null | undefined;
  /** The session of an agent that has conversations, in which it can be gone on with on this daemon; else unchanged. */
  sessionId?: string | null | undefined;
  /** What became of it. */
  status: ReportedStatus;
  /** The task. */
  taskId: string;
  /** Its working copy, with the first report. */
  worktree?: WorktreeReportInput | null | undefined;
};

/** What a daemon reports of a task. */
export type ReportedStatus =
  /** Its process group is gone, as was asked for. */
  | 'CANCELLED'
  /** Its agent ended well. */
  | 'DONE'
  /** It could not be started, or its agent ended badly. */
  | 'FAILED'
  /** The daemon gives it back. */
  | 'INTERRUPTED'
  /** Its agent has started. */
  | 'RUNNING'
  /** A supervisor's turn has ended and its contract is open. */
  | 'WAITING';

/** A git repository: either a url or a localPath. */
export type RepositoryInput = {
  /** The branch that work starts from; else the repository's default branch. */
  baseBranch?: string | null | undefined;
  /** Whether tasks use it when they name none; at most one. */
  isPrimary?: boolean | null | undefined;
  /** An absolute path on the daemons' machines that allow it. */
  localPath?: string | null | undefined;
  /** https://…, ssh://… or user@host:path. */
  url?: string | null | undefined;
};

/** From where a supervisor goes on. */
export type ResumeMode =
  /** In the same session where that still is, else in a new one that is told the conversation; with the latest checkpoint where the working copy is gone. */
  | 'CONTINUE'
  /** In a new session, with code and conversation as they were at a checkpoint. */
  | 'FROM_CHECKPOINT'
  /** In a new session without the conversation; phase and code stay. */
  | 'RESTART_PHASE';

/** Which supervisor to start again, and from where. */
export type ResumeSupervisorInput = {
  /** With FROM_CHECKPOINT: a checkpoint of the supervisor's working copy. */
  checkpointId?: string | null | undefined;
  /** The contract. */
  contractId: string;
  /** From where it goes on. */
  mode?: ResumeMode;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
};

/** Which task to let go on. */
export type ResumeTaskInput = {
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
  /** The task. */
  taskId: string;
};

/** Which task to start again. */
export type RetryTaskInput = {
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
  /** The task. */
  taskId: string;
};

/** A key to take away. */
export type RevokeKeyInput = {
  /** The key. */
  keyId: string;
};

/** How far to go back: by a count, or to a message. */
export type RewindConversationInput = {
  /** How many of the last messages go; more than there are: all. 1 when toMessageId is not given. */
  byMessageCount?: number | null | undefined;
  /** The contract. */
  contractId: string;
  /** Only tell what would be done. */
  dryRun?: boolean | null | undefined;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
  /** Whether the supervisor's working copy goes back as well: to the last checkpoint at or before the message that stays. */
  rewindCode?: boolean | null | undefined;
  /** The message that stays as the last one. */
  toMessageId?: string | null | undefined;
};

/** A key to put another in the place of. */
export type RotateKeyInput = {
  /** For how long the old one goes on to count: 0 (not at all) to 604,800, a week. */
  graceSeconds?: number | null | undefined;
  /** The key. */
  keyId: string;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. The same again, after an answer that did not come, gives the same key with another secret; the first one stops. */
  requestId?: string | null | undefined;
};

/** A message to an agent. */
export type SendMessageInput = {
  /** The text. */
  content: string;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
  /** The task whose agent it is for. */
  taskId: string;
};

/** Where a contract stands. */
export type SetContractPhaseInput = {
  /** The contract; a supervisor's key implies its own. */
  contractId?: string | null | undefined;
  /** The phase. */
  phase: ContractPhase;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
};

/** A document to write. */
export type SetDocumentInput = {
  /** Markdown. */
  content: string;
  /** The contract; a supervisor's key implies its own. */
  contractId?: string | null | undefined;
  /** Its name: the document of that name is written anew. */
  name: string;
  /** The phase it belongs to; left out: as before, or none. */
  phase?: ContractPhase | null | undefined;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
};

/** How grave a warning of the red team is. */
export type Severity =
  /** Security, loss of data, something that breaks what worked. */
  | 'CRITICAL'
  /** A departure from the plan, a major flaw in quality. */
  | 'HIGH'
  /** Anything smaller; sparingly. */
  | 'LOW'
  /** Missing tests, a weak solution. */
  | 'MEDIUM';

/** A task to add to a contract. */
export type SpawnTaskInput = {
  /** The agent profile that runs it; else the contract's. */
  agent?: string | null | undefined;
  /** How often an agent that ended its turn without finishTask is told to go on, 0 to 100. */
  autonomousLoop?: number | null | undefined;
  /** The branch to start from; else the supervisor's branch, else the default branch. */
  baseBranch?: string | null | undefined;
  /** Start from the latest checkpoint of this task. */
  branchedFromTaskId?: string | null | undefined;
  /** Start from this commit: of a checkpoint of the contract, or of the repository. */
  checkpointSha?: string | null | undefined;
  /** What is done with its branch when it is DONE. */
  completionAction?: CompletionAction | null | undefined;
  /** Start from the latest checkpoint of this task, and go on in its agent's session; where that cannot be, its agent is told the conversation. */
  continueFromTaskId?: string | null | undefined;
  /** The contract; a supervisor's key implies its own. */
  contractId?: string | null | undefined;
  /** Paths, such as .env, that are copied into its own working copy from the repository's checkout, else from the supervisor's working copy. At most 100. */
  copyFiles?: Array<string> | null | undefined;
  /** What it is about, for people. */
  description?: string | null | undefined;
  /** What to call it. */
  name: string;
  /** The task it hangs under; else the supervisor. */
  parentTaskId?: string | null | undefined;
  /** What its agent is to do. */
  plan: string;
  /** Higher starts first, -1000 to 1000. */
  priority?: number | null | undefined;
  /** The URL, or the local path, of the repository; else the contract's primary one, else its first. */
  repositoryUrl?: string | null | undefined;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
  /** Where to merge it later; else the supervisor's branch. */
  targetBranch?: string | null | undefined;
  /** A repository on the daemon's machine that gets the finished branch too. */
  targetRepoPath?: string | null | undefined;
  /** How long an attempt may run, 1 to 35,000; past it the task is FAILED. Else no limit. */
  timeLimitMinutes?: number | null | undefined;
  /** true: a working copy and a branch of its own, to be merged later. false: the supervisor's working copy; in a contract without a supervisor one of its own, too. */
  useOwnWorktree?: boolean | null | undefined;
};

/** What a task is there for. */
export type TaskRole =
  /** Watches the others and warns. */
  | 'RED_TEAM'
  /** Runs the contract. */
  | 'SUPERVISOR'
  /** Does a part of it. */
  | 'WORK';

/** Where a task stands. DONE, FAILED, MERGED and CANCELLED are completed. docs/STATES.md has the moves. */
export type TaskStatus =
  /** Cancelled. Its processes are gone; where errorMessage says `confirmed: false` its daemon is, and nobody knows. */
  | 'CANCELLED'
  /** It is being cancelled; its processes are not confirmed gone yet. */
  | 'CANCELLING'
  /** It ended well. */
  | 'DONE'
  /** It ended badly: see errorMessage. */
  | 'FAILED'
  /** Its daemon is gone; it is about to be retried. */
  | 'INTERRUPTED'
  /** Done, and its work is merged. */
  | 'MERGED'
  /** Its agent was stopped and can go on. */
  | 'PAUSED'
  /** It waits for a daemon. */
  | 'PENDING'
  /** Its agent runs. */
  | 'RUNNING'
  /** A daemon has been chosen and prepares it. */
  | 'STARTING'
  /** A supervisor whose turn ended; a message wakes it. */
  | 'WAITING';

/** Whom to let in no more. */
export type UnlinkIdentityInput = {
  /** The identity. */
  identityId: string;
};

/** What to change of a contract; what is left out stays. */
export type UpdateContractInput = {
  /** The agent profile of tasks that name none. */
  agent?: string | null | undefined;
  /** What its tasks may cost together, in US dollars; 0: no limit. Raised, work goes on. */
  budgetUsd?: number | null | undefined;
  /** The contract. */
  contractId: string;
  /** What it is about; empty: nothing. */
  description?: string | null | undefined;
  /** Whether nothing may leave the daemons' machines. */
  localOnly?: boolean | null | undefined;
  /** What to call it. */
  name?: string | null | undefined;
  /** The agent profile of the red team; empty: the contract's. */
  redTeamAgent?: string | null | undefined;
  /** Whether a red team watches its work tasks. */
  redTeamEnabled?: boolean | null | undefined;
  /** What the red team is to look for besides; empty: nothing. */
  redTeamPrompt?: string | null | undefined;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
};

/** A piece of a checkpoint's data. */
export type UploadCheckpointPartInput = {
  /** The attempt. */
  attempt: number;
  /** The bytes in base64, at most 4 MiB. */
  data: string;
  /** Which piece, from 0. */
  index: number;
  /** The task. */
  taskId: string;
  /** A name for the upload, made by the daemon. */
  uploadId: string;
};

/** What an attempt has used so far, in total: the same again changes nothing. */
export type UsageInput = {
  /** In US dollars. */
  costUsd: number;
  /** Tokens, a whole number; as Float since Int ends at 2^31. */
  tokens: number;
};

/** When waiting for several tasks is over. */
export type WaitMode =
  /** When all are completed. */
  | 'ALL'
  /** When one is completed. */
  | 'ANY';

/** Which question to take back. */
export type WithdrawQuestionInput = {
  /** The question. */
  questionId: string;
  /** Any text that names this request: sent again, also while the first is under way, it gives the first result and does nothing twice. */
  requestId?: string | null | undefined;
};

/** The working copy a task got. */
export type WorktreeReportInput = {
  /** The branch it was started from; null when from no branch. */
  baseBranch?: string | null | undefined;
  /** The commit it was started from. */
  baseSha: string;
  /** Its branch. */
  branch: string;
  /** The working copy, as the command named it. */
  id: string;
  /** Where it is on the daemon's machine. */
  path: string;
};

export type TaskLineFragment = { id: string, pendingReason: string | null, name: string, role: TaskRole, status: TaskStatus, depth: number, agent: string, attempt: number, priority: number, durationSeconds: number | null, errorMessage: string | null, outputSummary: string | null, costUsd: number, tokens: number, parent: { id: string } | null, contract: { id: string } };

export type TaskDetailsFragment = { id: string, pendingReason: string | null, name: string, description: string | null, plan: string, role: TaskRole, status: TaskStatus, depth: number, agent: string, attempt: number, retryCount: number, priority: number, durationSeconds: number | null, errorMessage: string | null, outputSummary: string | null, useOwnWorktree: boolean, repositoryUrl: string | null, baseBranch: string | null, targetBranch: string | null, targetRepoPath: string | null, copyFiles: Array<string>, completionAction: CompletionAction, autonomousLoop: number, timeLimitMinutes: number | null, checkpointSha: string | null, hasConversation: boolean, isFinishing: boolean, costUsd: number, tokens: number, createdAt: string, startedAt: string | null, completedAt: string | null, version: number, parent: { id: string, name: string } | null, contract: { id: string, name: string }, branchedFromTask: { id: string, name: string } | null, continueFromTask: { id: string, name: string } | null, worktree: { id: string, path: string | null, branch: string, baseBranch: string | null, baseSha: string | null } | null, daemon: { id: string, name: string } | null, failedDaemons: Array<{ id: string, name: string }> };

export type ContractLineFragment = { id: string, name: string, phase: ContractPhase, status: ContractStatus, agent: string, costUsd: number, tokens: number, budgetUsd: number | null, createdAt: string, completedAt: string | null };

export type ContractDetailsFragment = { id: string, name: string, description: string | null, phase: ContractPhase, status: ContractStatus, agent: string, localOnly: boolean, budgetUsd: number | null, costUsd: number, tokens: number, redTeamEnabled: boolean, redTeamAgent: string | null, redTeamPrompt: string | null, summary: string | null, lastSequence: number, prunedSequence: number, createdAt: string, completedAt: string | null, repositories: Array<{ id: string, url: string | null, localPath: string | null, baseBranch: string | null, isPrimary: boolean }>, documents: Array<{ id: string, name: string, phase: ContractPhase | null, updatedAt: string }>, supervisor: { id: string, name: string, status: TaskStatus } | null };

export type QuestionDetailsFragment = { id: string, question: string, choices: Array<string>, context: string | null, multiSelect: boolean, questionType: QuestionType, status: QuestionStatus, timeoutSeconds: number, expiresAt: string | null, response: string | null, createdAt: string, contract: { id: string, name: string }, task: { id: string, name: string } };

export type OutputDetailsFragment = { __typename: 'OutputEntry', sequence: number, occurredAt: string, attempt: number, messageId: string | null, content: string, toolName: string | null, toolInput: unknown, isError: boolean, isPartial: boolean, outputType: OutputType, task: { id: string, name: string, role: TaskRole } };

export type ContractListQueryVariables = Exact<{
  status?: ContractStatus | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type ContractListQuery = { contracts: { nodes: Array<{ id: string, name: string, phase: ContractPhase, status: ContractStatus, agent: string, costUsd: number, tokens: number, budgetUsd: number | null, createdAt: string, completedAt: string | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type ContractShowQueryVariables = Exact<{
  id: string;
}>;


export type ContractShowQuery = { contract: { id: string, name: string, description: string | null, phase: ContractPhase, status: ContractStatus, agent: string, localOnly: boolean, budgetUsd: number | null, costUsd: number, tokens: number, redTeamEnabled: boolean, redTeamAgent: string | null, redTeamPrompt: string | null, summary: string | null, lastSequence: number, prunedSequence: number, createdAt: string, completedAt: string | null, repositories: Array<{ id: string, url: string | null, localPath: string | null, baseBranch: string | null, isPrimary: boolean }>, documents: Array<{ id: string, name: string, phase: ContractPhase | null, updatedAt: string }>, supervisor: { id: string, name: string, status: TaskStatus } | null } };

export type ContractTreeQueryVariables = Exact<{
  contractId: string;
}>;


export type ContractTreeQuery = { contractTree: { total: number, contract: { summary: string | null, lastSequence: number, id: string, name: string, phase: ContractPhase, status: ContractStatus, agent: string, costUsd: number, tokens: number, budgetUsd: number | null, createdAt: string, completedAt: string | null }, nodes: Array<{ depth: number, task: { id: string, pendingReason: string | null, name: string, role: TaskRole, status: TaskStatus, depth: number, agent: string, attempt: number, priority: number, durationSeconds: number | null, errorMessage: string | null, outputSummary: string | null, costUsd: number, tokens: number, parent: { id: string } | null, contract: { id: string } } }>, counts: Array<{ status: TaskStatus, count: number }> } };

export type CreateContractMutationVariables = Exact<{
  input: CreateContractInput;
}>;


export type CreateContractMutation = { createContract: { contract: { id: string, name: string, description: string | null, phase: ContractPhase, status: ContractStatus, agent: string, localOnly: boolean, budgetUsd: number | null, costUsd: number, tokens: number, redTeamEnabled: boolean, redTeamAgent: string | null, redTeamPrompt: string | null, summary: string | null, lastSequence: number, prunedSequence: number, createdAt: string, completedAt: string | null, repositories: Array<{ id: string, url: string | null, localPath: string | null, baseBranch: string | null, isPrimary: boolean }>, documents: Array<{ id: string, name: string, phase: ContractPhase | null, updatedAt: string }>, supervisor: { id: string, name: string, status: TaskStatus } | null }, supervisor: { id: string, pendingReason: string | null, name: string, role: TaskRole, status: TaskStatus, depth: number, agent: string, attempt: number, priority: number, durationSeconds: number | null, errorMessage: string | null, outputSummary: string | null, costUsd: number, tokens: number, parent: { id: string } | null, contract: { id: string } } | null } };

export type CompleteContractMutationVariables = Exact<{
  input: CompleteContractInput;
}>;


export type CompleteContractMutation = { completeContract: { contract: { id: string, name: string, description: string | null, phase: ContractPhase, status: ContractStatus, agent: string, localOnly: boolean, budgetUsd: number | null, costUsd: number, tokens: number, redTeamEnabled: boolean, redTeamAgent: string | null, redTeamPrompt: string | null, summary: string | null, lastSequence: number, prunedSequence: number, createdAt: string, completedAt: string | null, repositories: Array<{ id: string, url: string | null, localPath: string | null, baseBranch: string | null, isPrimary: boolean }>, documents: Array<{ id: string, name: string, phase: ContractPhase | null, updatedAt: string }>, supervisor: { id: string, name: string, status: TaskStatus } | null } } };

export type TaskListQueryVariables = Exact<{
  contractId: string;
  status?: Array<TaskStatus> | TaskStatus | null | undefined;
  role?: TaskRole | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type TaskListQuery = { tasks: { nodes: Array<{ id: string, pendingReason: string | null, name: string, role: TaskRole, status: TaskStatus, depth: number, agent: string, attempt: number, priority: number, durationSeconds: number | null, errorMessage: string | null, outputSummary: string | null, costUsd: number, tokens: number, parent: { id: string } | null, contract: { id: string } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type TaskShowQueryVariables = Exact<{
  id: string;
}>;


export type TaskShowQuery = { task: { id: string, pendingReason: string | null, name: string, description: string | null, plan: string, role: TaskRole, status: TaskStatus, depth: number, agent: string, attempt: number, retryCount: number, priority: number, durationSeconds: number | null, errorMessage: string | null, outputSummary: string | null, useOwnWorktree: boolean, repositoryUrl: string | null, baseBranch: string | null, targetBranch: string | null, targetRepoPath: string | null, copyFiles: Array<string>, completionAction: CompletionAction, autonomousLoop: number, timeLimitMinutes: number | null, checkpointSha: string | null, hasConversation: boolean, isFinishing: boolean, costUsd: number, tokens: number, createdAt: string, startedAt: string | null, completedAt: string | null, version: number, parent: { id: string, name: string } | null, contract: { id: string, name: string }, branchedFromTask: { id: string, name: string } | null, continueFromTask: { id: string, name: string } | null, worktree: { id: string, path: string | null, branch: string, baseBranch: string | null, baseSha: string | null } | null, daemon: { id: string, name: string } | null, failedDaemons: Array<{ id: string, name: string }> } };

export type TaskPositionQueryVariables = Exact<{
  id: string;
}>;


export type TaskPositionQuery = { task: { id: string, name: string, status: TaskStatus, contract: { id: string, lastSequence: number } } };

export type TaskDiffQueryVariables = Exact<{
  taskId: string;
  maxBytes?: number | null | undefined;
}>;


export type TaskDiffQuery = { taskDiff: { patch: string, linesAdded: number, linesRemoved: number, truncated: boolean, baseSha: string, headSha: string, files: Array<{ path: string, oldPath: string | null, status: FileChangeStatus, linesAdded: number, linesRemoved: number, binary: boolean }>, task: { id: string, name: string } } };

export type WaitForTasksQueryVariables = Exact<{
  taskIds: Array<string> | string;
  mode: WaitMode;
  timeoutSeconds: number;
}>;


export type WaitForTasksQuery = { waitForTasks: Array<{ status: TaskStatus, completed: boolean, timedOut: boolean, outputSummary: string | null, errorMessage: string | null, task: { id: string, name: string, durationSeconds: number | null } }> };

export type SpawnTaskMutationVariables = Exact<{
  input: SpawnTaskInput;
}>;


export type SpawnTaskMutation = { spawnTask: { task: { id: string, pendingReason: string | null, name: string, description: string | null, plan: string, role: TaskRole, status: TaskStatus, depth: number, agent: string, attempt: number, retryCount: number, priority: number, durationSeconds: number | null, errorMessage: string | null, outputSummary: string | null, useOwnWorktree: boolean, repositoryUrl: string | null, baseBranch: string | null, targetBranch: string | null, targetRepoPath: string | null, copyFiles: Array<string>, completionAction: CompletionAction, autonomousLoop: number, timeLimitMinutes: number | null, checkpointSha: string | null, hasConversation: boolean, isFinishing: boolean, costUsd: number, tokens: number, createdAt: string, startedAt: string | null, completedAt: string | null, version: number, parent: { id: string, name: string } | null, contract: { id: string, name: string }, branchedFromTask: { id: string, name: string } | null, continueFromTask: { id: string, name: string } | null, worktree: { id: string, path: string | null, branch: string, baseBranch: string | null, baseSha: string | null } | null, daemon: { id: string, name: string } | null, failedDaemons: Array<{ id: string, name: string }> } } };

export type CancelTaskMutationVariables = Exact<{
  input: CancelTaskInput;
}>;


export type CancelTaskMutation = { cancelTask: { task: { id: string, pendingReason: string | null, name: string, role: TaskRole, status: TaskStatus, depth: number, agent: string, attempt: number, priority: number, durationSeconds: number | null, errorMessage: string | null, outputSummary: string | null, costUsd: number, tokens: number, parent: { id: string } | null, contract: { id: string } } } };

export type FinishTaskMutationVariables = Exact<{
  input: FinishTaskInput;
}>;


export type FinishTaskMutation = { finishTask: { task: { id: string, pendingReason: string | null, name: string, role: TaskRole, status: TaskStatus, depth: number, agent: string, attempt: number, priority: number, durationSeconds: number | null, errorMessage: string | null, outputSummary: string | null, costUsd: number, tokens: number, parent: { id: string } | null, contract: { id: string } } } };

export type SendMessageMutationVariables = Exact<{
  input: SendMessageInput;
}>;


export type SendMessageMutation = { sendMessage: { message: { id: string, number: number, sender: MessageSender, content: string, createdAt: string } } };

export type InboxQueryVariables = Exact<{
  timeoutSeconds?: number | null | undefined;
}>;


export type InboxQuery = { inbox: Array<{ id: string, number: number, sender: MessageSender, content: string, createdAt: string }> };

export type AcknowledgeMessagesMutationVariables = Exact<{
  input: AcknowledgeMessagesInput;
}>;


export type AcknowledgeMessagesMutation = { acknowledgeMessages: { acknowledged: number } };

export type CreateCheckpointMutationVariables = Exact<{
  input: CreateCheckpointInput;
}>;


export type CreateCheckpointMutation = { createCheckpoint: { created: boolean, pending: boolean, checkpoint: { id: string, number: number, commitSha: string, branch: string, message: string, filesChanged: number, linesAdded: number, linesRemoved: number, skippedPaths: Array<string>, createdAt: string } | null } };

export type MergeTaskMutationVariables = Exact<{
  input: MergeTaskInput;
}>;


export type MergeTaskMutation = { mergeTask: { outcome: MergeOutcome, message: string, commitSha: string | null, targetBranch: string, task: { id: string, name: string, status: TaskStatus }, conflicts: Array<{ path: string, kind: string, hunks: Array<string>, tasks: Array<{ id: string, name: string }> }> } };

export type WorktreeFileQueryVariables = Exact<{
  taskId: string;
  path: string;
}>;


export type WorktreeFileQuery = { worktreeFile: { path: string, exists: boolean, content: string | null, encoding: FileEncoding, size: number, truncated: boolean, task: { id: string, name: string } } };

export type CreateBranchMutationVariables = Exact<{
  input: CreateBranchInput;
}>;


export type CreateBranchMutation = { createBranch: { branchName: string, commitSha: string | null, pending: boolean } };

export type CreatePullRequestMutationVariables = Exact<{
  input: CreatePullRequestInput;
}>;


export type CreatePullRequestMutation = { createPullRequest: { url: string | null, number: number | null, created: boolean, pending: boolean } };

export type PendingQuestionsQueryVariables = Exact<{
  contractId?: string | null | undefined;
}>;


export type PendingQuestionsQuery = { pendingQuestions: Array<{ id: string, question: string, choices: Array<string>, context: string | null, multiSelect: boolean, questionType: QuestionType, status: QuestionStatus, timeoutSeconds: number, expiresAt: string | null, response: string | null, createdAt: string, contract: { id: string, name: string }, task: { id: string, name: string } }> };

export type QuestionsAskedSubscriptionVariables = Exact<{
  contractId?: string | null | undefined;
}>;


export type QuestionsAskedSubscription = { questionAsked: { id: string, question: string, choices: Array<string>, context: string | null, multiSelect: boolean, questionType: QuestionType, status: QuestionStatus, timeoutSeconds: number, expiresAt: string | null, response: string | null, createdAt: string, contract: { id: string, name: string }, task: { id: string, name: string } } };

export type AnswerQuestionMutationVariables = Exact<{
  input: AnswerQuestionInput;
}>;


export type AnswerQuestionMutation = { answerQuestion: { question: { id: string, question: string, choices: Array<string>, context: string | null, multiSelect: boolean, questionType: QuestionType, status: QuestionStatus, timeoutSeconds: number, expiresAt: string | null, response: string | null, createdAt: string, contract: { id: string, name: string }, task: { id: string, name: string } } } };

export type AskQuestionMutationVariables = Exact<{
  input: AskQuestionInput;
}>;


export type AskQuestionMutation = { askQuestion: { outcome: QuestionOutcome, response: string | null, question: { id: string } } };

export type AwaitAnswerMutationVariables = Exact<{
  input: AwaitAnswerInput;
}>;


export type AwaitAnswerMutation = { awaitAnswer: { outcome: QuestionOutcome, response: string | null, question: { id: string } } };

export type AcknowledgeAnswerMutationVariables = Exact<{
  input: AcknowledgeAnswerInput;
}>;


export type AcknowledgeAnswerMutation = { acknowledgeAnswer: { question: { id: string } } };

export type DocumentListQueryVariables = Exact<{
  contractId: string;
}>;


export type DocumentListQuery = { documents: Array<{ id: string, name: string, phase: ContractPhase | null, content: string, updatedAt: string }> };

export type DaemonListQueryVariables = Exact<{ [key: string]: never; }>;


export type DaemonListQuery = { daemons: Array<{ id: string, name: string, hostname: string, version: string, status: DaemonStatus, removedAt: string | null, localPaths: Array<string>, agents: Array<string>, maxConcurrentTasks: number, runningTasks: number, lastHeartbeatAt: string | null }> };

export type CreateKeyMutationVariables = Exact<{
  input: CreateKeyInput;
}>;


export type CreateKeyMutation = { createKey: { key: string, name: string, kind: KeyKind, record: { id: string, expiresAt: string | null } } };

export type ContractEventsSubscriptionVariables = Exact<{
  contractId: string;
  afterSequence?: number | null | undefined;
}>;


export type ContractEventsSubscription = { contractEvents:
    | { __typename: 'CheckpointCreatedEvent', sequence: number, occurredAt: string, checkpoint: { number: number, filesChanged: number, linesAdded: number, linesRemoved: number, task: { id: string, name: string, role: TaskRole } } }
    | { __typename: 'ContractChangedEvent', updatedFields: Array<string>, updatedBy: string, sequence: number, occurredAt: string, type: EventType, contract: { id: string, name: string, status: ContractStatus, phase: ContractPhase } }
    | { __typename: 'ConversationRewoundEvent', messagesRemoved: number, newMessageCount: number, sequence: number, occurredAt: string }
    | { __typename: 'MergeFinishedEvent', outcome: MergeOutcome, targetBranch: string, commitSha: string | null, sequence: number, occurredAt: string, mergeMessage: string, task: { id: string, name: string, role: TaskRole } }
    | { __typename: 'MessageSentEvent', sequence: number, occurredAt: string, sent: { number: number, sender: MessageSender, content: string }, task: { id: string, name: string, role: TaskRole } }
    | { __typename: 'OutputEntry', sequence: number, occurredAt: string, attempt: number, messageId: string | null, content: string, toolName: string | null, toolInput: unknown, isError: boolean, isPartial: boolean, outputType: OutputType, task: { id: string, name: string, role: TaskRole } }
    | { __typename: 'QuestionEvent', sequence: number, occurredAt: string, type: EventType, question: { id: string, question: string, choices: Array<string>, context: string | null, multiSelect: boolean, questionType: QuestionType, status: QuestionStatus, timeoutSeconds: number, expiresAt: string | null, response: string | null, createdAt: string, contract: { id: string, name: string }, task: { id: string, name: string } } }
    | { __typename: 'RedTeamNotifiedEvent', severity: Severity, file: string | null, sequence: number, occurredAt: string, warning: string, about: { name: string } | null }
    | { __typename: 'TaskCompletedEvent', outputSummary: string | null, errorMessage: string | null, sequence: number, occurredAt: string, taskStatus: TaskStatus, task: { id: string, name: string, role: TaskRole } }
    | { __typename: 'TaskStalledEvent', sequence: number, occurredAt: string, task: { id: string, name: string, role: TaskRole } }
    | { __typename: 'TaskUpdatedEvent', updatedFields: Array<string>, updatedBy: string, sequence: number, occurredAt: string, type: EventType, taskStatus: TaskStatus, task: { id: string, name: string, role: TaskRole } }
   };

export type PauseTaskMutationVariables = Exact<{
  input: PauseTaskInput;
}>;


export type PauseTaskMutation = { pauseTask: { task: { id: string, pendingReason: string | null, name: string, role: TaskRole, status: TaskStatus, depth: number, agent: string, attempt: number, priority: number, durationSeconds: number | null, errorMessage: string | null, outputSummary: string | null, costUsd: number, tokens: number, parent: { id: string } | null, contract: { id: string } } } };

export type ResumeTaskMutationVariables = Exact<{
  input: ResumeTaskInput;
}>;


export type ResumeTaskMutation = { resumeTask: { task: { id: string, pendingReason: string | null, name: string, role: TaskRole, status: TaskStatus, depth: number, agent: string, attempt: number, priority: number, durationSeconds: number | null, errorMessage: string | null, outputSummary: string | null, costUsd: number, tokens: number, parent: { id: string } | null, contract: { id: string } } } };

export type RetryTaskMutationVariables = Exact<{
  input: RetryTaskInput;
}>;


export type RetryTaskMutation = { retryTask: { task: { id: string, pendingReason: string | null, name: string, role: TaskRole, status: TaskStatus, depth: number, agent: string, attempt: number, priority: number, durationSeconds: number | null, errorMessage: string | null, outputSummary: string | null, costUsd: number, tokens: number, parent: { id: string } | null, contract: { id: string } } } };

export type TaskOutputQueryVariables = Exact<{
  taskId: string;
  first: number;
  after?: string | null | undefined;
}>;


export type TaskOutputQuery = { taskOutput: { nodes: Array<{ __typename: 'OutputEntry', sequence: number, occurredAt: string, attempt: number, messageId: string | null, content: string, toolName: string | null, toolInput: unknown, isError: boolean, isPartial: boolean, outputType: OutputType, task: { id: string, name: string, role: TaskRole } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type QuestionListQueryVariables = Exact<{
  contractId: string;
  status?: QuestionStatus | null | undefined;
}>;


export type QuestionListQuery = { questions: Array<{ id: string, question: string, choices: Array<string>, context: string | null, multiSelect: boolean, questionType: QuestionType, status: QuestionStatus, timeoutSeconds: number, expiresAt: string | null, response: string | null, createdAt: string, contract: { id: string, name: string }, task: { id: string, name: string } }> };

export type WithdrawQuestionMutationVariables = Exact<{
  input: WithdrawQuestionInput;
}>;


export type WithdrawQuestionMutation = { withdrawQuestion: { question: { id: string, question: string, choices: Array<string>, context: string | null, multiSelect: boolean, questionType: QuestionType, status: QuestionStatus, timeoutSeconds: number, expiresAt: string | null, response: string | null, createdAt: string, contract: { id: string, name: string }, task: { id: string, name: string } } } };

export type SetDocumentMutationVariables = Exact<{
  input: SetDocumentInput;
}>;


export type SetDocumentMutation = { setDocument: { document: { id: string, name: string, phase: ContractPhase | null, content: string, updatedAt: string } } };

export type UpdateContractMutationVariables = Exact<{
  input: UpdateContractInput;
}>;


export type UpdateContractMutation = { updateContract: { contract: { id: string, name: string, description: string | null, phase: ContractPhase, status: ContractStatus, agent: string, localOnly: boolean, budgetUsd: number | null, costUsd: number, tokens: number, redTeamEnabled: boolean, redTeamAgent: string | null, redTeamPrompt: string | null, summary: string | null, lastSequence: number, prunedSequence: number, createdAt: string, completedAt: string | null, repositories: Array<{ id: string, url: string | null, localPath: string | null, baseBranch: string | null, isPrimary: boolean }>, documents: Array<{ id: string, name: string, phase: ContractPhase | null, updatedAt: string }>, supervisor: { id: string, name: string, status: TaskStatus } | null } } };

export type SetContractPhaseMutationVariables = Exact<{
  input: SetContractPhaseInput;
}>;


export type SetContractPhaseMutation = { setContractPhase: { contract: { id: string, name: string, description: string | null, phase: ContractPhase, status: ContractStatus, agent: string, localOnly: boolean, budgetUsd: number | null, costUsd: number, tokens: number, redTeamEnabled: boolean, redTeamAgent: string | null, redTeamPrompt: string | null, summary: string | null, lastSequence: number, prunedSequence: number, createdAt: string, completedAt: string | null, repositories: Array<{ id: string, url: string | null, localPath: string | null, baseBranch: string | null, isPrimary: boolean }>, documents: Array<{ id: string, name: string, phase: ContractPhase | null, updatedAt: string }>, supervisor: { id: string, name: string, status: TaskStatus } | null } } };

export type ArchiveContractMutationVariables = Exact<{
  input: ArchiveContractInput;
}>;


export type ArchiveContractMutation = { archiveContract: { contract: { id: string, name: string, description: string | null, phase: ContractPhase, status: ContractStatus, agent: string, localOnly: boolean, budgetUsd: number | null, costUsd: number, tokens: number, redTeamEnabled: boolean, redTeamAgent: string | null, redTeamPrompt: string | null, summary: string | null, lastSequence: number, prunedSequence: number, createdAt: string, completedAt: string | null, repositories: Array<{ id: string, url: string | null, localPath: string | null, baseBranch: string | null, isPrimary: boolean }>, documents: Array<{ id: string, name: string, phase: ContractPhase | null, updatedAt: string }>, supervisor: { id: string, name: string, status: TaskStatus } | null } } };

export type DeleteContractMutationVariables = Exact<{
  input: DeleteContractInput;
}>;


export type DeleteContractMutation = { deleteContract: { contractId: string } };

export type AddRepositoryMutationVariables = Exact<{
  input: AddRepositoryInput;
}>;


export type AddRepositoryMutation = { addRepository: { repository: { id: string, url: string | null, localPath: string | null, baseBranch: string | null, isPrimary: boolean } } };

export type RemoveRepositoryMutationVariables = Exact<{
  input: RemoveRepositoryInput;
}>;


export type RemoveRepositoryMutation = { removeRepository: { contract: { id: string, name: string, description: string | null, phase: ContractPhase, status: ContractStatus, agent: string, localOnly: boolean, budgetUsd: number | null, costUsd: number, tokens: number, redTeamEnabled: boolean, redTeamAgent: string | null, redTeamPrompt: string | null, summary: string | null, lastSequence: number, prunedSequence: number, createdAt: string, completedAt: string | null, repositories: Array<{ id: string, url: string | null, localPath: string | null, baseBranch: string | null, isPrimary: boolean }>, documents: Array<{ id: string, name: string, phase: ContractPhase | null, updatedAt: string }>, supervisor: { id: string, name: string, status: TaskStatus } | null } } };

export type HistoryQueryVariables = Exact<{
  contractId?: string | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type HistoryQuery = { history: { nodes: Array<{ id: string, action: string, actor: string, actorKind: PrincipalKind, address: string | null, createdAt: string, details: unknown, contract: { id: string, name: string } | null, task: { id: string, name: string } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type NotifySupervisorMutationVariables = Exact<{
  input: NotifySupervisorInput;
}>;


export type NotifySupervisorMutation = { notifySupervisor: { duplicate: boolean } };

export type ResumeSupervisorMutationVariables = Exact<{
  input: ResumeSupervisorInput;
}>;


export type ResumeSupervisorMutation = { resumeSupervisor: { status: TaskStatus, task: { id: string, pendingReason: string | null, name: string, role: TaskRole, status: TaskStatus, depth: number, agent: string, attempt: number, priority: number, durationSeconds: number | null, errorMessage: string | null, outputSummary: string | null, costUsd: number, tokens: number, parent: { id: string } | null, contract: { id: string } }, daemon: { id: string, name: string } | null, resumedFrom: { phase: ContractPhase, lastActivity: string | null, messageCount: number } } };

export type RewindConversationMutationVariables = Exact<{
  input: RewindConversationInput;
}>;


export type RewindConversationMutation = { rewindConversation: { messagesRemoved: number, newMessageCount: number, codeRewound: boolean, pending: boolean, checkpoint: { id: string, number: number, message: string, createdAt: string } | null, undoCheckpoint: { id: string, number: number } | null } };

export type ConversationShowQueryVariables = Exact<{
  contractId: string;
  first?: number | null | undefined;
  after?: string | null | undefined;
  includeRemoved?: boolean | null | undefined;
}>;


export type ConversationShowQuery = { conversation: { nodes: Array<{ id: string, number: number, role: ConversationRole, attempt: number, content: string, isPartial: boolean, createdAt: string, removedAt: string | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type DrainDaemonMutationVariables = Exact<{
  input: DrainDaemonInput;
}>;


export type DrainDaemonMutation = { drainDaemon: { daemon: { id: string, name: string, status: DaemonStatus } } };

export type RemoveDaemonMutationVariables = Exact<{
  input: RemoveDaemonInput;
}>;


export type RemoveDaemonMutation = { removeDaemon: { daemon: { id: string, name: string, status: DaemonStatus, removedAt: string | null } } };

export type TaskCheckpointsQueryVariables = Exact<{
  taskId: string;
}>;


export type TaskCheckpointsQuery = { checkpoints: Array<{ id: string, number: number, commitSha: string, branch: string, message: string, filesChanged: number, linesAdded: number, linesRemoved: number, skippedPaths: Array<string>, createdAt: string, task: { id: string, name: string } }> };

export type KeysQueryVariables = Exact<{
  ended?: boolean | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type KeysQuery = { keys: { nodes: Array<{ id: string, name: string, kind: KeyKind, isCurrent: boolean, createdAt: string, lastUsedAt: string | null, expiresAt: string | null, revokedAt: string | null, daemon: { id: string, name: string } | null }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type RotateKeyMutationVariables = Exact<{
  input: RotateKeyInput;
}>;


export type RotateKeyMutation = { rotateKey: { key: string, record: { id: string, name: string, kind: KeyKind, expiresAt: string | null } } };

export type RevokeKeyMutationVariables = Exact<{
  input: RevokeKeyInput;
}>;


export type RevokeKeyMutation = { revokeKey: { record: { id: string, name: string, kind: KeyKind, revokedAt: string | null } } };

export type IdentitiesQueryVariables = Exact<{ [key: string]: never; }>;


export type IdentitiesQuery = { identities: Array<{ id: string, issuer: string, subject: string, createdAt: string }> };

export type LinkIdentityMutationVariables = Exact<{
  input: LinkIdentityInput;
}>;


export type LinkIdentityMutation = { linkIdentity: { identity: { id: string, issuer: string, subject: string } } };

export type UnlinkIdentityMutationVariables = Exact<{
  input: UnlinkIdentityInput;
}>;


export type UnlinkIdentityMutation = { unlinkIdentity: { identity: { id: string, issuer: string, subject: string } } };

export type DaemonRegisterMutationVariables = Exact<{
  input: RegisterDaemonInput;
}>;


export type DaemonRegisterMutation = { registerDaemon: { epoch: number, daemon: { id: string, name: string }, tasks: Array<{ attempt: number, nextOutputIndex: number, task: { id: string, status: TaskStatus } }> } };

export type DaemonHeartbeatMutationVariables = Exact<{
  input: HeartbeatDaemonInput;
}>;


export type DaemonHeartbeatMutation = { heartbeatDaemon: { daemon: { id: string } } };

export type DaemonDisconnectMutationVariables = Exact<{
  input: DisconnectDaemonInput;
}>;


export type DaemonDisconnectMutation = { disconnectDaemon: { daemon: { id: string } } };

export type DaemonCommandsSubscriptionVariables = Exact<{
  daemonId: string;
  epoch: number;
}>;


export type DaemonCommandsSubscription = { daemonCommands: { id: string, type: CommandType, attempt: number | null, payload: unknown, task: { id: string } | null } };

export type DaemonAcceptCommandMutationVariables = Exact<{
  input: AcceptCommandInput;
}>;


export type DaemonAcceptCommandMutation = { acceptCommand: { toolKey: string | null, command: { id: string } } };

export type DaemonCompleteCommandMutationVariables = Exact<{
  input: CompleteCommandInput;
}>;


export type DaemonCompleteCommandMutation = { completeCommand: { command: { id: string } } };

export type DaemonAppendOutputMutationVariables = Exact<{
  input: AppendTaskOutputInput;
}>;


export type DaemonAppendOutputMutation = { appendTaskOutput: { nextIndex: number, stale: boolean } };

export type DaemonReportTaskMutationVariables = Exact<{
  input: ReportTaskInput;
}>;


export type DaemonReportTaskMutation = { reportTask: { task: { id: string, status: TaskStatus } } };

export type DaemonUploadCheckpointPartMutationVariables = Exact<{
  input: UploadCheckpointPartInput;
}>;


export type DaemonUploadCheckpointPartMutation = { uploadCheckpointPart: { received: number } };

export type DaemonRecordCheckpointMutationVariables = Exact<{
  input: RecordCheckpointInput;
}>;


export type DaemonRecordCheckpointMutation = { recordCheckpoint: { created: boolean, checkpoint: { id: string, number: number, commitSha: string } } };

export type DaemonContractsQueryVariables = Exact<{
  contractIds: Array<string> | string;
}>;


export type DaemonContractsQuery = { daemonContracts: Array<{ contractId: string, endedAt: string | null }> };

export type DaemonCheckpointPartQueryVariables = Exact<{
  checkpointId: string;
  index: number;
}>;


export type DaemonCheckpointPartQuery = { checkpointPart: string };

export type AgentTurnEndedQueryVariables = Exact<{ [key: string]: never; }>;


export type AgentTurnEndedQuery = { viewer: { task: { isFinishing: boolean } | null }, inbox: Array<{ number: number, sender: MessageSender, content: string }> };

export type AgentWatchSubscriptionVariables = Exact<{
  contractId: string;
  afterSequence?: number | null | undefined;
}>;


export type AgentWatchSubscription = { contractOutput: { sequence: number, type: OutputType, content: string, toolName: string | null, toolInput: unknown, isPartial: boolean, isError: boolean, task: { id: string, name: string } } };

export type DaemonAskQuestionMutationVariables = Exact<{
  input: AskQuestionInput;
}>;


export type DaemonAskQuestionMutation = { askQuestion: { outcome: QuestionOutcome, question: { id: string, answerChoices: Array<string> | null, answerText: string | null } } };

export type DaemonAwaitAnswerMutationVariables = Exact<{
  input: AwaitAnswerInput;
}>;


export type DaemonAwaitAnswerMutation = { awaitAnswer: { outcome: QuestionOutcome, question: { id: string, answerChoices: Array<string> | null, answerText: string | null } } };

export type DaemonWithdrawQuestionMutationVariables = Exact<{
  input: WithdrawQuestionInput;
}>;


export type DaemonWithdrawQuestionMutation = { withdrawQuestion: { question: { id: string } } };

export type McpContractQueryVariables = Exact<{
  contractId: string;
}>;


export type McpContractQuery = { contractTree: { total: number, contract: { id: string, name: string, description: string | null, status: ContractStatus, phase: ContractPhase, summary: string | null, agent: string, localOnly: boolean, budgetUsd: number | null, costUsd: number, repositories: Array<{ url: string | null, localPath: string | null, baseBranch: string | null, isPrimary: boolean }>, documents: Array<{ name: string, phase: ContractPhase | null }> }, nodes: Array<{ depth: number, task: { id: string, name: string, role: TaskRole, status: TaskStatus, pendingReason: string | null, errorMessage: string | null, outputSummary: string | null, useOwnWorktree: boolean, agent: string, costUsd: number, durationSeconds: number | null, parent: { id: string } | null } }> } };

export type McpTaskQueryVariables = Exact<{
  id: string;
}>;


export type McpTaskQuery = { task: { id: string, name: string, description: string | null, role: TaskRole, status: TaskStatus, pendingReason: string | null, errorMessage: string | null, outputSummary: string | null, plan: string, agent: string, attempt: number, useOwnWorktree: boolean, repositoryUrl: string | null, targetBranch: string | null, completionAction: CompletionAction, costUsd: number, tokens: number, durationSeconds: number | null, timeLimitMinutes: number | null, parent: { id: string, name: string } | null, worktree: { branch: string, baseBranch: string | null } | null, daemon: { name: string } | null } };

export type McpTaskStateFragment = { id: string, name: string, status: TaskStatus, pendingReason: string | null };

export type McpSpawnTaskMutationVariables = Exact<{
  input: SpawnTaskInput;
}>;


export type McpSpawnTaskMutation = { spawnTask: { task: { useOwnWorktree: boolean, agent: string, id: string, name: string, status: TaskStatus, pendingReason: string | null } } };

export type McpCheckpointsQueryVariables = Exact<{
  taskId: string;
}>;


export type McpCheckpointsQuery = { checkpoints: Array<{ id: string, number: number, message: string, commitSha: string, filesChanged: number, linesAdded: number, linesRemoved: number, createdAt: string, task: { name: string } }> };

export type McpQuestionsQueryVariables = Exact<{
  contractId: string;
  status?: QuestionStatus | null | undefined;
}>;


export type McpQuestionsQuery = { questions: Array<{ id: string, question: string, status: QuestionStatus, choices: Array<string>, multiSelect: boolean, context: string | null, response: string | null, createdAt: string, expiresAt: string | null, task: { name: string } }> };

export type McpPendingQuestionsQueryVariables = Exact<{ [key: string]: never; }>;


export type McpPendingQuestionsQuery = { pendingQuestions: Array<{ id: string, question: string, status: QuestionStatus, choices: Array<string>, multiSelect: boolean, context: string | null, response: string | null, createdAt: string, expiresAt: string | null, contract: { id: string, name: string }, task: { name: string } }> };

export type McpQuestionFragment = { id: string, question: string, status: QuestionStatus, choices: Array<string>, multiSelect: boolean, context: string | null, response: string | null, createdAt: string, expiresAt: string | null, task: { name: string } };

export type ViewerQueryVariables = Exact<{ [key: string]: never; }>;


export type ViewerQuery = { viewer: { kind: PrincipalKind, keyName: string | null, serverVersion: string, owner: { id: string, name: string }, task: { id: string, name: string, contract: { id: string } } | null, daemon: { id: string, name: string } | null } };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const TaskLineFragmentDoc = new TypedDocumentString(`
    fragment TaskLine on Task {
  id
  pendingReason
  name
  role
  status
  depth
  agent
  attempt
  priority
  durationSeconds
  errorMessage
  outputSummary
  costUsd
  tokens
  parent {
    id
  }
  contract {
    id
  }
}
    `, {"fragmentName":"TaskLine"}) as unknown as TypedDocumentString<TaskLineFragment, unknown>;
export const TaskDetailsFragmentDoc = new TypedDocumentString(`
    fragment TaskDetails on Task {
  id
  pendingReason
  name
  description
  plan
  role
  status
  depth
  agent
  attempt
  retryCount
  priority
  durationSeconds
  errorMessage
  outputSummary
  useOwnWorktree
  repositoryUrl
  baseBranch
  targetBranch
  targetRepoPath
  copyFiles
  completionAction
  autonomousLoop
  timeLimitMinutes
  checkpointSha
  hasConversation
  isFinishing
  costUsd
  tokens
  createdAt
  startedAt
  completedAt
  version
  parent {
    id
    name
  }
  contract {
    id
    name
  }
  branchedFromTask {
    id
    name
  }
  continueFromTask {
    id
    name
  }
  worktree {
    id
    path
    branch
    baseBranch
    baseSha
  }
  daemon {
    id
    name
  }
  failedDaemons {
    id
    name
  }
}
    `, {"fragmentName":"TaskDetails"}) as unknown as TypedDocumentString<TaskDetailsFragment, unknown>;
export const ContractLineFragmentDoc = new TypedDocumentString(`
    fragment ContractLine on Contract {
  id
  name
  phase
  status
  agent
  costUsd
  tokens
  budgetUsd
  createdAt
  completedAt
}
    `, {"fragmentName":"ContractLine"}) as unknown as TypedDocumentString<ContractLineFragment, unknown>;
export const ContractDetailsFragmentDoc = new TypedDocumentString(`
    fragment ContractDetails on Contract {
  id
  name
  description
  phase
  status
  agent
  localOnly
  budgetUsd
  costUsd
  tokens
  redTeamEnabled
  redTeamAgent
  redTeamPrompt
  summary
  lastSequence
  prunedSequence
  createdAt
  completedAt
  repositories {
    id
    url
    localPath
    baseBranch
    isPrimary
  }
  documents {
    id
    name
    phase
    updatedAt
  }
  supervisor {
    id
    name
    status
  }
}
    `, {"fragmentName":"ContractDetails"}) as unknown as TypedDocumentString<ContractDetailsFragment, unknown>;
export const QuestionDetailsFragmentDoc = new TypedDocumentString(`
    fragment QuestionDetails on Question {
  id
  question
  choices
  context
  multiSelect
  questionType
  status
  timeoutSeconds
  expiresAt
  response
  createdAt
  contract {
    id
    name
  }
  task {
    id
    name
  }
}
    `, {"fragmentName":"QuestionDetails"}) as unknown as TypedDocumentString<QuestionDetailsFragment, unknown>;
export const OutputDetailsFragmentDoc = new TypedDocumentString(`
    fragment OutputDetails on OutputEntry {
  __typename
  sequence
  occurredAt
  attempt
  messageId
  outputType: type
  content
  toolName
  toolInput
  isError
  isPartial
  task {
    id
    name
    role
  }
}
    `, {"fragmentName":"OutputDetails"}) as unknown as TypedDocumentString<OutputDetailsFragment, unknown>;
export const McpTaskStateFragmentDoc = new TypedDocumentString(`
    fragment McpTaskState on Task {
  id
  name
  status
  pendingReason
}
    `, {"fragmentName":"McpTaskState"}) as unknown as TypedDocumentString<McpTaskStateFragment, unknown>;
export const McpQuestionFragmentDoc = new TypedDocumentString(`
    fragment McpQuestion on Question {
  id
  question
  status
  choices
  multiSelect
  context
  response
  createdAt
  expiresAt
  task {
    name
  }
}
    `, {"fragmentName":"McpQuestion"}) as unknown as TypedDocumentString<McpQuestionFragment, unknown>;
export const ContractListDocument = new TypedDocumentString(`
    query ContractList($status: ContractStatus, $first: Int, $after: String) {
  contracts(status: $status, first: $first, after: $after) {
    nodes {
      ...ContractLine
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment ContractLine on Contract {
  id
  name
  phase
  status
  agent
  costUsd
  tokens
  budgetUsd
  createdAt
  completedAt
}`) as unknown as TypedDocumentString<ContractListQuery, ContractListQueryVariables>;
export const ContractShowDocument = new TypedDocumentString(`
    query ContractShow($id: ID!) {
  contract(id: $id) {
    ...ContractDetails
  }
}
    fragment ContractDetails on Contract {
  id
  name
  description
  phase
  status
  agent
  localOnly
  budgetUsd
  costUsd
  tokens
  redTeamEnabled
  redTeamAgent
  redTeamPrompt
  summary
  lastSequence
  prunedSequence
  createdAt
  completedAt
  repositories {
    id
    url
    localPath
    baseBranch
    isPrimary
  }
  documents {
    id
    name
    phase
    updatedAt
  }
  supervisor {
    id
    name
    status
  }
}`) as unknown as TypedDocumentString<ContractShowQuery, ContractShowQueryVariables>;
export const ContractTreeDocument = new TypedDocumentString(`
    query ContractTree($contractId: ID!) {
  contractTree(contractId: $contractId) {
    contract {
      ...ContractLine
      summary
      lastSequence
    }
    nodes {
      depth
      task {
        ...TaskLine
      }
    }
    counts {
      status
      count
    }
    total
  }
}
    fragment TaskLine on Task {
  id
  pendingReason
  name
  role
  status
  depth
  agent
  attempt
  priority
  durationSeconds
  errorMessage
  outputSummary
  costUsd
  tokens
  parent {
    id
  }
  contract {
    id
  }
}
fragment ContractLine on Contract {
  id
  name
  phase
  status
  agent
  costUsd
  tokens
  budgetUsd
  createdAt
  completedAt
}`) as unknown as TypedDocumentString<ContractTreeQuery, ContractTreeQueryVariables>;
export const CreateContractDocument = new TypedDocumentString(`
    mutation CreateContract($input: CreateContractInput!) {
  createContract(input: $input) {
    contract {
      ...ContractDetails
    }
    supervisor {
      ...TaskLine
    }
  }
}
    fragment TaskLine on Task {
  id
  pendingReason
  name
  role
  status
  depth
  agent
  attempt
  priority
  durationSeconds
  errorMessage
  outputSummary
  costUsd
  tokens
  parent {
    id
  }
  contract {
    id
  }
}
fragment ContractDetails on Contract {
  id
  name
  description
  phase
  status
  agent
  localOnly
  budgetUsd
  costUsd
  tokens
  redTeamEnabled
  redTeamAgent
  redTeamPrompt
  summary
  lastSequence
  prunedSequence
  createdAt
  completedAt
  repositories {
    id
    url
    localPath
    baseBranch
    isPrimary
  }
  documents {
    id
    name
    phase
    updatedAt
  }
  supervisor {
    id
    name
    status
  }
}`) as unknown as TypedDocumentString<CreateContractMutation, CreateContractMutationVariables>;
export const CompleteContractDocument = new TypedDocumentString(`
    mutation CompleteContract($input: CompleteContractInput!) {
  completeContract(input: $input) {
    contract {
      ...ContractDetails
    }
  }
}
    fragment ContractDetails on Contract {
  id
  name
  description
  phase
  status
  agent
  localOnly
  budgetUsd
  costUsd
  tokens
  redTeamEnabled
  redTeamAgent
  redTeamPrompt
  summary
  lastSequence
  prunedSequence
  createdAt
  completedAt
  repositories {
    id
    url
    localPath
    baseBranch
    isPrimary
  }
  documents {
    id
    name
    phase
    updatedAt
  }
  supervisor {
    id
    name
    status
  }
}`) as unknown as TypedDocumentString<CompleteContractMutation, CompleteContractMutationVariables>;
export const TaskListDocument = new TypedDocumentString(`
    query TaskList($contractId: ID!, $status: [TaskStatus!], $role: TaskRole, $first: Int, $after: String) {
  tasks(
    contractId: $contractId
    status: $status
    role: $role
    first: $first
    after: $after
  ) {
    nodes {
      ...TaskLine
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment TaskLine on Task {
  id
  pendingReason
  name
  role
  status
  depth
  agent
  attempt
  priority
  durationSeconds
  errorMessage
  outputSummary
  costUsd
  tokens
  parent {
    id
  }
  contract {
    id
  }
}`) as unknown as TypedDocumentString<TaskListQuery, TaskListQueryVariables>;
export const TaskShowDocument = new TypedDocumentString(`
    query TaskShow($id: ID!) {
  task(id: $id) {
    ...TaskDetails
  }
}
    fragment TaskDetails on Task {
  id
  pendingReason
  name
  description
  plan
  role
  status
  depth
  agent
  attempt
  retryCount
  priority
  durationSeconds
  errorMessage
  outputSummary
  useOwnWorktree
  repositoryUrl
  baseBranch
  targetBranch
  targetRepoPath
  copyFiles
  completionAction
  autonomousLoop
  timeLimitMinutes
  checkpointSha
  hasConversation
  isFinishing
  costUsd
  tokens
  createdAt
  startedAt
  completedAt
  version
  parent {
    id
    name
  }
  contract {
    id
    name
  }
  branchedFromTask {
    id
    name
  }
  continueFromTask {
    id
    name
  }
  worktree {
    id
    path
    branch
    baseBranch
    baseSha
  }
  daemon {
    id
    name
  }
  failedDaemons {
    id
    name
  }
}`) as unknown as TypedDocumentString<TaskShowQuery, TaskShowQueryVariables>;
export const TaskPositionDocument = new TypedDocumentString(`
    query TaskPosition($id: ID!) {
  task(id: $id) {
    id
    name
    status
    contract {
      id
      lastSequence
    }
  }
}
    `) as unknown as TypedDocumentString<TaskPositionQuery, TaskPositionQueryVariables>;
export const TaskDiffDocument = new TypedDocumentString(`
    query TaskDiff($taskId: ID!, $maxBytes: Int) {
  taskDiff(taskId: $taskId, maxBytes: $maxBytes) {
    patch
    linesAdded
    linesRemoved
    truncated
    baseSha
    headSha
    files {
      path
      oldPath
      status
      linesAdded
      linesRemoved
      binary
    }
    task {
      id
      name
    }
  }
}
    `) as unknown as TypedDocumentString<TaskDiffQuery, TaskDiffQueryVariables>;
export const WaitForTasksDocument = new TypedDocumentString(`
    query WaitForTasks($taskIds: [ID!]!, $mode: WaitMode!, $timeoutSeconds: Int!) {
  waitForTasks(taskIds: $taskIds, mode: $mode, timeoutSeconds: $timeoutSeconds) {
    status
    completed
    timedOut
    outputSummary
    errorMessage
    task {
      id
      name
      durationSeconds
    }
  }
}
    `) as unknown as TypedDocumentString<WaitForTasksQuery, WaitForTasksQueryVariables>;
export const SpawnTaskDocument = new TypedDocumentString(`
    mutation SpawnTask($input: SpawnTaskInput!) {
  spawnTask(input: $input) {
    task {
      ...TaskDetails
    }
  }
}
    fragment TaskDetails on Task {
  id
  pendingReason
  name
  description
  plan
  role
  status
  depth
  agent
  attempt
  retryCount
  priority
  durationSeconds
  errorMessage
  outputSummary
  useOwnWorktree
  repositoryUrl
  baseBranch
  targetBranch
  targetRepoPath
  copyFiles
  completionAction
  autonomousLoop
  timeLimitMinutes
  checkpointSha
  hasConversation
  isFinishing
  costUsd
  tokens
  createdAt
  startedAt
  completedAt
  version
  parent {
    id
    name
  }
  contract {
    id
    name
  }
  branchedFromTask {
    id
    name
  }
  continueFromTask {
    id
    name
  }
  worktree {
    id
    path
    branch
    baseBranch
    baseSha
  }
  daemon {
    id
    name
  }
  failedDaemons {
    id
    name
  }
}`) as unknown as TypedDocumentString<SpawnTaskMutation, SpawnTaskMutationVariables>;
export const CancelTaskDocument = new TypedDocumentString(`
    mutation CancelTask($input: CancelTaskInput!) {
  cancelTask(input: $input) {
    task {
      ...TaskLine
    }
  }
}
    fragment TaskLine on Task {
  id
  pendingReason
  name
  role
  status
  depth
  agent
  attempt
  priority
  durationSeconds
  errorMessage
  outputSummary
  costUsd
  tokens
  parent {
    id
  }
  contract {
    id
  }
}`) as unknown as TypedDocumentString<CancelTaskMutation, CancelTaskMutationVariables>;
export const FinishTaskDocument = new TypedDocumentString(`
    mutation FinishTask($input: FinishTaskInput!) {
  finishTask(input: $input) {
    task {
      ...TaskLine
    }
  }
}
    fragment TaskLine on Task {
  id
  pendingReason
  name
  role
  status
  depth
  agent
  attempt
  priority
  durationSeconds
  errorMessage
  outputSummary
  costUsd
  tokens
  parent {
    id
  }
  contract {
    id
  }
}`) as unknown as TypedDocumentString<FinishTaskMutation, FinishTaskMutationVariables>;
export const SendMessageDocument = new TypedDocumentString(`
    mutation SendMessage($input: SendMessageInput!) {
  sendMessage(input: $input) {
    message {
      id
      number
      sender
      content
      createdAt
    }
  }
}
    `) as unknown as TypedDocumentString<SendMessageMutation, SendMessageMutationVariables>;
export const InboxDocument = new TypedDocumentString(`
    query Inbox($timeoutSeconds: Int) {
  inbox(timeoutSeconds: $timeoutSeconds) {
    id
    number
    sender
    content
    createdAt
  }
}
    `) as unknown as TypedDocumentString<InboxQuery, InboxQueryVariables>;
export const AcknowledgeMessagesDocument = new TypedDocumentString(`
    mutation AcknowledgeMessages($input: AcknowledgeMessagesInput!) {
  acknowledgeMessages(input: $input) {
    acknowledged
  }
}
    `) as unknown as TypedDocumentString<AcknowledgeMessagesMutation, AcknowledgeMessagesMutationVariables>;
export const CreateCheckpointDocument = new TypedDocumentString(`
    mutation CreateCheckpoint($input: CreateCheckpointInput!) {
  createCheckpoint(input: $input) {
    created
    pending
    checkpoint {
      id
      number
      commitSha
      branch
      message
      filesChanged
      linesAdded
      linesRemoved
      skippedPaths
      createdAt
    }
  }
}
    `) as unknown as TypedDocumentString<CreateCheckpointMutation, CreateCheckpointMutationVariables>;
export const MergeTaskDocument = new TypedDocumentString(`
    mutation MergeTask($input: MergeTaskInput!) {
  mergeTask(input: $input) {
    outcome
    message
    commitSha
    targetBranch
    task {
      id
      name
      status
    }
    conflicts {
      path
      kind
      hunks
      tasks {
        id
        name
      }
    }
  }
}
    `) as unknown as TypedDocumentString<MergeTaskMutation, MergeTaskMutationVariables>;
export const WorktreeFileDocument = new TypedDocumentString(`
    query WorktreeFile($taskId: ID!, $path: String!) {
  worktreeFile(taskId: $taskId, path: $path) {
    path
    exists
    content
    encoding
    size
    truncated
    task {
      id
      name
    }
  }
}
    `) as unknown as TypedDocumentString<WorktreeFileQuery, WorktreeFileQueryVariables>;
export const CreateBranchDocument = new TypedDocumentString(`
    mutation CreateBranch($input: CreateBranchInput!) {
  createBranch(input: $input) {
    branchName
    commitSha
    pending
  }
}
    `) as unknown as TypedDocumentString<CreateBranchMutation, CreateBranchMutationVariables>;
export const CreatePullRequestDocument = new TypedDocumentString(`
    mutation CreatePullRequest($input: CreatePullRequestInput!) {
  createPullRequest(input: $input) {
    url
    number
    created
    pending
  }
}
    `) as unknown as TypedDocumentString<CreatePullRequestMutation, CreatePullRequestMutationVariables>;
export const PendingQuestionsDocument = new TypedDocumentString(`
    query PendingQuestions($contractId: ID) {
  pendingQuestions(contractId: $contractId) {
    ...QuestionDetails
  }
}
    fragment QuestionDetails on Question {
  id
  question
  choices
  context
  multiSelect
  questionType
  status
  timeoutSeconds
  expiresAt
  response
  createdAt
  contract {
    id
    name
  }
  task {
    id
    name
  }
}`) as unknown as TypedDocumentString<PendingQuestionsQuery, PendingQuestionsQueryVariables>;
export const QuestionsAskedDocument = new TypedDocumentString(`
    subscription QuestionsAsked($contractId: ID) {
  questionAsked(contractId: $contractId) {
    ...QuestionDetails
  }
}
    fragment QuestionDetails on Question {
  id
  question
  choices
  context
  multiSelect
  questionType
  status
  timeoutSeconds
  expiresAt
  response
  createdAt
  contract {
    id
    name
  }
  task {
    id
    name
  }
}`) as unknown as TypedDocumentString<QuestionsAskedSubscription, QuestionsAskedSubscriptionVariables>;
export const AnswerQuestionDocument = new TypedDocumentString(`
    mutation AnswerQuestion($input: AnswerQuestionInput!) {
  answerQuestion(input: $input) {
    question {
      ...QuestionDetails
    }
  }
}
    fragment QuestionDetails on Question {
  id
  question
  choices
  context
  multiSelect
  questionType
  status
  timeoutSeconds
  expiresAt
  response
  createdAt
  contract {
    id
    name
  }
  task {
    id
    name
  }
}`) as unknown as TypedDocumentString<AnswerQuestionMutation, AnswerQuestionMutationVariables>;
export const AskQuestionDocument = new TypedDocumentString(`
    mutation AskQuestion($input: AskQuestionInput!) {
  askQuestion(input: $input) {
    outcome
    response
    question {
      id
    }
  }
}
    `) as unknown as TypedDocumentString<AskQuestionMutation, AskQuestionMutationVariables>;
export const AwaitAnswerDocument = new TypedDocumentString(`
    mutation AwaitAnswer($input: AwaitAnswerInput!) {
  awaitAnswer(input: $input) {
    outcome
    response
    question {
      id
    }
  }
}
    `) as unknown as TypedDocumentString<AwaitAnswerMutation, AwaitAnswerMutationVariables>;
export const AcknowledgeAnswerDocument = new TypedDocumentString(`
    mutation AcknowledgeAnswer($input: AcknowledgeAnswerInput!) {
  acknowledgeAnswer(input: $input) {
    question {
      id
    }
  }
}
    `) as unknown as TypedDocumentString<AcknowledgeAnswerMutation, AcknowledgeAnswerMutationVariables>;
export const DocumentListDocument = new TypedDocumentString(`
    query DocumentList($contractId: ID!) {
  documents(contractId: $contractId) {
    id
    name
    phase
    content
    updatedAt
  }
}
    `) as unknown as TypedDocumentString<DocumentListQuery, DocumentListQueryVariables>;
export const DaemonListDocument = new TypedDocumentString(`
    query DaemonList {
  daemons {
    id
    name
    hostname
    version
    status
    removedAt
    localPaths
    agents
    maxConcurrentTasks
    runningTasks
    lastHeartbeatAt
  }
}
    `) as unknown as TypedDocumentString<DaemonListQuery, DaemonListQueryVariables>;
export const CreateKeyDocument = new TypedDocumentString(`
    mutation CreateKey($input: CreateKeyInput!) {
  createKey(input: $input) {
    key
    name
    kind
    record {
      id
      expiresAt
    }
  }
}
    `) as unknown as TypedDocumentString<CreateKeyMutation, CreateKeyMutationVariables>;
export const ContractEventsDocument = new TypedDocumentString(`
    subscription ContractEvents($contractId: ID!, $afterSequence: Int) {
  contractEvents(contractId: $contractId, afterSequence: $afterSequence) {
    __typename
    sequence
    occurredAt
    ...OutputDetails
    ... on ContractChangedEvent {
      type: eventType
      updatedFields
      updatedBy
      contract {
        id
        name
        status
        phase
      }
    }
    ... on TaskUpdatedEvent {
      type: eventType
      updatedFields
      updatedBy
      taskStatus: status
      task {
        id
        name
        role
      }
    }
    ... on TaskCompletedEvent {
      taskStatus: status
      outputSummary
      errorMessage
      task {
        id
        name
        role
      }
    }
    ... on TaskStalledEvent {
      task {
        id
        name
        role
      }
    }
    ... on QuestionEvent {
      type: eventType
      question {
        ...QuestionDetails
      }
    }
    ... on CheckpointCreatedEvent {
      checkpoint {
        number
        filesChanged
        linesAdded
        linesRemoved
        task {
          id
          name
          role
        }
      }
    }
    ... on MergeFinishedEvent {
      outcome
      targetBranch
      commitSha
      mergeMessage: message
      task {
        id
        name
        role
      }
    }
    ... on ConversationRewoundEvent {
      messagesRemoved
      newMessageCount
    }
    ... on RedTeamNotifiedEvent {
      severity
      warning: message
      file
      about: task {
        name
      }
    }
    ... on MessageSentEvent {
      sent: message {
        number
        sender
        content
      }
      task {
        id
        name
        role
      }
    }
  }
}
    fragment QuestionDetails on Question {
  id
  question
  choices
  context
  multiSelect
  questionType
  status
  timeoutSeconds
  expiresAt
  response
  createdAt
  contract {
    id
    name
  }
  task {
    id
    name
  }
}
fragment OutputDetails on OutputEntry {
  __typename
  sequence
  occurredAt
  attempt
  messageId
  outputType: type
  content
  toolName
  toolInput
  isError
  isPartial
  task {
    id
    name
    role
  }
}`) as unknown as TypedDocumentString<ContractEventsSubscription, ContractEventsSubscriptionVariables>;
export const PauseTaskDocument = new TypedDocumentString(`
    mutation PauseTask($input: PauseTaskInput!) {
  pauseTask(input: $input) {
    task {
      ...TaskLine
    }
  }
}
    fragment TaskLine on Task {
  id
  pendingReason
  name
  role
  status
  depth
  agent
  attempt
  priority
  durationSeconds
  errorMessage
  outputSummary
  costUsd
  tokens
  parent {
    id
  }
  contract {
    id
  }
}`) as unknown as TypedDocumentString<PauseTaskMutation, PauseTaskMutationVariables>;
export const ResumeTaskDocument = new TypedDocumentString(`
    mutation ResumeTask($input: ResumeTaskInput!) {
  resumeTask(input: $input) {
    task {
      ...TaskLine
    }
  }
}
    fragment TaskLine on Task {
  id
  pendingReason
  name
  role
  status
  depth
  agent
  attempt
  priority
  durationSeconds
  errorMessage
  outputSummary
  costUsd
  tokens
  parent {
    id
  }
  contract {
    id
  }
}`) as unknown as TypedDocumentString<ResumeTaskMutation, ResumeTaskMutationVariables>;
export const RetryTaskDocument = new TypedDocumentString(`
    mutation RetryTask($input: RetryTaskInput!) {
  retryTask(input: $input) {
    task {
      ...TaskLine
    }
  }
}
    fragment TaskLine on Task {
  id
  pendingReason
  name
  role
  status
  depth
  agent
  attempt
  priority
  durationSeconds
  errorMessage
  outputSummary
  costUsd
  tokens
  parent {
    id
  }
  contract {
    id
  }
}`) as unknown as TypedDocumentString<RetryTaskMutation, RetryTaskMutationVariables>;
export const TaskOutputDocument = new TypedDocumentString(`
    query TaskOutput($taskId: ID!, $first: Int!, $after: String) {
  taskOutput(taskId: $taskId, first: $first, after: $after) {
    nodes {
      ...OutputDetails
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment OutputDetails on OutputEntry {
  __typename
  sequence
  occurredAt
  attempt
  messageId
  outputType: type
  content
  toolName
  toolInput
  isError
  isPartial
  task {
    id
    name
    role
  }
}`) as unknown as TypedDocumentString<TaskOutputQuery, TaskOutputQueryVariables>;
export const QuestionListDocument = new TypedDocumentString(`
    query QuestionList($contractId: ID!, $status: QuestionStatus) {
  questions(contractId: $contractId, status: $status) {
    ...QuestionDetails
  }
}
    fragment QuestionDetails on Question {
  id
  question
  choices
  context
  multiSelect
  questionType
  status
  timeoutSeconds
  expiresAt
  response
  createdAt
  contract {
    id
    name
  }
  task {
    id
    name
  }
}`) as unknown as TypedDocumentString<QuestionListQuery, QuestionListQueryVariables>;
export const WithdrawQuestionDocument = new TypedDocumentString(`
    mutation WithdrawQuestion($input: WithdrawQuestionInput!) {
  withdrawQuestion(input: $input) {
    question {
      ...QuestionDetails
    }
  }
}
    fragment QuestionDetails on Question {
  id
  question
  choices
  context
  multiSelect
  questionType
  status
  timeoutSeconds
  expiresAt
  response
  createdAt
  contract {
    id
    name
  }
  task {
    id
    name
  }
}`) as unknown as TypedDocumentString<WithdrawQuestionMutation, WithdrawQuestionMutationVariables>;
export const SetDocumentDocument = new TypedDocumentString(`
    mutation SetDocument($input: SetDocumentInput!) {
  setDocument(input: $input) {
    document {
      id
      name
      phase
      content
      updatedAt
    }
  }
}
    `) as unknown as TypedDocumentString<SetDocumentMutation, SetDocumentMutationVariables>;
export const UpdateContractDocument = new TypedDocumentString(`
    mutation UpdateContract($input: UpdateContractInput!) {
  updateContract(input: $input) {
    contract {
      ...ContractDetails
    }
  }
}
    fragment ContractDetails on Contract {
  id
  name
  description
  phase
  status
  agent
  localOnly
  budgetUsd
  costUsd
  tokens
  redTeamEnabled
  redTeamAgent
  redTeamPrompt
  summary
  lastSequence
  prunedSequence
  createdAt
  completedAt
  repositories {
    id
    url
    localPath
    baseBranch
    isPrimary
  }
  documents {
    id
    name
    phase
    updatedAt
  }
  supervisor {
    id
    name
    status
  }
}`) as unknown as TypedDocumentString<UpdateContractMutation, UpdateContractMutationVariables>;
export const SetContractPhaseDocument = new TypedDocumentString(`
    mutation SetContractPhase($input: SetContractPhaseInput!) {
  setContractPhase(input: $input) {
    contract {
      ...ContractDetails
    }
  }
}
    fragment ContractDetails on Contract {
  id
  name
  description
  phase
  status
  agent
  localOnly
  budgetUsd
  costUsd
  tokens
  redTeamEnabled
  redTeamAgent
  redTeamPrompt
  summary
  lastSequence
  prunedSequence
  createdAt
  completedAt
  repositories {
    id
    url
    localPath
    baseBranch
    isPrimary
  }
  documents {
    id
    name
    phase
    updatedAt
  }
  supervisor {
    id
    name
    status
  }
}`) as unknown as TypedDocumentString<SetContractPhaseMutation, SetContractPhaseMutationVariables>;
export const ArchiveContractDocument = new TypedDocumentString(`
    mutation ArchiveContract($input: ArchiveContractInput!) {
  archiveContract(input: $input) {
    contract {
      ...ContractDetails
    }
  }
}
    fragment ContractDetails on Contract {
  id
  name
  description
  phase
  status
  agent
  localOnly
  budgetUsd
  costUsd
  tokens
  redTeamEnabled
  redTeamAgent
  redTeamPrompt
  summary
  lastSequence
  prunedSequence
  createdAt
  completedAt
  repositories {
    id
    url
    localPath
    baseBranch
    isPrimary
  }
  documents {
    id
    name
    phase
    updatedAt
  }
  supervisor {
    id
    name
    status
  }
}`) as unknown as TypedDocumentString<ArchiveContractMutation, ArchiveContractMutationVariables>;
export const DeleteContractDocument = new TypedDocumentString(`
    mutation DeleteContract($input: DeleteContractInput!) {
  deleteContract(input: $input) {
    contractId
  }
}
    `) as unknown as TypedDocumentString<DeleteContractMutation, DeleteContractMutationVariables>;
export const AddRepositoryDocument = new TypedDocumentString(`
    mutation AddRepository($input: AddRepositoryInput!) {
  addRepository(input: $input) {
    repository {
      id
      url
      localPath
      baseBranch
      isPrimary
    }
  }
}
    `) as unknown as TypedDocumentString<AddRepositoryMutation, AddRepositoryMutationVariables>;
export const RemoveRepositoryDocument = new TypedDocumentString(`
    mutation RemoveRepository($input: RemoveRepositoryInput!) {
  removeRepository(input: $input) {
    contract {
      ...ContractDetails
    }
  }
}
    fragment ContractDetails on Contract {
  id
  name
  description
  phase
  status
  agent
  localOnly
  budgetUsd
  costUsd
  tokens
  redTeamEnabled
  redTeamAgent
  redTeamPrompt
  summary
  lastSequence
  prunedSequence
  createdAt
  completedAt
  repositories {
    id
    url
    localPath
    baseBranch
    isPrimary
  }
  documents {
    id
    name
    phase
    updatedAt
  }
  supervisor {
    id
    name
    status
  }
}`) as unknown as TypedDocumentString<RemoveRepositoryMutation, RemoveRepositoryMutationVariables>;
export const HistoryDocument = new TypedDocumentString(`
    query History($contractId: ID, $first: Int, $after: String) {
  history(contractId: $contractId, first: $first, after: $after) {
    nodes {
      id
      action
      actor
      actorKind
      address
      createdAt
      details
      contract {
        id
        name
      }
      task {
        id
        name
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    `) as unknown as TypedDocumentString<HistoryQuery, HistoryQueryVariables>;
export const NotifySupervisorDocument = new TypedDocumentString(`
    mutation NotifySupervisor($input: NotifySupervisorInput!) {
  notifySupervisor(input: $input) {
    duplicate
  }
}
    `) as unknown as TypedDocumentString<NotifySupervisorMutation, NotifySupervisorMutationVariables>;
export const ResumeSupervisorDocument = new TypedDocumentString(`
    mutation ResumeSupervisor($input: ResumeSupervisorInput!) {
  resumeSupervisor(input: $input) {
    status
    task {
      ...TaskLine
    }
    daemon {
      id
      name
    }
    resumedFrom {
      phase
      lastActivity
      messageCount
    }
  }
}
    fragment TaskLine on Task {
  id
  pendingReason
  name
  role
  status
  depth
  agent
  attempt
  priority
  durationSeconds
  errorMessage
  outputSummary
  costUsd
  tokens
  parent {
    id
  }
  contract {
    id
  }
}`) as unknown as TypedDocumentString<ResumeSupervisorMutation, ResumeSupervisorMutationVariables>;
export const RewindConversationDocument = new TypedDocumentString(`
    mutation RewindConversation($input: RewindConversationInput!) {
  rewindConversation(input: $input) {
    messagesRemoved
    newMessageCount
    codeRewound
    pending
    checkpoint {
      id
      number
      message
      createdAt
    }
    undoCheckpoint {
      id
      number
    }
  }
}
    `) as unknown as TypedDocumentString<RewindConversationMutation, RewindConversationMutationVariables>;
export const ConversationShowDocument = new TypedDocumentString(`
    query ConversationShow($contractId: ID!, $first: Int, $after: String, $includeRemoved: Boolean) {
  conversation(
    contractId: $contractId
    first: $first
    after: $after
    includeRemoved: $includeRemoved
  ) {
    nodes {
      id
      number
      role
      attempt
      content
      isPartial
      createdAt
      removedAt
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    `) as unknown as TypedDocumentString<ConversationShowQuery, ConversationShowQueryVariables>;
export const DrainDaemonDocument = new TypedDocumentString(`
    mutation DrainDaemon($input: DrainDaemonInput!) {
  drainDaemon(input: $input) {
    daemon {
      id
      name
      status
    }
  }
}
    `) as unknown as TypedDocumentString<DrainDaemonMutation, DrainDaemonMutationVariables>;
export const RemoveDaemonDocument = new TypedDocumentString(`
    mutation RemoveDaemon($input: RemoveDaemonInput!) {
  removeDaemon(input: $input) {
    daemon {
      id
      name
      status
      removedAt
    }
  }
}
    `) as unknown as TypedDocumentString<RemoveDaemonMutation, RemoveDaemonMutationVariables>;
export const TaskCheckpointsDocument = new TypedDocumentString(`
    query TaskCheckpoints($taskId: ID!) {
  checkpoints(taskId: $taskId) {
    id
    number
    commitSha
    branch
    message
    filesChanged
    linesAdded
    linesRemoved
    skippedPaths
    createdAt
    task {
      id
      name
    }
  }
}
    `) as unknown as TypedDocumentString<TaskCheckpointsQuery, TaskCheckpointsQueryVariables>;
export const KeysDocument = new TypedDocumentString(`
    query Keys($ended: Boolean, $first: Int, $after: String) {
  keys(ended: $ended, first: $first, after: $after) {
    nodes {
      id
      name
      kind
      isCurrent
      daemon {
        id
        name
      }
      createdAt
      lastUsedAt
      expiresAt
      revokedAt
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    `) as unknown as TypedDocumentString<KeysQuery, KeysQueryVariables>;
export const RotateKeyDocument = new TypedDocumentString(`
    mutation RotateKey($input: RotateKeyInput!) {
  rotateKey(input: $input) {
    key
    record {
      id
      name
      kind
      expiresAt
    }
  }
}
    `) as unknown as TypedDocumentString<RotateKeyMutation, RotateKeyMutationVariables>;
export const RevokeKeyDocument = new TypedDocumentString(`
    mutation RevokeKey($input: RevokeKeyInput!) {
  revokeKey(input: $input) {
    record {
      id
      name
      kind
      revokedAt
    }
  }
}
    `) as unknown as TypedDocumentString<RevokeKeyMutation, RevokeKeyMutationVariables>;
export const IdentitiesDocument = new TypedDocumentString(`
    query Identities {
  identities {
    id
    issuer
    subject
    createdAt
  }
}
    `) as unknown as TypedDocumentString<IdentitiesQuery, IdentitiesQueryVariables>;
export const LinkIdentityDocument = new TypedDocumentString(`
    mutation LinkIdentity($input: LinkIdentityInput!) {
  linkIdentity(input: $input) {
    identity {
      id
      issuer
      subject
    }
  }
}
    `) as unknown as TypedDocumentString<LinkIdentityMutation, LinkIdentityMutationVariables>;
export const UnlinkIdentityDocument = new TypedDocumentString(`
    mutation UnlinkIdentity($input: UnlinkIdentityInput!) {
  unlinkIdentity(input: $input) {
    identity {
      id
      issuer
      subject
    }
  }
}
    `) as unknown as TypedDocumentString<UnlinkIdentityMutation, UnlinkIdentityMutationVariables>;
export const DaemonRegisterDocument = new TypedDocumentString(`
    mutation DaemonRegister($input: RegisterDaemonInput!) {
  registerDaemon(input: $input) {
    epoch
    daemon {
      id
      name
    }
    tasks {
      attempt
      nextOutputIndex
      task {
        id
        status
      }
    }
  }
}
    `) as unknown as TypedDocumentString<DaemonRegisterMutation, DaemonRegisterMutationVariables>;
export const DaemonHeartbeatDocument = new TypedDocumentString(`
    mutation DaemonHeartbeat($input: HeartbeatDaemonInput!) {
  heartbeatDaemon(input: $input) {
    daemon {
      id
    }
  }
}
    `) as unknown as TypedDocumentString<DaemonHeartbeatMutation, DaemonHeartbeatMutationVariables>;
export const DaemonDisconnectDocument = new TypedDocumentString(`
    mutation DaemonDisconnect($input: DisconnectDaemonInput!) {
  disconnectDaemon(input: $input) {
    daemon {
      id
    }
  }
}
    `) as unknown as TypedDocumentString<DaemonDisconnectMutation, DaemonDisconnectMutationVariables>;
export const DaemonCommandsDocument = new TypedDocumentString(`
    subscription DaemonCommands($daemonId: ID!, $epoch: Int!) {
  daemonCommands(daemonId: $daemonId, epoch: $epoch) {
    id
    type
    attempt
    payload
    task {
      id
    }
  }
}
    `) as unknown as TypedDocumentString<DaemonCommandsSubscription, DaemonCommandsSubscriptionVariables>;
export const DaemonAcceptCommandDocument = new TypedDocumentString(`
    mutation DaemonAcceptCommand($input: AcceptCommandInput!) {
  acceptCommand(input: $input) {
    toolKey
    command {
      id
    }
  }
}
    `) as unknown as TypedDocumentString<DaemonAcceptCommandMutation, DaemonAcceptCommandMutationVariables>;
export const DaemonCompleteCommandDocument = new TypedDocumentString(`
    mutation DaemonCompleteCommand($input: CompleteCommandInput!) {
  completeCommand(input: $input) {
    command {
      id
    }
  }
}
    `) as unknown as TypedDocumentString<DaemonCompleteCommandMutation, DaemonCompleteCommandMutationVariables>;
export const DaemonAppendOutputDocument = new TypedDocumentString(`
    mutation DaemonAppendOutput($input: AppendTaskOutputInput!) {
  appendTaskOutput(input: $input) {
    nextIndex
    stale
  }
}
    `) as unknown as TypedDocumentString<DaemonAppendOutputMutation, DaemonAppendOutputMutationVariables>;
export const DaemonReportTaskDocument = new TypedDocumentString(`
    mutation DaemonReportTask($input: ReportTaskInput!) {
  reportTask(input: $input) {
    task {
      id
      status
    }
  }
}
    `) as unknown as TypedDocumentString<DaemonReportTaskMutation, DaemonReportTaskMutationVariables>;
export const DaemonUploadCheckpointPartDocument = new TypedDocumentString(`
    mutation DaemonUploadCheckpointPart($input: UploadCheckpointPartInput!) {
  uploadCheckpointPart(input: $input) {
    received
  }
}
    `) as unknown as TypedDocumentString<DaemonUploadCheckpointPartMutation, DaemonUploadCheckpointPartMutationVariables>;
export const DaemonRecordCheckpointDocument = new TypedDocumentString(`
    mutation DaemonRecordCheckpoint($input: RecordCheckpointInput!) {
  recordCheckpoint(input: $input) {
    created
    checkpoint {
      id
      number
      commitSha
    }
  }
}
    `) as unknown as TypedDocumentString<DaemonRecordCheckpointMutation, DaemonRecordCheckpointMutationVariables>;
export const DaemonContractsDocument = new TypedDocumentString(`
    query DaemonContracts($contractIds: [ID!]!) {
  daemonContracts(contractIds: $contractIds) {
    contractId
    endedAt
  }
}
    `) as unknown as TypedDocumentString<DaemonContractsQuery, DaemonContractsQueryVariables>;
export const DaemonCheckpointPartDocument = new TypedDocumentString(`
    query DaemonCheckpointPart($checkpointId: ID!, $index: Int!) {
  checkpointPart(checkpointId: $checkpointId, index: $index)
}
    `) as unknown as TypedDocumentString<DaemonCheckpointPartQuery, DaemonCheckpointPartQueryVariables>;
export const AgentTurnEndedDocument = new TypedDocumentString(`
    query AgentTurnEnded {
  viewer {
    task {
      isFinishing
    }
  }
  inbox(timeoutSeconds: 0) {
    number
    sender
    content
  }
}
    `) as unknown as TypedDocumentString<AgentTurnEndedQuery, AgentTurnEndedQueryVariables>;
export const AgentWatchDocument = new TypedDocumentString(`
    subscription AgentWatch($contractId: ID!, $afterSequence: Int) {
  contractOutput(
    contractId: $contractId
    afterSequence: $afterSequence
    role: WORK
  ) {
    sequence
    type
    content
    toolName
    toolInput
    isPartial
    isError
    task {
      id
      name
    }
  }
}
    `) as unknown as TypedDocumentString<AgentWatchSubscription, AgentWatchSubscriptionVariables>;
export const DaemonAskQuestionDocument = new TypedDocumentString(`
    mutation DaemonAskQuestion($input: AskQuestionInput!) {
  askQuestion(input: $input) {
    outcome
    question {
      id
      answerChoices
      answerText
    }
  }
}
    `) as unknown as TypedDocumentString<DaemonAskQuestionMutation, DaemonAskQuestionMutationVariables>;
export const DaemonAwaitAnswerDocument = new TypedDocumentString(`
    mutation DaemonAwaitAnswer($input: AwaitAnswerInput!) {
  awaitAnswer(input: $input) {
    outcome
    question {
      id
      answerChoices
      answerText
    }
  }
}
    `) as unknown as TypedDocumentString<DaemonAwaitAnswerMutation, DaemonAwaitAnswerMutationVariables>;
export const DaemonWithdrawQuestionDocument = new TypedDocumentString(`
    mutation DaemonWithdrawQuestion($input: WithdrawQuestionInput!) {
  withdrawQuestion(input: $input) {
    question {
      id
    }
  }
}
    `) as unknown as TypedDocumentString<DaemonWithdrawQuestionMutation, DaemonWithdrawQuestionMutationVariables>;
export const McpContractDocument = new TypedDocumentString(`
    query McpContract($contractId: ID!) {
  contractTree(contractId: $contractId) {
    contract {
      id
      name
      description
      status
      phase
      summary
      agent
      localOnly
      budgetUsd
      costUsd
      repositories {
        url
        localPath
        baseBranch
        isPrimary
      }
      documents {
        name
        phase
      }
    }
    nodes {
      depth
      task {
        id
        name
        role
        status
        pendingReason
        errorMessage
        outputSummary
        useOwnWorktree
        agent
        costUsd
        durationSeconds
        parent {
          id
        }
      }
    }
    total
  }
}
    `) as unknown as TypedDocumentString<McpContractQuery, McpContractQueryVariables>;
export const McpTaskDocument = new TypedDocumentString(`
    query McpTask($id: ID!) {
  task(id: $id) {
    id
    name
    description
    role
    status
    pendingReason
    errorMessage
    outputSummary
    plan
    agent
    attempt
    useOwnWorktree
    repositoryUrl
    targetBranch
    completionAction
    costUsd
    tokens
    durationSeconds
    timeLimitMinutes
    parent {
      id
      name
    }
    worktree {
      branch
      baseBranch
    }
    daemon {
      name
    }
  }
}
    `) as unknown as TypedDocumentString<McpTaskQuery, McpTaskQueryVariables>;
export const McpSpawnTaskDocument = new TypedDocumentString(`
    mutation McpSpawnTask($input: SpawnTaskInput!) {
  spawnTask(input: $input) {
    task {
      ...McpTaskState
      useOwnWorktree
      agent
    }
  }
}
    fragment McpTaskState on Task {
  id
  name
  status
  pendingReason
}`) as unknown as TypedDocumentString<McpSpawnTaskMutation, McpSpawnTaskMutationVariables>;
export const McpCheckpointsDocument = new TypedDocumentString(`
    query McpCheckpoints($taskId: ID!) {
  checkpoints(taskId: $taskId) {
    id
    number
    message
    commitSha
    filesChanged
    linesAdded
    linesRemoved
    createdAt
    task {
      name
    }
  }
}
    `) as unknown as TypedDocumentString<McpCheckpointsQuery, McpCheckpointsQueryVariables>;
export const McpQuestionsDocument = new TypedDocumentString(`
    query McpQuestions($contractId: ID!, $status: QuestionStatus) {
  questions(contractId: $contractId, status: $status) {
    ...McpQuestion
  }
}
    fragment McpQuestion on Question {
  id
  question
  status
  choices
  multiSelect
  context
  response
  createdAt
  expiresAt
  task {
    name
  }
}`) as unknown as TypedDocumentString<McpQuestionsQuery, McpQuestionsQueryVariables>;
export const McpPendingQuestionsDocument = new TypedDocumentString(`
    query McpPendingQuestions {
  pendingQuestions {
    ...McpQuestion
    contract {
      id
      name
    }
  }
}
    fragment McpQuestion on Question {
  id
  question
  status
  choices
  multiSelect
  context
  response
  createdAt
  expiresAt
  task {
    name
  }
}`) as unknown as TypedDocumentString<McpPendingQuestionsQuery, McpPendingQuestionsQueryVariables>;
export const ViewerDocument = new TypedDocumentString(`
    query Viewer {
  viewer {
    kind
    keyName
    serverVersion
    owner {
      id
      name
    }
    task {
      id
      name
      contract {
        id
      }
    }
    daemon {
      id
      name
    }
  }
}
    `) as unknown as TypedDocumentString<ViewerQuery, ViewerQueryVariables>;