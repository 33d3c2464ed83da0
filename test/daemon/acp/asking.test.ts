import { beforeAll, describe, expect, it } from 'vitest';
import { AcpWorld } from './world.ts';

let world: AcpWorld;

beforeAll(async () => {
  world = await AcpWorld.start();
  await world.daemon('machine', {
    ask: world.profile('', { permissions: 'ask' }),
    allow: world.profile('', { permissions: 'allow' }),
    deny: world.profile('', { permissions: 'deny' }),
  });
}, 120_000);

describe.concurrent('a request for permission', { timeout: 120_000 }, () => {
  it.each([
    [
      'allow',
      ['a', 'b | reject_once allow_always', 'c | reject_once'],
      ['option allow_once', 'option allow_always', 'cancelled'],
      'Allowed',
    ],
    [
      'deny',
      ['a', 'b | allow_once reject_always', 'c | allow_once'],
      ['option reject_once', 'option reject_always', 'cancelled'],
      'Refused',
    ],
  ])('is answered by a profile with %s, by the least that is enough', async (agent, asked, answers, word) => {
    const id = await world.work(agent, asked.map((each) => `> permission ${each}`).join('\n'));
    await world.until(id, 'DONE');
    expect(await world.said(id, 'ASSISTANT')).toEqual(answers.map((answer) => `permission: ${answer}`));
    expect(await world.said(id, 'SYSTEM')).toEqual(
      ['a', 'b', 'c'].map((title) => `${word}, as the agent's profile says: ${title}`),
    );
    expect(await world.said(id, 'TOOL_CALL')).toEqual(['a', 'b', 'c']);
  });

  it('is put to the person by a profile with ask, and the choice taken goes back to the agent', async () => {
    const id = await world.work('ask', '> permission rm -rf x');
    const question = await world.question(id);
    expect(question).toMatchObject({
      question: 'The agent asks for permission: rm -rf x',
      choices: ['Yes', 'Always', 'No'],
      context: expect.stringContaining('"command": "rm -rf x"'),
      questionType: 'PERMISSION',
      multiSelect: false,
    });
    expect(await world.said(id, 'SUPERVISOR_QUESTION')).toEqual([question.question]);
    await world.answer(question.id, { choices: ['Always'] });
    await world.until(id, 'DONE');
    expect(await world.said(id, 'ASSISTANT')).toEqual(['permission: option allow_always']);
  });

  it('answered in other words is refused, and the words are told to the agent', async () => {
    const id = await world.work('ask', '1> permission rm');
    const question = await world.question(id);
    await world.answer(question.id, { text: '> say better so' });
    await world.until(id, 'DONE');
    const log = (await world.output(id)).map(({ type, content }) => `${type} ${content}`);
    expect(log).toEqual([
      expect.stringMatching(/^USER .*Your task/s),
      'TOOL_CALL rm',
      'SUPERVISOR_QUESTION The agent asks for permission: rm',
      'SYSTEM Refused, since none of the choices was taken: rm',
      'ASSISTANT permission: option reject_once',
      'RESULT The turn ended. (end_turn)',
      expect.stringMatching(/USER .*You asked for permission: rm\nThe person answered: > say better so/s),
      'RESULT The turn ended. (end_turn)',
    ]);
  });

  it('is granted for the tools of the Taskmesh MCP server whatever the profile says', async () => {
    const id = await world.work('deny', '> own finish_task');
    await world.until(id, 'DONE');
    expect(await world.said(id, 'ASSISTANT')).toEqual(['own: yes']);
  });

  it('withdrawn by the person is no consent', async () => {
    const id = await world.work('ask', '> permission rm');
    const question = await world.question(id);
    await world.api.mutate('withdrawQuestion', { questionId: question.id }, 'question { id }');
    await world.until(id, 'DONE');
    expect(await world.said(id, 'ASSISTANT')).toEqual(['permission: option reject_once']);
  });
});

describe.concurrent('what an agent wants to know', { timeout: 120_000 }, () => {
  const form = (properties: object, required: string[] = Object.keys(properties)) =>
    `> elicit ${JSON.stringify({ type: 'object', properties, required })}`;

  /** Answers the questions of a task in turn. @returns what the agent got, and the questions */
  async function answered(plan: string, answers: { choices?: string[]; text?: string }[]) {
    const id = await world.work('allow', plan);
    const questions: { question: string; choices: string[]; multiSelect: boolean }[] = [];
    for (const answer of answers) {
      const question = await world.question(id);
      questions.push(question);
      await world.answer(question.id, answer);
    }
    await world.until(id, 'DONE');
    const got = (await world.said(id, 'ASSISTANT')).map((said) => JSON.parse(said.replace('elicited: ', '')));
    return { got, questions };
  }

  const FIELDS: [string, object, { choices?: string[]; text?: string }, unknown][] = [
    ['a text', { type: 'string' }, { text: 'blue' }, 'blue'],
    ['one of several', { type: 'string', enum: ['x', 'y'] }, { choices: ['y'] }, 'y'],
    ['by its title', { type: 'string', oneOf: [{ const: 'x1', title: 'X' }] }, { text: ' x ' }, 'x1'],
    ['yes or no', { type: 'boolean' }, { choices: ['No'] }, false],
    ['a number', { type: 'number' }, { text: ' 2.5 ' }, 2.5],
    [
      'several',
      { type: 'array', items: { type: 'string', enum: ['x', 'y'] } },
      { choices: ['x', 'y'] },
      ['x', 'y'],
    ],
  ];

  it(`is put to the person: ${FIELDS.map(([what]) => what).join(', ')}`, async () => {
    const plan = FIELDS.map(([, field]) => form({ a: field })).join('\n');
    const { got, questions } = await answered(
      plan,
      FIELDS.map(([, , answer]) => answer),
    );
    expect(got).toEqual(FIELDS.map(([, , , value]) => ({ action: 'accept', content: { a: value } })));
    expect(questions.map(({ question }) => question)).toEqual(FIELDS.map(() => 'What now?'));
    expect(questions.map(({ multiSelect }) => multiSelect)).toEqual([
      false,
      false,
      false,
      false,
      false,
      true,
    ]);
  });

  it('is one question a field, and what need not be answered may be left out', async () => {
    const properties = {
      name: { type: 'string', title: 'Its name' },
      size: { type: 'integer', default: 3 },
      note: { type: 'string' },
    };
    const { got, questions } = await answered(form(properties, ['name']), [
      { text: 'it' },
      { choices: ['Leave this out'] },
      { choices: ['Leave this out'] },
    ]);
    expect(got).toEqual([{ action: 'accept', content: { name: 'it', size: 3 } }]);
    expect(questions.map(({ question }) => question)).toEqual([
      'What now?\n\nIts name',
      'What now?\n\nsize',
      'What now?\n\nnote',
    ]);
  });

  it('is asked again when what comes is no number, and declined when the person says so', async () => {
    const asked = form({ a: { type: 'integer' } });
    const { got, questions } = await answered(`${asked}\n${asked}`, [
      { text: 'many' },
      { text: '1.5' },
      { text: '7' },
      { choices: ['Decline'] },
    ]);
    expect(got).toEqual([{ action: 'accept', content: { a: 7 } }, { action: 'decline' }]);
    expect(questions[1]?.question).toContain('not a whole number');
  });

  it('may be that the person opens an address', async () => {
    const id = await world.work('allow', '> visit https://example.com/sign-in');
    const question = await world.question(id);
    expect(question.question).toContain('https://example.com/sign-in');
    await world.answer(question.id, { choices: ['I have opened it'] });
    await world.until(id, 'DONE');
    expect(await world.said(id, 'ASSISTANT')).toEqual(['visited: accept']);
  });
});
