/** The task had to end before its agent was started. */
export class PreparationStoppedError extends Error {
  override readonly name = 'PreparationStoppedError';
  readonly code = 'INTERRUPTED';

  constructor() {
    super('The task was stopped before its agent was started.');
  }
}

/** There is no agent of that attempt here. */
export class NotRunningError extends Error {
  override readonly name = 'NotRunningError';
  readonly code = 'NOT_RUNNING';

  constructor(taskId: string) {
    super(`No agent of task ${taskId} runs on this daemon.`);
  }
}
