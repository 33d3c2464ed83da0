import type { AgentProfiles } from '../../daemon/agents/profiles.ts';
import { loadProfiles, type ProfilesOptions } from '../../daemon/agents/profiles-file.ts';
import { isExecutable, READY_PROFILES } from '../../daemon/agents/ready-profiles.ts';
import { type Check, fail, ok, warn } from './check.ts';

/**
 * Which agents a daemon that is started here would offer, which of the ready ones are not installed and how they are,
 * and whether the file with more of them can be used and has executables behind its entries.
 */
export async function checkAgents(options: ProfilesOptions): Promise<Check[]> {
  let offered: AgentProfiles;
  try {
    offered = await loadProfiles(options);
  } catch (error) {
    return [fail('agent profiles', (error as Error).message, 'correct the file')];
  }
  const ready = Object.entries(READY_PROFILES).map(async ([name, { profile, install }]) => {
    const { command } = offered[name] ?? profile;
    if (await isExecutable(command, options.path)) return ok(`agent ${name}`, `${command} is installed`);
    return warn(
      `agent ${name}`,
      `${command} is not on the PATH`,
      install ? `run: ${install}` : `install ${command}`,
    );
  });
  const added = Object.entries(offered).filter(([name]) => !Object.hasOwn(READY_PROFILES, name));
  const own = added.map(async ([name, { command }]) =>
    (await isExecutable(command, options.path))
      ? ok(`agent ${name}`, `${command} is installed`)
      : warn(
          `agent ${name}`,
          `${command} is not on the PATH`,
          `install ${command}, or correct ${options.file}`,
        ),
  );
  return Promise.all([...ready, ...own]);
}
