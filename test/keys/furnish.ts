import type { Answer, Api } from '../support/api.ts';
import { type HandDaemon, openContract, spawn, untilStatus } from '../support/daemon.ts';

/** A contract with one of everything, whose every text carries a mark. */
export interface Furnished {
  readonly mark: string;
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
  readonly questionId: string;
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
    repositories: [{ localPath: `/repositories/${mark}`, isPrimary: true }],
  });
  const boss = await daemon.start(supervisorId, 1, `${mark} session`);
  await daemon.say(supervisorId, 1, 0, [`USER: ${mark} go`, `ASSISTANT: ${mark} going`]);
  await daemon.save(supervisorId, 1, boss.worktreeId, { message: `${mark} checkpoint` });
  await boss.agent.mutate('setDocument', { name: `${mark} document`, content: `${mark} text` }, '__typename');

  const more = { name: `${mark} task`, plan: `${mark} plan`, description: `${mark} description` };
  const workerId = await spawn(owner, contractId, more);
  const work = await daemon.start(workerId);
  const taskId = await spawn(owner, contractId, { ...more, parentTaskId: workerId });
  const task = await daemon.start(taskId);
  await daemon.append(taskId, 1, 0, [`${mark} line`]);
  await daemon.save(taskId, 1, task.worktreeId, { message: `${mark} checkpoint` });
  const finishedId = await spawn(owner, contractId, more);
  const finished = await daemon.start(finishedId);
  await daemon.report(finishedId, 1, 'DONE', { outputSummary: `${mark} summary` });
  const failedId = await spawn(owner, contractId, more);
  await daemon.start(failedId);
  await daemon.report(failedId, 1, 'FAILED', { errorMessage: `${mark} error` });

  const tasks = 'query($id: ID!) { tasks(contractId: $id, role: RED_TEAM) { nodes { id } } }';
  const [{ id: redTeamId }] = (await owner.ask(tasks, { id: contractId })).tasks.nodes;
  const redTeam = await daemon.start(redTeamId, 1, `${mark} session`);
  await redTeam.agent.mutate(
    'notifySupervisor',
    { message: `${mark} warning`, severity: 'HIGH' },
    '__typename',
  );

  await owner.mutate('sendMessage', { taskId, content: `${mark} message` }, '__typename');
  const ask = (question: string): Promise<Answer> =>
    boss.agent.mutate(
      'askQuestion',
      { question, choices: [`${mark} yes`], waitSeconds: 0 },
      'question { id }',
    );
  const answered = await ask(`${mark} answered?`);
  await owner.mutate(
    'answerQuestion',
    { questionId: answered.question.id, text: `${mark} answer` },
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
  return {
    mark,
    contractId,
    supervisorId,
    supervisor: boss.agent,
    workerId,
    worker: work.agent,
    redTeam: redTeam.agent,
    taskId,
    worktreeId: task.worktreeId,
    questionId: question.id,
    finished: finished.agent,
  };
}
