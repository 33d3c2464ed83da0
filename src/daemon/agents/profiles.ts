/** An executable: the plan comes in the environment, in a file and on stdin; its lines are the output. */
export interface CommandProfile {
  readonly kind: 'command';
  /** A path, or a name to be found on the agent's PATH. */
  readonly command: string;
  /** `{planFile}` in one of them stands for the path of the file with the plan. */
  readonly args: readonly string[];
  /** What it has in its environment besides what every agent has. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What becomes of an agent's requests for permission: ask puts them to the person. */
export const PERMISSION_POLICIES = ['allow', 'deny', 'ask'] as const;
export type PermissionPolicy = (typeof PERMISSION_POLICIES)[number];

/** An agent that speaks the Agent Client Protocol over its stdin and stdout. */
export interface AcpProfile {
  readonly kind: 'acp';
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly permissions: PermissionPolicy;
  /** The agent's own name of the way in which it signs in when it is not; without it that is left to people. */
  readonly authMethod?: string | undefined;
  /** How long it may take to answer at its start; default 60 s to initialize, 120 s to open a session. */
  readonly startTimeoutSeconds?: number | undefined;
  /** The agent's own name of the mode it is to work in; without it the agent's default. */
  readonly mode?: string | undefined;
  /** The agent's own name of the model it is to use; without it the agent's default. */
  readonly model?: string | undefined;
}

/** How an agent is run. */
export type AgentProfile = CommandProfile | AcpProfile;

/** By the name that contracts and tasks ask for. */
export type AgentProfiles = Readonly<Record<string, AgentProfile>>;

/** The plan is a shell script. */
export const shell: CommandProfile = { kind: 'command', command: '/bin/sh', args: ['{planFile}'] };
