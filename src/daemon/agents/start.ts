import type { Agent, AgentStart } from './agent.ts';
import { startCommandAgent } from './command-agent.ts';
import type { AgentProfile } from './profiles.ts';

type Starter<Profile extends AgentProfile> = (profile: Profile, start: AgentStart) => Promise<Agent>;

const STARTERS: { [Kind in AgentProfile['kind']]: Starter<Extract<AgentProfile, { kind: Kind }>> } = {
  command: startCommandAgent,
};

/** Starts an agent of any kind. @throws AgentStartError */
export function startAgent(profile: AgentProfile, start: AgentStart): Promise<Agent> {
  return STARTERS[profile.kind](profile, start);
}
