import type { Command } from 'commander';
import type { Cli } from './cli.ts';

/** A command's file: describes its arguments and help, and says what it does. */
export interface CommandModule {
  register(command: Command, cli: Cli): void;
}

interface Named {
  readonly name: string;
  readonly summary: string;
}
interface Loaded {
  readonly load: () => Promise<CommandModule>;
}
interface Group {
  readonly commands: Entry[];
}
/** A command, a group of commands, or a command that has others below it. */
export type Entry = Named & (Loaded | Group | (Loaded & Group));

/** Every command: its name, one line about it, and the file that is loaded when it is called. */
export const COMMANDS: Entry[] = [
  {
    name: 'up',
    summary: 'start the server with its own database, and a daemon beside it',
    load: () => import('./commands/up.ts'),
  },
  { name: 'serve', summary: 'start the server alone', load: () => import('./commands/serve.ts') },
  {
    name: 'daemon',
    summary: 'make this machine a worker',
    load: () => import('./commands/daemon/run.ts'),
    commands: [
      {
        name: 'gc',
        summary: 'free the disk of a daemon that is not running',
        load: () => import('./commands/daemon/gc.ts'),
      },
    ],
  },
  {
    name: 'daemons',
    summary: 'your worker machines: list, drain, remove',
    commands: [
      { name: 'list', summary: 'list worker machines', load: () => import('./commands/daemons/list.ts') },
      {
        name: 'drain',
        summary: 'have a machine take nothing new',
        load: () => import('./commands/daemons/drain.ts'),
      },
      {
        name: 'remove',
        summary: 'take a machine out of service for good',
        load: () => import('./commands/daemons/remove.ts'),
      },
    ],
  },
  { name: 'migrate', summary: 'bring the database up to date', load: () => import('./commands/migrate.ts') },
  {
    name: 'prune',
    summary: 'delete the logs of contracts that ended long ago',
    load: () => import('./commands/prune.ts'),
  },
  {
    name: 'doctor',
    summary: 'look whether this machine has what it takes',
    load: () => import('./commands/doctor.ts'),
  },
  {
    name: 'keys',
    summary: 'who may come in: keys for people and daemons, identities',
    commands: [
      { name: 'create', summary: 'make a key', load: () => import('./commands/keys/create.ts') },
      { name: 'list', summary: 'list keys, newest first', load: () => import('./commands/keys/list.ts') },
      {
        name: 'rotate',
        summary: 'put another key in the place of one',
        load: () => import('./commands/keys/rotate.ts'),
      },
      { name: 'revoke', summary: 'take a key away', load: () => import('./commands/keys/revoke.ts') },
      {
        name: 'link',
        summary: 'let somebody in by the identity provider',
        load: () => import('./commands/keys/link.ts'),
      },
      {
        name: 'unlink',
        summary: 'let somebody in by the identity provider no more',
        load: () => import('./commands/keys/unlink.ts'),
      },
      {
        name: 'identities',
        summary: 'list who comes in by the identity provider',
        load: () => import('./commands/keys/identities.ts'),
      },
    ],
  },
  {
    name: 'contract',
    summary: 'pieces of work: create, look at, watch, change, complete',
    commands: [
      {
        name: 'create',
        summary: 'open a contract and start its supervisor',
        load: () => import('./commands/contract/create.ts'),
      },
      {
        name: 'list',
        summary: 'list contracts, newest first',
        load: () => import('./commands/contract/list.ts'),
      },
      { name: 'show', summary: 'show a contract', load: () => import('./commands/contract/show.ts') },
      {
        name: 'tree',
        summary: 'show the tasks of a contract as a tree',
        load: () => import('./commands/contract/tree.ts'),
      },
      {
        name: 'watch',
        summary: 'follow all that happens in a contract',
        load: () => import('./commands/contract/watch.ts'),
      },
      {
        name: 'complete',
        summary: 'complete a contract',
        load: () => import('./commands/contract/complete.ts'),
      },
      {
        name: 'update',
        summary: 'change a contract',
        load: () => import('./commands/contract/update.ts'),
      },
      {
        name: 'phase',
        summary: 'move a contract to another phase',
        load: () => import('./commands/contract/phase.ts'),
      },
      {
        name: 'repository',
        summary: 'the git repositories of a contract',
        commands: [
          {
            name: 'add',
            summary: 'add a repository',
            load: () => import('./commands/contract/repository/add.ts'),
          },
          {
            name: 'remove',
            summary: 'remove a repository',
            load: () => import('./commands/contract/repository/remove.ts'),
          },
        ],
      },
      {
        name: 'resume',
        summary: 'start the supervisor again',
        load: () => import('./commands/contract/resume.ts'),
      },
      {
        name: 'rewind',
        summary: 'take the conversation of the supervisor back',
        load: () => import('./commands/contract/rewind.ts'),
      },
      {
        name: 'conversation',
        summary: 'show what the supervisor was told and said',
        load: () => import('./commands/contract/conversation.ts'),
      },
      {
        name: 'history',
        summary: 'show who did what, and from where',
        load: () => import('./commands/contract/history.ts'),
      },
      {
        name: 'archive',
        summary: 'put a completed contract away',
        load: () => import('./commands/contract/archive.ts'),
      },
      {
        name: 'delete',
        summary: 'delete an archived contract',
        load: () => import('./commands/contract/delete.ts'),
      },
    ],
  },
  {
    name: 'task',
    summary: 'runs of agents: spawn, follow, steer, merge',
    commands: [
      {
        name: 'list',
        summary: 'list the tasks of a contract',
        load: () => import('./commands/task/list.ts'),
      },
      { name: 'show', summary: 'show a task', load: () => import('./commands/task/show.ts') },
      {
        name: 'spawn',
        summary: 'start a task in a contract',
        load: () => import('./commands/task/spawn.ts'),
      },
      { name: 'wait', summary: 'wait until tasks have ended', load: () => import('./commands/task/wait.ts') },
      {
        name: 'output',
        summary: 'show or follow what a task says',
        load: () => import('./commands/task/output.ts'),
      },
      { name: 'diff', summary: 'show what a task changed', load: () => import('./commands/task/diff.ts') },
      {
        name: 'file',
        summary: 'show a file of the working copy of a task',
        load: () => import('./commands/task/file.ts'),
      },
      { name: 'cancel', summary: 'stop a task', load: () => import('./commands/task/cancel.ts') },
      {
        name: 'pause',
        summary: 'hold a running task',
        load: () => import('./commands/task/pause.ts'),
      },
      {
        name: 'resume',
        summary: 'let a paused task go on',
        load: () => import('./commands/task/resume.ts'),
      },
      {
        name: 'retry',
        summary: 'start a task again that failed or was cancelled',
        load: () => import('./commands/task/retry.ts'),
      },
      {
        name: 'send',
        summary: 'send a message to the agent of a task',
        load: () => import('./commands/task/send.ts'),
      },
      {
        name: 'merge',
        summary: 'merge the branch of a task',
        load: () => import('./commands/task/merge.ts'),
      },
      {
        name: 'checkpoint',
        summary: 'save the working copy of a task',
        load: () => import('./commands/task/checkpoint.ts'),
      },
      {
        name: 'checkpoints',
        summary: 'list what was saved of a task',
        load: () => import('./commands/task/checkpoints.ts'),
      },
    ],
  },
  {
    name: 'question',
    summary: 'what supervisors ask you',
    commands: [
      {
        name: 'list',
        summary: 'list questions, first of all those that wait for an answer',
        load: () => import('./commands/question/list.ts'),
      },
      { name: 'answer', summary: 'answer a question', load: () => import('./commands/question/answer.ts') },
      {
        name: 'withdraw',
        summary: 'take a question back',
        load: () => import('./commands/question/withdraw.ts'),
      },
      {
        name: 'watch',
        summary: 'show questions as they are asked',
        load: () => import('./commands/question/watch.ts'),
      },
    ],
  },
  {
    name: 'document',
    summary: 'the texts of a contract: specification, plan …',
    commands: [
      {
        name: 'list',
        summary: 'list the documents of a contract',
        load: () => import('./commands/document/list.ts'),
      },
      { name: 'show', summary: 'show a document', load: () => import('./commands/document/show.ts') },
      {
        name: 'set',
        summary: 'write a document',
        load: () => import('./commands/document/set.ts'),
      },
    ],
  },
  {
    name: 'supervisor',
    summary: 'for agents and scripts: run a contract with the key of the environment',
    commands: [
      {
        name: 'spawn',
        summary: 'start a task; prints its id',
        load: () => import('./commands/supervisor/spawn.ts'),
      },
      { name: 'wait', summary: 'wait until tasks have ended', load: () => import('./commands/task/wait.ts') },
      {
        name: 'ask',
        summary: 'ask the person; prints the answer',
        load: () => import('./commands/supervisor/ask.ts'),
      },
      {
        name: 'inbox',
        summary: 'read the messages to this supervisor',
        load: () => import('./commands/supervisor/inbox.ts'),
      },
      { name: 'read', summary: 'show what a task said', load: () => import('./commands/task/output.ts') },
      { name: 'diff', summary: 'show what a task changed', load: () => import('./commands/task/diff.ts') },
      {
        name: 'file',
        summary: 'show a file of the working copy of a task',
        load: () => import('./commands/task/file.ts'),
      },
      {
        name: 'merge',
        summary: 'merge the branch of a task',
        load: () => import('./commands/task/merge.ts'),
      },
      {
        name: 'branch',
        summary: 'make a branch in the own working copy and the repository',
        load: () => import('./commands/supervisor/branch.ts'),
      },
      {
        name: 'pr',
        summary: 'push a branch and open a pull request; prints its URL',
        load: () => import('./commands/supervisor/pr.ts'),
      },
      {
        name: 'checkpoint',
        summary: 'save a working copy, by default the own',
        load: () => import('./commands/task/checkpoint.ts'),
      },
      {
        name: 'phase',
        summary: 'move the contract to another phase',
        load: () => import('./commands/supervisor/phase.ts'),
      },
      {
        name: 'document',
        summary: 'write a document of the contract',
        load: () => import('./commands/supervisor/document.ts'),
      },
      {
        name: 'complete',
        summary: 'complete the contract',
        load: () => import('./commands/supervisor/complete.ts'),
      },
    ],
  },
  {
    name: 'red-team',
    summary: 'for the red team of a contract',
    commands: [
      {
        name: 'notify',
        summary: 'warn the supervisor',
        load: () => import('./commands/red-team/notify.ts'),
      },
    ],
  },
  {
    name: 'finish',
    summary: 'for agents: say that the own task is done, or failed',
    load: () => import('./commands/finish.ts'),
  },
  {
    name: 'mcp',
    summary: 'the same for coding agents, as tools over the Model Context Protocol',
    load: () => import('./commands/mcp.ts'),
  },
  {
    name: 'demo',
    summary: 'show a contract from start to end on this machine',
    load: () => import('./commands/demo.ts'),
  },
];
