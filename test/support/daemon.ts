import { createHash, randomUUID } from 'node:crypto';
import { type Answer, type Api, eventually, type Subscription } from './api.ts';
import { onEnd } from './cleanup.ts';

const BEAT = 'mutation($input: HeartbeatDaemonInput!) { heartbeatDaemon(input: $input) { daemon { id } } }';

/**
 * A daemon driven by the test, command by command: a real client of the API with a daemon's key. What a daemon program
 * does by itself is tested with real processes in e2e/.
 */
export class HandDaemon {
  readonly api: Api;
  id = '';
  epoch = 0;
  commands!: Subscription;

  private constructor(api: Api) {
    this.api = api;
  }

  static async connect(
    owner: Api,
    options: { name?: string; max?: number; localPaths?: string[]; agents?: string[] } = {},
  ): Promise<HandDaemon> {
    const { key } = await owner.mutate('createKey', { kind: 'DAEMON', name: options.name ?? 'hand' }, 'key');
    const daemon = new HandDaemon(owner.as(key));
    await daemon.register(options);
    return daemon;
  }

  /** Gives signs of life from now on, so that a slow machine does not make it count as lost. */
  alive(): this {
    const beat = () => this.api.post(BEAT, { input: { epoch: this.epoch } }).catch(() => undefined);
    const timer = setInterval(() => void beat(), 2_000);
    onEnd(() => clearInterval(timer));
    return this;
  }

  async register(
    options: { name?: string; max?: number; localPaths?: string[]; agents?: string[] } = {},
  ): Promise<Answer> {
    const input = {
      name: options.name ?? 'hand',
      hostname: 'test',
      version: '0',
      agents: options.agents ?? ['shell'],
      localPaths: options.localPaths ?? ['/repositories'],
      maxConcurrentTasks: options.max ?? 10,
    };
    const payload = await this.api.mutate(
      'registerDaemon',
      input,
      'epoch daemon { id } tasks { task { id } attempt nextOutputIndex }',
    );
    this.id = payload.daemon.id;
    this.epoch = payload.epoch;
    this.commands = this.listen();
    return payload;
  }

  listen(): Subscription {
    return this.api.subscribe(
      'subscription($daemonId: ID!, $epoch: Int!) { daemonCommands(daemonId: $daemonId, epoch: $epoch) { id type attempt payload task { id } } }',
      { daemonId: this.id, epoch: this.epoch },
    );
  }

  /** The next command of a type for a task, once it has come. */
  async command(type: string, taskId: string, attempt?: number): Promise<Answer> {
    const fits = (command: Answer) =>
      command.type === type &&
      command.task?.id === taskId &&
      (attempt === undefined || command.attempt === attempt);
    const received = await this.commands.until((all) => all.some(fits));
    return received.findLast(fits);
  }

  accept(command: Answer): Promise<Answer> {
    return this.api.mutate(
      'acceptCommand',
      { commandId: command.id, epoch: this.epoch },
      'toolKey command { id }',
    );
  }

  complete(command: Answer, result: object = {}): Promise<Answer> {
    return this.api.mutate(
      'completeCommand',
      { commandId: command.id, epoch: this.epoch, result },
      'command { id }',
    );
  }

  fail(command: Answer, code: string, message: string): Promise<Answer> {
    const input = { commandId: command.id, epoch: this.epoch, error: { code, message } };
    return this.api.mutate('completeCommand', input, 'command { id }');
  }

  report(taskId: string, attempt: number, status: string, more: object = {}): Promise<Answer> {
    return this.api.mutate(
      'reportTask',
      { taskId, attempt, status, outputCount: 0, ...more },
      'task { id status }',
    );
  }

  /**
   * Takes a task's spawn on and reports it RUNNING.
   * @param sessionId that of an agent that has conversations
   * @returns the tool key of its agent
   */
  async start(
    taskId: string,
    attempt?: number,
    sessionId?: string,
  ): Promise<{ toolKey: string; attempt: number; command: Answer; agent: Api; worktreeId: string }> {
    const command = await this.command('SPAWN_TASK', taskId, attempt);
    const { toolKey } = await this.accept(command);
    const copy = command.payload.worktree;
    const worktree = copy && {
      id: copy.id,
      branch: copy.branch,
      path: `/copies/${copy.id}`,
      baseBranch: 'main',
      baseSha: '1'.repeat(40),
    };
    await this.report(taskId, command.attempt, 'RUNNING', { worktree, sessionId });
    await this.complete(command);
    return { toolKey, attempt: command.attempt, command, agent: this.api.as(toolKey), worktreeId: copy?.id };
  }

  /** Records a checkpoint of a working copy with some data. */
  async save(taskId: string, attempt: number, worktreeId: string, more: object = {}): Promise<Answer> {
    const uploadId = randomUUID();
    const data = Buffer.from(uploadId);
    const part = { taskId, attempt, uploadId, index: 0, data: data.toString('base64') };
    await this.api.mutate('uploadCheckpointPart', part, 'received');
    const record = {
      taskId,
      attempt,
      worktreeId,
      commitSha: createHash('sha1').update(uploadId).digest('hex'),
      baseSha: '1'.repeat(40),
      branch: 'b',
      message: 'saved',
      filesChanged: 1,
      linesAdded: 1,
      linesRemoved: 0,
      uploadId,
      parts: 1,
      bytes: data.length,
      ...more,
    };
    const { checkpoint } = await this.api.mutate(
      'recordCheckpoint',
      record,
      'checkpoint { id number commitSha }',
    );
    return checkpoint;
  }

  /** Sends entries of the output of an agent that has conversations: `USER: hello`, `ASSISTANT: hi`. */
  say(taskId: string, attempt: number, firstIndex: number, lines: readonly string[]): Promise<Answer> {
    const entries = lines.map((line) => {
      const [type, ...rest] = line.split(': ');
      return { type, content: rest.join(': '), createdAt: new Date().toISOString() };
    });
    return this.api.mutate('appendTaskOutput', { taskId, attempt, firstIndex, entries }, 'nextIndex stale');
  }

  append(taskId: string, attempt: number, firstIndex: number, lines: readonly string[]): Promise<Answer> {
    const entries = lines.map((content) => ({
      type: 'STDOUT',
      content,
      createdAt: new Date().toISOString(),
    }));
    return this.api.mutate('appendTaskOutput', { taskId, attempt, firstIndex, entries }, 'nextIndex stale');
  }

  async finish(taskId: string, attempt: number, status = 'DONE', outputCount = 0): Promise<void> {
    await this.report(taskId, attempt, status, { outputCount });
  }
}

/** Opens a contract on a repository that hand-driven daemons allow. */
export async function openContract(
  owner: Api,
  more: object = {},
): Promise<{ contractId: string; supervisorId: string }> {
  const input = {
    name: 'Contract',
    supervisorPlan: 'supervise',
    repositories: [{ localPath: '/repositories/one', isPrimary: true }],
    ...more,
  };
  const { contract, supervisor } = await owner.mutate(
    'createContract',
    input,
    'contract { id } supervisor { id }',
  );
  return { contractId: contract.id, supervisorId: supervisor?.id };
}

export async function spawn(api: Api, contractId: string, more: object = {}): Promise<string> {
  const input = { contractId, name: 'Task', plan: 'work', useOwnWorktree: true, ...more };
  const { task } = await api.mutate('spawnTask', input, 'task { id }');
  return task.id;
}

export async function statusOf(api: Api, taskId: string): Promise<string> {
  const { task } = await api.ask('query($id: ID!) { task(id: $id) { status } }', { id: taskId });
  return task.status;
}

export function untilStatus(api: Api, taskId: string, status: string): Promise<true> {
  return eventually(async () => (await statusOf(api, taskId)) === status && true);
}

/** Reads a task's inbox as our clients do: what has arrived is acknowledged. */
export async function readInbox(agent: Api, timeoutSeconds = 0): Promise<Answer[]> {
  const query = 'query($seconds: Int) { inbox(timeoutSeconds: $seconds) { number sender content } }';
  const { inbox } = await agent.ask(query, { seconds: timeoutSeconds });
  const last = inbox.at(-1);
  if (last) await agent.mutate('acknowledgeMessages', { upTo: last.number }, 'acknowledged');
  return inbox;
}
