import { stripVTControlCharacters, styleText } from 'node:util';
import type { TaskStatus } from '../client/generated/graphql.ts';
import type { Screen } from './cli.ts';

type Format = Parameters<typeof styleText>[0];
export type Paint = (format: Format, text: string) => string;

/** Colours for a terminal that shows them, and plain text for everything else (a pipe, a file, NO_COLOR). */
export function painter(screen: Screen): Paint {
  const coloured = screen.isTTY === true && screen.hasColors?.() !== false;
  return (format, text) => (coloured ? styleText(format, text, { validateStream: false }) : text);
}

const STATUS_COLOURS: Readonly<Record<TaskStatus, Format>> = {
  PENDING: 'gray',
  STARTING: 'cyan',
  RUNNING: 'cyan',
  PAUSED: 'yellow',
  WAITING: 'yellow',
  INTERRUPTED: 'magenta',
  CANCELLING: 'yellow',
  CANCELLED: 'gray',
  DONE: 'green',
  FAILED: 'red',
  MERGED: 'green',
};

export function paintStatus(status: TaskStatus, paint: Paint): string {
  return paint(STATUS_COLOURS[status] ?? 'reset', status);
}

const TASK_COLOURS: readonly Format[] = [
  'cyan',
  'magenta',
  'yellow',
  'green',
  'blue',
  'cyanBright',
  'magentaBright',
  'yellowBright',
];

/** The same task always gets the same colour, in the order in which tasks were first seen. */
export function taskColour(position: number): Format {
  return TASK_COLOURS[position % TASK_COLOURS.length] as Format;
}

/**
 * Text of others for a terminal: without the control characters that would move the cursor, set the title or write
 * to the clipboard.
 */
export function harmless(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return stripVTControlCharacters(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}

/** `0.8 s`, `12 s`, `3 m 05 s`, `1 h 02 m`; a dash when it has none. */
export function duration(seconds: number | null): string {
  if (seconds === null) return '–';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} m ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} m`;
}

/** `$0.42`, `$12`; with a limit `$0.42 of $5`. Cents of cents are not shown, but never as nothing. */
export function money(usd: number, limitUsd: number | null = null): string {
  const amount = (value: number) => {
    if (value > 0 && value < 0.005) return '<$0.01';
    return `$${Number.isInteger(value) ? value : value.toFixed(2)}`;
  };
  return limitUsd === null ? amount(usd) : `${amount(usd)} of ${amount(limitUsd)}`;
}

/** `950`, `12k`, `3.4M`. */
export function shortCount(count: number): string {
  if (count < 1_000) return String(count);
  if (count < 999_500) return `${Math.round(count / 1_000)}k`;
  return `${(count / 1_000_000).toFixed(1)}M`;
}
