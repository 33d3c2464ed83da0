import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Answer, Api, eventually } from '../support/api.ts';
import { onEnd } from '../support/cleanup.ts';
import { git, Program, repository, temporaryDirectory } from '../support/processes.ts';
import { script } from './contract-script.ts';
import { installOpencode, opencodeEnvironment, pathWith } from './opencode.ts';
import { ScriptedModel } from './scripted-model.ts';

/*
 * A real coding agent as supervisor and as workers: opencode, over ACP, with the tools of `taskmesh mcp`. Real server,
 * real daemon, real repository; only the model is played. Nothing leaves the machine once opencode is installed.
 */
const directory = temporaryDirectory();
const home = join(directory, 'home');
mkdirSync(home);
const { bin, version } = await installOpencode(join(directory, 'opencode'));
const model = await ScriptedModel.start(script);
onEnd(() => model.close());

const dataDir = join(directory, 'data');
const serve = new Program(['serve', '--port', '0', '--data-dir', dataDir, '--log-level', 'warn']);
const [, url = ''] = await serve.printed(/GraphQL at (\S+)/);
const api = new Api(url, readFileSync(join(dataDir, 'key'), 'utf8').trim());
const path = repository(directory);

const { key } = await api.mutate('createKey', { kind: 'DAEMON', name: 'machine' }, 'key');
const profiles = join(directory, 'profiles.json');
const env = opencodeEnvironment(home, model.url);
// The first start after the installation reads its 180 MB from the disk.
const profile = { permissions: 'allow', env, startTimeoutSeconds: 300 };
writeFileSync(profiles, JSON.stringify({ opencode: profile }));
const flags = ['--server', url, '--local-path', directory, '--profiles', profiles];
const daemon = new Program(['daemon', ...flags, '--data-dir', join(directory, 'daemon')], {
  TASKMESH_DAEMON_KEY: key,
  PATH: pathWith(bin),
});
await daemon.printed(/connected/);

/** What is known of a task that should not have failed. */
async function storyOf(task: Answer): Promise<string> {
  const query = 'query($id: ID!) { taskOutput(taskId: $id, first: 500) { nodes { type content } } }';
  const { nodes } = (await api.ask(query, { id: task.id })).taskOutput;
  const said = nodes.map(({ type, content }: Answer) => `${type} ${content.slice(0, 300)}`);
  return [JSON.stringify(task), ...said, ...model.failures, daemon.output.slice(-3_000)].join('\n');
}

const TREE =
  'query($id: ID!) { contractTree(contractId: $id) { contract { status summary costUsd tokens } nodes { task { id name role status agent outputSummary errorMessage tokens worktree { branch } } } } }';

test('opencode runs a contract: two tasks, a question, merges, and the repository has the work', async () => {
  const input = {
    name: 'Greetings',
    agent: 'opencode',
    supervisorPlan: 'Have a greeting and a farewell written, and merge them.',
    repositories: [{ localPath: path, isPrimary: true }],
  };
  const { contract } = await api.mutate('createContract', input, 'contract { id }');
  const tree = async (): Promise<Answer> => (await api.ask(TREE, { id: contract.id })).contractTree;
  const question = await eventually(async () => {
    const { pendingQuestions } = await api.ask('{ pendingQuestions { id question choices } }');
    const { nodes } = await tree();
    const failed = nodes.find(({ task }: Answer) => task.status === 'FAILED');
    if (failed) throw new Error(await storyOf(failed.task));
    return pendingQuestions[0];
  }, 400_000);
  expect(question).toMatchObject({ question: 'Shall I merge both?', choices: ['yes', 'no'] });
  // As long as a person takes to think: longer than one call of a tool waits.
  await eventually(
    () => model.asked.some(({ past }) => past.some(({ tool }) => tool.endsWith('await_answer'))),
    90_000,
  );
  await api.mutate('answerQuestion', { questionId: question.id, choices: ['yes'] }, 'question { id }');

  const ended = await eventually(async () => {
    const now = await tree();
    const supervisor = now.nodes.find(({ task }: Answer) => task.role === 'SUPERVISOR');
    return now.contract.status === 'COMPLETED' && supervisor.task.status === 'DONE' && now;
  }, 120_000);
  expect(model.failures).toEqual([]);
  const tasks = ended.nodes.map(({ task }: Answer) => [task.name, task.status, task.outputSummary]);
  expect(tasks).toEqual([
    ['Supervisor', 'DONE', expect.any(String)],
    ['greeting', 'MERGED', 'Wrote greeting.txt'],
    ['farewell', 'MERGED', 'Wrote farewell.txt'],
  ]);
  expect(ended.contract).toMatchObject({ summary: 'Both files are there.' });
  const { branch } = ended.nodes[0].task.worktree;
  expect(git(path, 'show', `${branch}:greeting.txt`)).toBe('hello');
  expect(git(path, 'show', `${branch}:farewell.txt`)).toBe('goodbye');
  expect(git(path, 'log', '--format=%s', branch)).toContain('Add a farewell');
  expect(git(path, 'status', '--porcelain')).toBe('');
  console.log(`opencode ${version}: ${model.asked.length} requests to the model`);
});
