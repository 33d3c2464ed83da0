import { readFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { type AccessConfig, accessSchema, accessSettings } from './access-config.ts';
import { DomainError } from './errors.ts';

/**
 * The only reader of `process.env`. Flags of the command line win over the environment, the environment over
 * the defaults.
 */

const port = z.coerce.number().int().min(0).max(65_535);

const serverSchema = z.object({
  /** The address to listen on. */
  host: z.string().min(1),
  /** 0: a free one. */
  port,
  /** Keys, the embedded database and its lock. */
  dataDir: z.string().min(1),
  /** PostgreSQL; null: the embedded database in the data directory. */
  databaseUrl: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgresql://')
    .nullable(),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
  production: z.boolean(),
  /** Left out: what `accessSettings` gives for an empty environment. */
  access: accessSchema.optional(),
});
export type ServerConfig = z.infer<typeof serverSchema>;

export interface ServerFlags {
  host?: string | undefined;
  port?: string | number | undefined;
  dataDir?: string | undefined;
  databaseUrl?: string | undefined;
  logLevel?: string | undefined;
}

export function serverConfig(flags: ServerFlags = {}, env: NodeJS.ProcessEnv = process.env): ServerConfig {
  return parse(serverSchema, {
    host: flags.host ?? env.TASKMESH_HOST ?? '127.0.0.1',
    port: flags.port ?? env.TASKMESH_PORT ?? 4000,
    dataDir: dataDirectory(flags.dataDir, env),
    databaseUrl: (flags.databaseUrl ?? env.DATABASE_URL) || null,
    logLevel: flags.logLevel ?? env.TASKMESH_LOG_LEVEL ?? 'info',
    production: env.NODE_ENV === 'production',
    access: accessSettings(env, env.NODE_ENV === 'production'),
  });
}

/** How the server may be reached, also where the configuration was written by hand without saying. */
export function accessOf(config: ServerConfig): AccessConfig {
  return config.access ?? parse(accessSchema, accessSettings({}, config.production));
}

export interface ClientConfig {
  readonly url: string;
  readonly key: string | null;
  /** Where the key was found: a file, or the name of a variable; null without one. */
  readonly keySource: string | null;
  /** Set for agents: the contract and the task their tool key belongs to. */
  readonly contractId: string | null;
  readonly taskId: string | null;
}

export interface ClientFlags {
  url?: string | undefined;
  keyFile?: string | undefined;
  dataDir?: string | undefined;
}

/** Where the CLI and the MCP server connect to, and the key: from a file, the environment or the data directory. */
export function clientConfig(flags: ClientFlags = {}, env: NodeJS.ProcessEnv = process.env): ClientConfig {
  const { key, source } = findKey(flags, env);
  return {
    url: parse(endpoint, flags.url ?? env.TASKMESH_URL ?? 'http://127.0.0.1:4000/graphql'),
    key,
    keySource: source,
    contractId: env.TASKMESH_CONTRACT_ID ?? null,
    taskId: env.TASKMESH_TASK_ID ?? null,
  };
}

function findKey(flags: ClientFlags, env: NodeJS.ProcessEnv): { key: string | null; source: string | null } {
  if (flags.keyFile) {
    const file = resolve(flags.keyFile);
    return { key: readKey(file, true), source: file };
  }
  for (const name of ['TASKMESH_KEY', 'TASKMESH_TOOL_KEY']) {
    // Empty counts as not set.
    const key = env[name];
    if (key) return { key, source: name };
  }
  const file = join(dataDirectory(flags.dataDir, env), 'key');
  const key = readKey(file, false);
  return { key, source: key === null ? null : file };
}

const endpoint = z.url({ protocol: /^https?$/, error: 'the server must be an http:// or https:// URL' });

const daemonSchema = z.object({
  serverUrl: endpoint,
  key: z
    .string()
    .min(1, 'a daemon key is needed: `taskmesh keys create --kind daemon --name NAME` makes one'),
  name: z.string().min(1).max(100),
  hostname: z.string(),
  /** Where the key was read from; left out: it was given otherwise. */
  keyFile: z.string().optional(),
  /** The user whom agents run as; left out: the daemon's own. */
  agentUser: z.string().min(1).optional(),
  dataDir: z.string().min(1),
  maxConcurrentTasks: z.coerce.number().int().min(1).max(1_000),
  localPaths: z.array(z.string().min(1)),
  /** How long what is needed no more stays on the disk. */
  keepDays: z.coerce.number().int().min(0).max(36_500),
  /** For pull requests; TASKMESH_GITHUB_TOKEN, and TASKMESH_GITHUB_URL for the API of an Enterprise server. */
  github: z
    .object({
      token: z.string().regex(/^[\x21-\x7e]+$/, 'TASKMESH_GITHUB_TOKEN has characters that no token has'),
      baseUrl: z
        .url({ protocol: /^https?$/, error: 'TASKMESH_GITHUB_URL must be an http:// or https:// URL' })
        .optional(),
    })
    .optional(),
  /** The part of the environment that agents inherit. Nothing of Taskmesh's own is in it. */
  baseEnv: z.record(z.string(), z.string()),
  /** Of which an agent profile inherits what it names. */
  ownEnv: z.record(z.string(), z.string()),
  /** A file with agent profiles; null: only the ready ones. */
  profilesFile: z.string().min(1).nullable(),
});
export type DaemonConfig = z.infer<typeof daemonSchema>;

export interface DaemonFlags {
  server?: string | undefined;
  key?: string | undefined;
  keyFile?: string | undefined;
  name?: string | undefined;
  dataDir?: string | undefined;
  max?: string | number | undefined;
  localPath?: string[] | undefined;
  profiles?: string | undefined;
  keep?: string | number | undefined;
  agentUser?: string | undefined;
}

export function daemonConfig(flags: DaemonFlags = {}, env: NodeJS.ProcessEnv = process.env): DaemonConfig {
  return parse(daemonSchema, {
    serverUrl: flags.server ?? env.TASKMESH_URL ?? 'http://127.0.0.1:4000/graphql',
    key: flags.key ?? (flags.keyFile ? readKey(resolve(flags.keyFile), true) : env.TASKMESH_DAEMON_KEY) ?? '',
    name: flags.name ?? hostname(),
    hostname: hostname(),
    keyFile: flags.keyFile && !flags.key ? resolve(flags.keyFile) : undefined,
    agentUser: (flags.agentUser ?? env.TASKMESH_AGENT_USER) || undefined,
    dataDir: flags.dataDir ? resolve(flags.dataDir) : join(dataDirectory(undefined, env), 'daemon'),
    maxConcurrentTasks: flags.max ?? env.TASKMESH_MAX_TASKS ?? 4,
    keepDays: flags.keep ?? env.TASKMESH_KEEP_DAYS ?? 7,
    localPaths: (flags.localPath ?? []).map((path) => resolve(path)),
    github: env.TASKMESH_GITHUB_TOKEN
      ? { token: env.TASKMESH_GITHUB_TOKEN.trim(), baseUrl: env.TASKMESH_GITHUB_URL || undefined }
      : undefined,
    baseEnv: inheritedEnvironment(env),
    ownEnv: Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)),
    profilesFile: daemonProfilesFile(env, flags.profiles),
  });
}

/** Where a daemon has its agent profiles from besides the ready ones; null: from nowhere. */
export function daemonProfilesFile(env: NodeJS.ProcessEnv = process.env, flag?: string): string | null {
  const file = flag ?? (env.TASKMESH_PROFILES || undefined);
  return file === undefined ? null : resolve(file);
}

/** What a program needs to find its tools, its user and its language. A daemon's secrets never match these names. */
const INHERITED =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_[A-Z]+|TZ|TERM|TMPDIR|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS)$/;

/** The part of the environment that programs we start may inherit. */
export function inheritedEnvironment(env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (pair): pair is [string, string] => INHERITED.test(pair[0]) && pair[1] !== undefined,
    ),
  );
}

function dataDirectory(flag: string | undefined, env: NodeJS.ProcessEnv): string {
  return resolve(flag ?? env.TASKMESH_DATA_DIR ?? join(homedir(), '.taskmesh'));
}

function readKey(path: string, mustExist: boolean): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    if (!mustExist) return null;
    throw new DomainError('INVALID_INPUT', `The key file ${path} cannot be read.`, {
      field: 'keyFile',
      cause,
    });
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  throw new DomainError(
    'INVALID_INPUT',
    `The setting ${field || 'given'} is not usable: ${issue?.message}.`,
    { field },
  );
}
