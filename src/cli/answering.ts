import { createInterface } from 'node:readline/promises';
import type { QuestionDetailsFragment } from '../client/generated/graphql.ts';
import type { Terminal } from './cli.ts';
import { harmless, type Paint } from './style.ts';

export interface Answer {
  readonly choices?: string[];
  readonly text?: string;
}

type Asked = Pick<QuestionDetailsFragment, 'question' | 'choices' | 'context' | 'multiSelect'>;

/** A question with its numbered choices, as it stands above the prompt. */
export function questionText(question: Asked, paint: Paint): string {
  const lines = [paint('bold', harmless(question.question))];
  if (question.context) lines.push(harmless(question.context));
  question.choices.forEach((choice, index) => {
    lines.push(`  ${paint('cyan', String(index + 1))}  ${harmless(choice)}`);
  });
  return lines.join('\n');
}

/** Asks the person at the terminal until there is an answer: numbers or names of choices, or words of their own. */
export async function promptForAnswer(
  question: Asked,
  terminal: Terminal,
  paint: Paint,
  signal?: AbortSignal,
): Promise<Answer> {
  terminal.stdout.write(`\n${questionText(question, paint)}\n`);
  const prompt = createInterface({ input: terminal.stdin, output: terminal.stdout });
  // The prompt takes Ctrl-C for itself: pass it on to whoever handles it for the process.
  prompt.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    const many = question.multiSelect ? 'numbers, with commas between, ' : 'a number ';
    const label = question.choices.length > 0 ? `Your answer (${many}or your own words): ` : 'Your answer: ';
    for (;;) {
      const line = await prompt.question(paint('bold', label), signal ? { signal } : {});
      const answer = parseAnswer(line, question);
      if (answer) return answer;
    }
  } finally {
    prompt.close();
  }
}

/** What a typed line answers; null when it says nothing. */
export function parseAnswer(line: string, question: Pick<Asked, 'choices' | 'multiSelect'>): Answer | null {
  const typed = line.trim();
  if (typed === '') return null;
  const parts = question.multiSelect ? typed.split(',').map((part) => part.trim()) : [typed];
  const choices = parts.map((part) => choiceFor(part, question.choices));
  if (choices.every((choice) => choice !== undefined)) return { choices: [...new Set(choices)] };
  return { text: typed };
}

function choiceFor(typed: string, choices: readonly string[]): string | undefined {
  // A choice that is itself a number is meant by its name before its place.
  const named = choices.find((choice) => choice.toLowerCase() === typed.toLowerCase());
  return named ?? (/^\d+$/.test(typed) ? choices[Number(typed) - 1] : undefined);
}
