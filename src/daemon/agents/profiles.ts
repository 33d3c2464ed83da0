/** An executable: the plan comes in the environment, in a file and on stdin; its lines are the output. */
export interface CommandProfile {
  readonly kind: 'command';
  /** A path, or a name to be found on the agent's PATH. */
  readonly command: string;
  /** `{planFile}` in one of them stands for the path of the file with the plan. */
  readonly args: readonly string[];
}

/** How an agent is run. */
export type AgentProfile = CommandProfile;

/** The plan is a shell script. */
export const shell: AgentProfile = { kind: 'command', command: '/bin/sh', args: ['{planFile}'] };

/** Profiles that every daemon may offer. */
export const READY_PROFILES: Readonly<Record<string, AgentProfile>> = { shell };
