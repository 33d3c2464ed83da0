import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type AcpProfile, type AgentProfile, type AgentProfiles, PERMISSION_POLICIES } from './profiles.ts';
import { inherited, offeredProfiles, READY_PROFILES } from './ready-profiles.ts';

/** The file with profiles is not usable; the message names the entry. */
export class ProfilesFileError extends Error {
  override readonly name = 'ProfilesFileError';
  readonly code = 'INVALID_INPUT';
  readonly field = 'profiles';
}

const common = {
  command: z.string().min(1),
  args: z.array(z.string()).default([]),
  env: z.record(z.string().regex(/^[A-Za-z_]\w*$/, 'is no name of a variable'), z.string()).default({}),
  /** Names of variables that it takes from the daemon's environment. */
  inheritEnv: z
    .array(z.string().regex(/^(?!TASKMESH_)/, 'Taskmesh’s own variables are not inherited'))
    .default([]),
};
const acpOptions = {
  permissions: z.enum(PERMISSION_POLICIES).optional(),
  mode: z.string().min(1).optional(),
  model: z.string().min(1).optional(),
  authMethod: z.string().min(1).optional(),
  startTimeoutSeconds: z.number().positive().max(3_600).optional(),
};
const wholeProfileSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('command'), ...common }),
  z.strictObject({ kind: z.literal('acp'), ...common, ...acpOptions }),
]);
/** Changes a ready profile, which has its command. */
const changeSchema = z.strictObject({
  // Not that of `common`: its default would take the place of the ready one's.
  args: z.array(z.string()).optional(),
  env: common.env,
  inheritEnv: common.inheritEnv,
  ...acpOptions,
});
const nameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,49}$/i, 'a name has letters, digits, dots, dashes, at most 50');

type Environment = Readonly<Record<string, string | undefined>>;

export interface ProfilesOptions {
  /** A JSON file with profiles; null: only the ready ones. */
  readonly file: string | null;
  /** The PATH on which agents' executables are looked for. */
  readonly path: string | undefined;
  /** The daemon's own environment, of which a profile inherits what it names. */
  readonly env: Environment;
}

/**
 * The profiles that a daemon offers: the ready ones whose executables are there, changed or joined by those of the file,
 * an object of profiles by their names. An entry with `kind` is a profile of its own; one without changes a ready one.
 * @throws ProfilesFileError
 */
export async function loadProfiles({ file, path, env }: ProfilesOptions): Promise<AgentProfiles> {
  const offered: Record<string, AgentProfile> = { ...(await offeredProfiles(path, env)) };
  if (file === null) return offered;
  for (const [name, entry] of Object.entries(await readEntries(file))) {
    if (isChange(name, entry)) {
      const change = understood(file, name, changeSchema, entry);
      const ready = offered[name];
      // Not installed here it is not offered, whatever a file that many machines share says.
      if (ready?.kind === 'acp') offered[name] = changed(ready, change, env);
    } else offered[name] = whole(understood(file, name, wholeProfileSchema, entry), env);
  }
  return offered;
}

async function readEntries(file: string): Promise<Record<string, unknown>> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? 'it is no JSON object' : (cause as Error).message;
    throw new ProfilesFileError(`The file with agent profiles ${file} cannot be used: ${why}.`, { cause });
  }
}

/** @throws ProfilesFileError naming the entry */
function understood<T>(file: string, name: string, schema: z.ZodType<T>, entry: unknown): T {
  const named = nameSchema.safeParse(name);
  const read = schema.safeParse(entry);
  if (named.success && read.success) return read.data;
  const error = named.error ?? read.error;
  throw new ProfilesFileError(
    `The agent profile ${JSON.stringify(name)} in ${file} is not usable: ${error ? z.prettifyError(error) : ''}`,
    { cause: error },
  );
}

function isChange(name: string, entry: unknown): boolean {
  const isReady = Object.hasOwn(READY_PROFILES, name) && READY_PROFILES[name]?.profile.kind === 'acp';
  return isReady && typeof entry === 'object' && entry !== null && !('kind' in entry);
}

function changed(ready: AcpProfile, change: z.infer<typeof changeSchema>, env: Environment): AcpProfile {
  const { inheritEnv, env: set, permissions, args, ...more } = change;
  return {
    ...ready,
    ...more,
    args: args ?? ready.args,
    permissions: permissions ?? ready.permissions,
    env: { ...ready.env, ...inherited(inheritEnv, env), ...set },
  };
}

function whole(entry: z.infer<typeof wholeProfileSchema>, env: Environment): AgentProfile {
  const { inheritEnv, env: set, ...given } = entry;
  const own = { ...inherited(inheritEnv, env), ...set };
  if (given.kind === 'command') return { ...given, env: own };
  return { ...given, permissions: given.permissions ?? 'ask', env: own };
}
