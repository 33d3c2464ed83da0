import { type DestinationStream, type Logger, pino } from 'pino';
import { maskSecrets } from './secrets.ts';

export type { Logger };

/** JSON lines on stdout. No key is in them: cut out where an object carries one, and masked wherever else one stands. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    redact: {
      paths: ['key', 'toolKey', 'authorization', '*.key', '*.toolKey', '*.authorization'],
      censor: '[redacted]',
    },
    hooks: { streamWrite: maskSecrets },
  };
  return destination ? pino(options, destination) : pino(options);
}
