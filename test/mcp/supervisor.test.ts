import { describe, expect, test } from 'vitest';
import { toolsFor } from '../../src/mcp/catalogue.ts';
import { type Answer, eventually } from '../support/api.ts';
import { HandDaemon, openContract, spawn, untilStatus } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { Tools } from './support/tools.ts';

/** Every tool of a supervisor, called as its agent would, against a server and a daemon that is driven by hand. */
const { api } = await startTestServer();
const daemon = (await HandDaemon.connect(api, { max: 100 })).alive();
const { contractId, supervisorId } = await openContract(api, { description: 'About dark mode' });
const supervisor = await daemon.start(supervisorId, 1, 'session');
const tools = await Tools.of(supervisor.agent);

async function done(more: object = {}, output: string[] = []): Promise<string> {
  const taskId = await spawn(api, contractId, more);
  const { attempt } = await daemon.start(taskId);
  if (output.length > 0) await daemon.append(taskId, attempt, 0, output);
  await daemon.report(taskId, attempt, 'DONE', { outputCount: output.length, outputSummary: 'Did it.' });
  return taskId;
}

const answered = new Set<string>();

/** Answers the next command of a type. */
async function completing(type: string, taskId: string, result: object): Promise<void> {
  const command = await eventually(async () => {
    const latest = await daemon.command(type, taskId);
    return !answered.has(latest.id) && latest;
  });
  answered.add(command.id);
  await daemon.accept(command);
  await daemon.complete(command, result);
}

test('spawn_task starts a task by all that was given, and says what to do next', async () => {
  const spawned = await tools.call('spawn_task', {
    name: 'Login',
    plan: 'Mend the login.\nTest it.',
    useOwnWorktree: true,
    description: 'for people',
    priority: 7,
    copyFiles: ['.env'],
    completionAction: 'MERGE',
    autonomousLoop: 2,
    timeLimitMinutes: 30,
    targetBranch: 'release',
  });
  expect(spawned).toMatchObject({ name: 'Login', useOwnWorktree: true, agent: 'shell' });
  expect(spawned.hint).toContain('wait_for_tasks');
  const query =
    'query($id: ID!) { task(id: $id) { plan priority copyFiles completionAction autonomousLoop timeLimitMinutes targetBranch parent { id } } }';
  expect((await api.ask(query, { id: spawned.taskId })).task).toEqual({
    plan: 'Mend the login.\nTest it.',
    priority: 7,
    copyFiles: ['.env'],
    completionAction: 'MERGE',
    autonomousLoop: 2,
    timeLimitMinutes: 30,
    targetBranch: 'release',
    parent: { id: supervisorId },
  });
  await tools.call('cancel_task', { taskId: spawned.taskId, reason: 'only a test' });
});

test('contract_tree shows the contract and each task, and which of them is the caller', async () => {
  const taskId = await done({ name: 'Shown' });
  const tree = await tools.call('contract_tree');
  expect(tree).toMatchObject({ contractId, status: 'ACTIVE', description: 'About dark mode', costUsd: 0 });
  expect(tree.repositories).toEqual([{ repository: '/repositories/one' }]);
  expect(tree.tasks[0]).toMatchObject({ taskId: supervisorId, role: 'SUPERVISOR', isYou: true });
  const shown = tree.tasks.find((task: Answer) => task.taskId === taskId);
  expect(shown).toMatchObject({ status: 'DONE', summary: 'Did it.', branchOfItsOwn: true });
  expect(shown).not.toHaveProperty('isYou');
});

test('show_task shows the plan and how it ended', async () => {
  const taskId = await done({ name: 'One', plan: 'First line\nSecond line' });
  const shown = await tools.call('show_task', { taskId });
  expect(shown).toMatchObject({ status: 'DONE', plan: 'First line\nSecond line', summary: 'Did it.' });
  expect(await tools.text('show_task', { taskId })).toContain('--- plan ---\nFirst line\nSecond line');
});

test('task_output joins the pieces of a message, and goes on from any place', async () => {
  const taskId = await spawn(api, contractId);
  await daemon.start(taskId, 1, 'talks');
  const piece = (content: string, isPartial: boolean) => ({
    type: 'ASSISTANT',
    content,
    messageId: 'm1',
    isPartial,
    createdAt: new Date().toISOString(),
  });
  const entries = [
    piece('Hello, ', true),
    piece('world.', false),
    { type: 'TOOL_CALL', toolName: 'bash', content: 'ls', createdAt: new Date().toISOString() },
    { type: 'TOOL_RESULT', content: 'x'.repeat(5_000), createdAt: new Date().toISOString(), isError: true },
  ];
  await daemon.api.mutate('appendTaskOutput', { taskId, attempt: 1, firstIndex: 0, entries }, 'nextIndex');
  const all = await tools.call('task_output', { taskId });
  const said = all.entries.map(({ type, text }: Answer) => [type, text.slice(0, 13)]);
  expect(said.slice(-3)).toEqual([
    ['ASSISTANT', 'Hello, world.'],
    ['TOOL_CALL', 'bash ls'],
    ['TOOL_RESULT (failed)', 'xxxxxxxxxxxxx'],
  ]);
  expect(all.entries.at(-1).text).toMatch(
    /\[cut here: 3000 more characters; maxCharsPerEntry .* after: \d+\]$/,
  );
  expect((await tools.call('task_output', { taskId, after: all.nextAfter })).entries).toEqual([]);
  const lastOne = await tools.call('task_output', { taskId, last: 1, maxCharsPerEntry: 6_000 });
  expect(lastOne.entries.map(({ text }: Answer) => text)).toEqual(['x'.repeat(5_000)]);
  const [first] = all.entries;
  const fromThere = await tools.call('task_output', {
    taskId,
    after: first.sequence - 1,
    maxCharsPerEntry: 100,
  });
  expect(fromThere.entries[0].sequence).toBe(first.sequence);
  await daemon.report(taskId, 1, 'FAILED', { outputCount: 4, errorMessage: 'It broke.' });
});

test('task_output gives a long output in parts that fit, none left out', async () => {
  const lines = Array.from({ length: 120 }, (_, index) => `${index} ${'y'.repeat(990)}`);
  const taskId = await done({}, lines);
  const read: string[] = [];
  for (let after = 0, parts = 0; parts < 12; parts += 1) {
    const part = await tools.call('task_output', { taskId, after });
    if (part.entries.length === 0) break;
    expect(JSON.stringify(part).length).toBeLessThan(25_000);
    read.push(...part.entries.map(({ text }: Answer) => text));
    after = part.nextAfter;
  }
  expect(read.filter((text) => lines.includes(text))).toEqual(lines);
  const latest = await tools.call('task_output', { taskId });
  expect(latest.entries.at(-1).text).toBe(lines.at(-1));
});

test('task_diff gives files and patch, a long one in pieces that make the whole', async () => {
  const taskId = await done();
  const patch = `diff --git a/ä b/ä\n${'+Grüße 🙂\n'.repeat(4_000)}`;
  const file = {
    path: 'ä',
    oldPath: null,
    status: 'ADDED',
    linesAdded: 4_000,
    linesRemoved: 0,
    binary: false,
  };
  const result = {
    patch,
    files: [file],
    linesAdded: 4_000,
    linesRemoved: 0,
    truncated: false,
    baseSha: '1'.repeat(40),
    headSha: '2'.repeat(40),
  };
  let whole = '';
  for (let offset: number | undefined = 0; offset !== undefined; ) {
    const [piece]: Answer[] = await Promise.all([
      tools.call('task_diff', { taskId, offset }),
      completing('GET_TASK_DIFF', taskId, result),
    ]);
    if (offset === 0) expect(piece.files).toEqual(['ä (added, +4000 -0)']);
    const marker = /\n\[cut here: \d+ of \d+ characters follow; go on with offset: (\d+)\]$/.exec(
      piece.patch,
    );
    expect(marker?.[1]).toBe(piece.nextOffset && String(piece.nextOffset));
    whole += marker ? piece.patch.slice(0, -marker[0].length) : piece.patch;
    offset = piece.nextOffset;
  }
  expect(whole).toBe(patch);
  const [files] = await Promise.all([
    tools.call('task_diff', { taskId, filesOnly: true }),
    completing('GET_TASK_DIFF', taskId, result),
  ]);
  expect(files).not.toHaveProperty('patch');
});

test.each([
  [{ exists: true, content: 'a\n', encoding: 'UTF8', size: 2 }, { content: 'a\n' }],
  [
    { exists: true, content: 'AAE=', encoding: 'BASE64', size: 2 },
    { size: 2, hint: expect.stringContaining('no text') },
  ],
  [{ exists: false, content: null, encoding: 'UTF8', size: 0 }, { exists: false }],
])('read_file shows text, and says what it does not show', async (file, shown) => {
  const taskId = await done();
  const [read] = await Promise.all([
    tools.call('read_file', { taskId, path: 'a.txt' }),
    completing('READ_FILE', taskId, { truncated: false, ...file }),
  ]);
  expect(read).toMatchObject({ path: 'a.txt', ...shown });
});

test('merge_task tells of a merge, and of a conflict as a result with its files', async () => {
  const taskId = await done();
  const conflict = {
    path: 'a.txt',
    kind: 'content',
    hunks: ['<<<<<<< ours\n=======\n>>>>>>> theirs'],
    oursCommit: null,
    theirsCommit: null,
  };
  const [conflicted] = await Promise.all([
    tools.call('merge_task', { taskId }),
    completing('MERGE_TASK', taskId, {
      outcome: 'CONFLICT',
      commitSha: null,
      message: 'It conflicts.',
      conflicts: [conflict],
    }),
  ]);
  expect(conflicted).toMatchObject({ outcome: 'CONFLICT', status: 'DONE' });
  expect(conflicted.conflicts).toMatchObject([{ path: 'a.txt', parts: conflict.hunks[0] }]);
  const [merged] = await Promise.all([
    tools.call('merge_task', { taskId, squash: true }),
    completing('MERGE_TASK', taskId, {
      outcome: 'MERGED',
      commitSha: 'c'.repeat(40),
      message: 'Merged.',
      conflicts: [],
    }),
  ]);
  expect(merged).toMatchObject({ outcome: 'MERGED', commitSha: 'c'.repeat(40), status: 'MERGED' });
});

test('create_checkpoint without a task saves the own working copy; list_checkpoints shows it', async () => {
  const saving = tools.call('create_checkpoint', { message: 'before the merge' });
  const command = await daemon.command('CREATE_CHECKPOINT', supervisorId);
  await daemon.accept(command);
  const { id } = await daemon.save(supervisorId, 1, supervisor.worktreeId, { message: 'before the merge' });
  await daemon.complete(command, { checkpointId: id, created: true });
  expect(await saving).toMatchObject({ done: true, created: true, checkpoint: { number: 1 } });
  expect(await tools.call('list_checkpoints', { taskId: supervisorId })).toMatchObject({
    checkpoints: [{ checkpointId: id, message: 'before the merge', madeFor: 'Supervisor' }],
  });
});

test('create_branch and create_pull_request give what they made', async () => {
  const [branch] = await Promise.all([
    tools.call('create_branch', { branchName: 'release/1' }),
    completing('CREATE_BRANCH', supervisorId, { branchName: 'release/1', commitSha: 'd'.repeat(40) }),
  ]);
  expect(branch).toEqual({ branchName: 'release/1', commitSha: 'd'.repeat(40), done: true });

  const remote = await openContract(api, {
    repositories: [{ url: 'https://github.com/a/b.git', isPrimary: true }],
  });
  const other = await daemon.start(remote.supervisorId, 1, 'session');
  const otherTools = await Tools.of(other.agent);
  const [pull] = await Promise.all([
    otherTools.call('create_pull_request', { branch: 'x', title: 'Add x' }),
    completing('CREATE_PULL_REQUEST', remote.supervisorId, {
      url: 'https://github.com/a/b/pull/7',
      number: 7,
      created: true,
    }),
  ]);
  expect(pull).toEqual({ url: 'https://github.com/a/b/pull/7', number: 7, created: true, done: true });
  expect(await tools.failure('create_pull_request', { branch: 'x', title: 'Add x' })).toMatch(
    /^LOCAL_ONLY: .*\n.*merge_task/s,
  );
  for (const name of otherTools.used) tools.used.add(name);
});

test('a task is paused, let go on, told something, cancelled and started again', async () => {
  const taskId = await spawn(api, contractId);
  const { attempt } = await daemon.start(taskId, 1, 'session');
  expect(await tools.call('send_message', { taskId, message: 'Use port 8080' })).toEqual({
    taskId,
    messageNumber: 1,
  });
  expect(await tools.call('pause_task', { taskId })).toMatchObject({ status: 'PAUSED' });
  expect(await tools.failure('retry_task', { taskId })).toMatch(/^INVALID_TRANSITION: .*\nshow_task/s);
  expect(await tools.call('resume_task', { taskId })).toMatchObject({ status: 'RUNNING' });
  const cancelled = await tools.call('cancel_task', { taskId });
  expect(cancelled).toMatchObject({ status: 'CANCELLING', hint: expect.stringContaining('wait_for_tasks') });
  await daemon.report(taskId, attempt, 'CANCELLED');
  await untilStatus(api, taskId, 'CANCELLED');
  expect(await tools.call('retry_task', { taskId })).toEqual({ taskId, status: 'PENDING' });
  await tools.call('cancel_task', { taskId });
});

test('documents are written, listed, and read in pieces', async () => {
  const content = `# Plan\n${'A line of the plan.\n'.repeat(1_500)}`;
  await tools.call('set_document', { name: 'plan', content, phase: 'plan' });
  expect((await tools.call('read_document')).documents).toMatchObject([
    { name: 'plan', phase: 'PLAN', characters: content.length },
  ]);
  const first = await tools.call('read_document', { name: 'plan' });
  const second = await tools.call('read_document', { name: 'plan', offset: first.nextOffset });
  const [head] = first.content.split('\n[cut here');
  expect(head + second.content).toBe(content);
  expect(await tools.failure('read_document', { name: 'spec' })).toBe(
    'There is no document spec. There is: plan.',
  );
});

test('set_phase takes a phase in any letters', async () => {
  expect(await tools.call('set_phase', { phase: 'execute' })).toEqual({ phase: 'EXECUTE' });
});

describe('a question', () => {
  test('is asked and answered in one call', async () => {
    const asking = tools.call('ask_question', { question: 'Merge now?', choices: ['yes', 'no'] });
    const question = await eventually(
      async () => (await api.ask('{ pendingQuestions { id } }')).pendingQuestions[0],
    );
    await api.mutate('answerQuestion', { questionId: question.id, choices: ['yes'] }, 'question { id }');
    expect(await asking).toEqual({ outcome: 'ANSWERED', questionId: question.id, answer: 'yes' });
    const listed = await tools.call('list_questions', { status: 'ANSWERED' });
    expect(listed.questions).toMatchObject([{ question: 'Merge now?', answer: 'yes' }]);
  });

  test('that nobody answers in its time is no yes', async () => {
    const asked = await tools.call('ask_question', { question: 'Delete it all?', timeoutSeconds: 1 });
    expect(asked).toMatchObject({ outcome: 'TIMED_OUT', hint: expect.stringContaining('not a yes') });
    expect(asked).not.toHaveProperty('answer');
  });

  test('that does not block comes back at once, is answered by a message, and can be withdrawn', async () => {
    const ask = () => tools.call('ask_question', { question: 'Which port?', nonBlocking: true });
    const { questionId, outcome } = await ask();
    expect(outcome).toBe('PENDING');
    await api.mutate('answerQuestion', { questionId, text: '8080' }, 'question { id }');
    const { messages } = await tools.call('read_messages');
    expect(messages).toMatchObject([{ from: 'PERSON', content: expect.stringContaining('8080') }]);
    await eventually(async () => (await tools.call('read_messages')).messages.length === 0);
    const again = await ask();
    expect(again.questionId).not.toBe(questionId);
    expect(await tools.call('withdraw_question', { questionId: again.questionId })).toMatchObject({
      status: 'WITHDRAWN',
    });
  });
});

test('complete_contract is refused while tasks run, with what to do; then it ends the contract', async () => {
  const taskId = await spawn(api, contractId);
  await daemon.start(taskId);
  expect(await tools.failure('complete_contract', { summary: 'x' })).toMatch(
    /^TASKS_RUNNING: .*\n.*wait_for_tasks.*cancelTasks/s,
  );
  const waiting = tools.call('wait_for_tasks', { taskIds: [taskId] });
  await daemon.finish(taskId, 1);
  expect(await waiting).toMatchObject({ done: true, tasks: [{ taskId, status: 'DONE', completed: true }] });
  expect(await tools.call('await_answer', { questionId: await answeredQuestion() })).toMatchObject({
    outcome: 'ANSWERED',
    answer: 'as you like',
  });
  expect(await tools.call('complete_contract', { summary: 'All done' })).toMatchObject({
    status: 'COMPLETED',
    hint: expect.stringContaining('end your turn'),
  });
  expect([...tools.used].sort()).toEqual([...toolsFor('SUPERVISOR').keys()].sort());
});

async function answeredQuestion(): Promise<string> {
  const asked = await supervisor.agent.mutate(
    'askQuestion',
    { question: 'Why?', waitSeconds: 0 },
    'question { id }',
  );
  await api.mutate(
    'answerQuestion',
    { questionId: asked.question.id, text: 'as you like' },
    'question { id }',
  );
  return asked.question.id;
}
