import { type Logger, pino } from 'pino';

export type { Logger };

/** JSON lines on stdout. Keys are cut out wherever an object that is logged carries them. */
export function createLogger(level: string): Logger {
  return pino({
    level,
    redact: {
      paths: ['key', 'toolKey', 'authorization', '*.key', '*.toolKey', '*.authorization'],
      censor: '[redacted]',
    },
  });
}
