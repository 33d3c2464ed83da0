import type { Conversation, Past, Reply } from './scripted-model.ts';

/*
 * What the model says as a supervisor and as a worker. It sees what any model sees: what it was told, and what its
 * calls came to. Ids are read out of results, waits are taken up as their results say.
 */

const WORK = {
  greeting: 'Write a file greeting.txt that says hello, and commit nothing.',
  farewell: 'Write a file farewell.txt that says goodbye, and commit it.',
};

/** Decides by the first words of the briefing. */
export function script(conversation: Conversation): Reply {
  const { told, tools } = conversation;
  // A request for a title, or the like, has no tools.
  if (tools.length === 0) return 'A title';
  if (told.includes('You are the supervisor of a Taskmesh contract')) return supervise(conversation);
  if (told.includes('You work on one task of a Taskmesh contract')) return work(conversation);
  throw new Error(`nothing of Taskmesh was told: ${told.slice(0, 500)}`);
}

function supervise(conversation: Conversation): Reply {
  const { past } = conversation;
  const call = calling(conversation);
  const tasks = resultsOf(past, 'spawn_task').map((result) => idIn(result, 'task'));
  const waits = resultsOf(past, 'wait_for_tasks');
  const answers = [...resultsOf(past, 'ask_question'), ...resultsOf(past, 'await_answer')];

  if (resultsOf(past, 'contract_tree').length === 0) return [call('contract_tree')];
  if (tasks.length === 0) {
    return Object.entries(WORK).map(([name, plan]) =>
      call('spawn_task', { name, plan, useOwnWorktree: true }),
    );
  }
  if (!waits.some((result) => says(result, 'done', 'true')))
    return [call('wait_for_tasks', { taskIds: tasks })];
  if (resultsOf(past, 'task_diff').length === 0) return tasks.map((taskId) => call('task_diff', { taskId }));
  if (answers.length === 0)
    return [call('ask_question', { question: 'Shall I merge both?', choices: ['yes', 'no'] })];
  const last = answers.at(-1) ?? '';
  if (says(last, 'outcome', 'PENDING')) {
    return [call('await_answer', { questionId: idIn(answers[0] ?? '', 'question') })];
  }
  if (!says(last, 'answer', 'yes')) throw new Error(`the person did not say yes: ${last}`);
  const merged = resultsOf(past, 'merge_task').filter((result) => says(result, 'outcome', 'MERGED'));
  const next = tasks[merged.length];
  if (next !== undefined) return [call('merge_task', { taskId: next })];
  if (resultsOf(past, 'complete_contract').length === 0)
    return [call('complete_contract', { summary: 'Both files are there.' })];
  return 'The contract is complete.';
}

function work(conversation: Conversation): Reply {
  const { past, told } = conversation;
  const call = calling(conversation);
  const isGreeting = told.includes(WORK.greeting);
  if (past.length === 0) {
    const command = isGreeting
      ? 'echo hello > greeting.txt'
      : 'echo goodbye > farewell.txt && git add farewell.txt && git -c user.name=Worker -c user.email=worker@example.com commit -q -m "Add a farewell"';
    return [{ tool: 'bash', args: { command, description: 'Writes the file' } }];
  }
  if (resultsOf(past, 'create_checkpoint').length === 0)
    return [call('create_checkpoint', { message: 'The file is written' })];
  if (resultsOf(past, 'finish_task').length === 0)
    return [call('finish_task', { summary: `Wrote ${isGreeting ? 'greeting.txt' : 'farewell.txt'}` })];
  return 'Done.';
}

/** Calls a tool of Taskmesh by the name under which the client offers it: with the name of the server in front. */
function calling({ tools }: Conversation) {
  return (name: string, args: Record<string, unknown> = {}) => {
    const tool = tools.find((offered) => offered === name || offered.endsWith(`_${name}`));
    if (!tool) throw new Error(`there is no tool ${name} among ${tools.join(', ')}`);
    return { tool, args };
  };
}

function resultsOf(past: readonly Past[], name: string): string[] {
  return past.filter(({ tool }) => tool === name || tool.endsWith(`_${name}`)).map(({ result }) => result);
}

function idIn(result: string, kind: string): string {
  const [id] = new RegExp(`\\b${kind}_[0-9a-z]{26}\\b`).exec(result) ?? [];
  if (!id) throw new Error(`no id of a ${kind} in: ${result}`);
  return id;
}

/** Whether a result, as text or as JSON, has a field with a value. */
function says(result: string, field: string, value: string): boolean {
  return new RegExp(`"?${field}"?: ?"?${value}\\b`).test(result);
}
