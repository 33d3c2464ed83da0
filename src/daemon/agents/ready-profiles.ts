import { access, constants, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { type AcpProfile, type AgentProfile, type AgentProfiles, shell } from './profiles.ts';

/** A profile that a daemon offers by itself when its executable is there. */
export interface ReadyProfile {
  readonly profile: AgentProfile;
  /** How its executable is installed; null: every machine has it. */
  readonly install: string | null;
  /** By which variables it is signed in or pointed elsewhere: it inherits those that the daemon has. */
  readonly variables: readonly string[];
}

/** What an agent does that nobody watches is asked for first: no profile allows all of it by itself. */
function acp(command: string, args: readonly string[] = [], more: Partial<AcpProfile> = {}): AcpProfile {
  return { kind: 'acp', command, args, permissions: 'ask', ...more };
}

export const READY_PROFILES: Readonly<Record<string, ReadyProfile>> = {
  claude: {
    // Left to itself it decides in most cases without asking anybody.
    profile: acp('claude-agent-acp', [], { mode: 'default' }),
    install: 'npm install -g @agentclientprotocol/claude-agent-acp',
    variables: [
      'ANTHROPIC_API_KEY',
      'ANTHROPIC_AUTH_TOKEN',
      'ANTHROPIC_BASE_URL',
      'CLAUDE_CODE_OAUTH_TOKEN',
      'CLAUDE_CONFIG_DIR',
    ],
  },
  codex: {
    // With a key in its environment it still has to be told to use that.
    profile: acp('codex-acp', [], { authMethod: 'api-key' }),
    install: 'npm install -g @agentclientprotocol/codex-acp',
    variables: ['OPENAI_API_KEY', 'CODEX_API_KEY', 'CODEX_HOME', 'OPENAI_BASE_URL'],
  },
  gemini: {
    profile: acp('gemini', ['--acp'], { authMethod: 'gemini-api-key' }),
    install: 'npm install -g @google/gemini-cli',
    variables: [
      'GEMINI_API_KEY',
      'GOOGLE_API_KEY',
      'GOOGLE_CLOUD_PROJECT',
      'GOOGLE_CLOUD_LOCATION',
      'GOOGLE_GENAI_USE_VERTEXAI',
      'GOOGLE_APPLICATION_CREDENTIALS',
    ],
  },
  opencode: {
    profile: acp('opencode', ['acp']),
    install: 'npm install -g opencode-ai',
    variables: [
      'OPENCODE_CONFIG',
      'ANTHROPIC_API_KEY',
      'OPENAI_API_KEY',
      'GEMINI_API_KEY',
      'OPENROUTER_API_KEY',
    ],
  },
  shell: { profile: shell, install: null, variables: [] },
};

type Environment = Readonly<Record<string, string | undefined>>;

/** The ready profiles whose executables are on the PATH that agents get. */
export async function offeredProfiles(path: string | undefined, env: Environment): Promise<AgentProfiles> {
  const offered: Record<string, AgentProfile> = {};
  for (const [name, { profile, variables }] of Object.entries(READY_PROFILES)) {
    if (await isExecutable(profile.command, path))
      offered[name] = { ...profile, env: inherited(variables, env) };
  }
  return offered;
}

/** Those of the variables that are set. */
export function inherited(variables: readonly string[], env: Environment): Record<string, string> {
  return Object.fromEntries(
    variables.flatMap((name) => {
      const value = env[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

/** Whether the command, a path or a name, is an executable file, looked for on this PATH. */
export async function isExecutable(command: string, path: string | undefined): Promise<boolean> {
  const places = isAbsolute(command)
    ? [command]
    : (path ?? '')
        .split(delimiter)
        .filter(isAbsolute)
        .map((directory) => join(directory, command));
  for (const place of places) {
    const isThere = await access(place, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere && (await stat(place)).isFile()) return true;
  }
  return false;
}
