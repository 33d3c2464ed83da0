import { access, constants } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { READY_PROFILES } from '../../daemon/agents/profiles.ts';
import { type Check, ok, warn } from './check.ts';

/**
 * Whether the executables of the ready agent profiles are there.
 * @param path where a daemon that is started here looks for them
 */
export async function checkAgents(path: string | undefined): Promise<Check[]> {
  return Promise.all(
    Object.entries(READY_PROFILES).map(async ([name, { command }]) => {
      const check = `agent ${name}`;
      if (await isExecutable(command, path)) return ok(check, `${command} is installed`);
      return warn(check, `${command} is not on the PATH`, `install ${command}`);
    }),
  );
}

async function isExecutable(command: string, path: string | undefined): Promise<boolean> {
  const places = isAbsolute(command)
    ? [command]
    : (path ?? '').split(delimiter).map((directory) => join(directory, command));
  for (const place of places) {
    const isThere = await access(place, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return true;
  }
  return false;
}
