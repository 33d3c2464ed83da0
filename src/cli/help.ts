import { type Command, InvalidArgumentError } from 'commander';
import { EXIT_MEANINGS, type ExitCode } from './exit-codes.ts';

export interface Lesson {
  /** What the command does, in one to five lines. */
  readonly about: string;
  /** Command lines that work, without the `$`. `PATH` stands for the command's own name. */
  readonly examples: readonly string[];
  /** The exit codes that it may end with, beside 0, 2, 3 and 6; with its own words where those say more. */
  readonly exits?: { readonly [code in ExitCode]?: string };
}

/** Gives a command its help: what it is for, examples, exit codes. */
export function teach(command: Command, lesson: Lesson): Command {
  const path = pathOf(command);
  const exits: { [code in ExitCode]?: string } = { ...pick([0, 2, 3, 6]), ...lesson.exits };
  const lines = Object.entries(exits).map(([code, meaning]) => `  ${code}  ${meaning}`);
  const examples = lesson.examples.map((example) => `  $ ${example.replace('PATH', path)}`);
  return (
    command
      // Commander breaks the lines, by the width of the terminal.
      .description(lesson.about.replaceAll('\n', ' '))
      .addHelpText('after', `\nExamples:\n${examples.join('\n')}\n\nExit codes:\n${lines.join('\n')}`)
  );
}

/** `taskmesh task show`. */
export function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

function pick(codes: readonly ExitCode[]): { [code in ExitCode]?: string } {
  return Object.fromEntries(codes.map((code) => [code, EXIT_MEANINGS[code]]));
}

/** Parses an option's whole number, within bounds. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= min && value <= max && text.trim() !== '') return value;
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`It takes a whole number ${range}.`);
  };
}

/** Parses an option's amount of money, in US dollars. */
export function dollars(text: string): number {
  const value = Number(text.replace(/^\$/, ''));
  if (Number.isFinite(value) && value >= 0 && text.trim() !== '') return value;
  throw new InvalidArgumentError('It takes an amount of US dollars, such as 5 or 2.50.');
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Parses a time to come: `30m`, `12h`, `90d` from now, or a date. */
export function pointInTime(text: string): Date {
  const [, count, unit = ''] = /^(\d{1,6})([mhd])$/.exec(text.trim()) ?? [];
  const time = count ? Date.now() + Number(count) * (UNIT_MS[unit] ?? 0) : Date.parse(text);
  if (time > Date.now()) return new Date(time);
  throw new InvalidArgumentError('It takes a time to come: 30m, 12h, 90d, or a date such as 2027-01-31.');
}

/** Collects an option that may be given more than once. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/** Parses an option that takes one of the API's enum values, in any case and with `-` for `_`. */
export function oneOf<T extends string>(values: readonly T[]): (text: string) => T {
  return (text) => {
    const value = values.find((candidate) => candidate === text.toUpperCase().replaceAll('-', '_'));
    if (value !== undefined) return value;
    throw new InvalidArgumentError(
      `It takes one of ${values.map((candidate) => candidate.toLowerCase()).join(', ')}.`,
    );
  };
}
