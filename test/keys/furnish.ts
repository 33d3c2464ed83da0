import type { Answer, Api } from '../support/api.ts';
import { type HandDaemon, openContract, spawn, untilStatus } from '../support/daemon.ts';

/** A contract with one of everything, whose every text carries a mark. */
export interface Furnished {
  readonly mark: string;
  readonly owner: Api;
  readonly contractId: string;
  readonly supervisorId: string;
  readonly supervisor: Api;
  /** A running work task, whose agent calls. */
  readonly workerId: string;
  readonly worker: Api;
  readonly redTeam: Api;
  /** Another running work task, with output, a checkpoint and a message. */
  readonly taskId: string;
  readonly worktreeId: string;
  readonly finishedId: string;
  readonly questionId: string;
  /** Of the owner, and of no use but to be named. */
  readonly keyId: string;
  readonly finished: Api;
}

/**
 * Opens a contract and lets everything happen in it once: tasks of every role, output, a conversation, checkpoints, a
 * merge that conflicts, messages, questions, documents, a warning of the red team.
 */
export async function furnish(owner: Api, daemon: HandDaemon, mark: string): Promise<Furnished> {
  const { contractId, supervisorId } = await openContract(owner, {
    name: `${mark} contract`,
    description: `${mark} description`,
    supervisorPlan: `${mark} plan`,
    redTeamEnabled: true,
    redTeamPrompt: `${mark} criteria`,
    budgetUsd: 100,
    repositories: [
      { localPath: `/repositories/${mark}`, isPrimary: true },
      { url: `https://example.com/${mark}.git`, baseBranch: `${mark}` },
    ],
  });
  const boss = await daemon.start(supervisorId, 1, `${mark} session`);
  await daemon.say(supervisorId, 1, 0, [`USER: ${mark} go`, `ASSISTANT: ${mark} going`]);
  await daemon.save(supervisorId, 1, boss.worktreeId, { message: `${mark} checkpoint` });
  await boss.agent.mutate(
    'setDocument',
    { name: `${mark} document`, content: `${mark} text`, phase: 'PLAN' },
    '__typename',
  );

  const more = {
    name: `${mark} task`,
    plan: `${mark} plan`,
    description: `${mark} description`,
    baseBranch: `${mark}-base`,
    targetBranch: `${mark}-target`,
    targetRepoPath: `/repositories/${mark}-target`,
    copyFiles: [`${mark}.env`],
    timeLimitMinutes: 600,
  };
  const workerId = await spawn(owner, contractId, more);
  const work = await daemon.start(workerId);
  const taskId = await spawn(owner, contractId, { ...more, parentTaskId: workerId });
  const task = await daemon.start(taskId);
  await daemon.append(taskId, 1, 0, [`${mark} line`]);
  const call = {
    type: 'TOOL_CALL',
    content: `${mark} call`,
    messageId: `${mark}-1`,
    toolName: `${mark} tool`,
    toolInput: { path: `${mark}.txt` },
    costUsd: 0.01,
    durationMs: 5,
    createdAt: new Date().toISOString(),
  };
  await daemon.api.mutate(
    'appendTaskOutput',
    { taskId, attempt: 1, firstIndex: 1, entries: [call] },
    '__typename',
  );
  await daemon.save(taskId, 1, task.worktreeId, { message: `${mark} checkpoint` });
  const finishedId = await spawn(owner, contractId, {
    ...more,
    branchedFromTaskId: taskId,
    baseBranch: null,
  });
  const finished = await daemon.start(finishedId);
  await daemon.report(finishedId, 1, 'DONE', { outputSummary: `${mark} summary` });
  const failedId = await spawn(owner, contractId, { ...more, continueFromTaskId: taskId, baseBranch: null });
  await daemon.start(failedId);
  await daemon.report(failedId, 1, 'FAILED', { errorMessage: `${mark} error` });

  const tasks = 'query($id: ID!) { tasks(contractId: $id, role: RED_TEAM) { nodes { id } } }';
  const [{ id: redTeamId }] = (await owner.ask(tasks, { id: contractId })).tasks.nodes;
  const redTeam = await daemon.start(redTeamId, 1, `${mark} session`);
  await redTeam.agent.mutate(
    'notifySupervisor',
    { message: `${mark} warning`, severity: 'HIGH', taskId, file: `${mark}.txt`, context: `${mark} context` },
    '__typename',
  );

  await owner.mutate('sendMessage', { taskId, content: `${mark} message` }, '__typename');
  const ask = (question: string): Promise<Answer> =>
    boss.agent.mutate(
      'askQuestion',
      { question, choices: [`${mark} yes`], context: `${mark} context`, waitSeconds: 0 },
      'question { id }',
    );
  const answered = await ask(`${mark} answered?`);
  await owner.mutate(
    'answerQuestion',
    { questionId: answered.question.id, choices: [`${mark} yes`] },
    '__typename',
  );
  // Else it would become a message after a while.
  await boss.agent.mutate('acknowledgeAnswer', { questionId: answered.question.id }, '__typename');
  const { question } = await ask(`${mark} question?`);

  const merging = owner.mutate('mergeTask', { taskId: finishedId }, 'outcome');
  const merge = await daemon.command('MERGE_TASK', finishedId);
  await daemon.accept(merge);
  await daemon.complete(merge, {
    outcome: 'CONFLICT',
    commitSha: null,
    message: `${mark} merge`,
    conflicts: [
      { path: `${mark}.txt`, kind: 'content', hunks: [`${mark} hunk`], oursCommit: null, theirsCommit: null },
    ],
  });
  await merging;
  await untilStatus(owner, taskId, 'RUNNING');
  const spare = await owner.mutate(
    'createKey',
    { kind: 'USER', name: `${mark} key`, expiresAt: '2100-01-01T00:00:00Z' },
    'record { id }',
  );
  return {
    mark,
    owner,
    contractId,
    supervisorId,
    supervisor: boss.agent,
    workerId,
    worker: work.agent,
    redTeam: redTeam.agent,
    taskId,
    worktreeId: task.worktreeId,
    finishedId,
    questionId: question.id,
    keyId: spare.record.id,
    finished: finished.agent,
  };
}
