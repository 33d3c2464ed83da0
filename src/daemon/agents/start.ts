import { startAcpAgent } from './acp/acp-agent.ts';
import type { Agent, AgentStart } from './agent.ts';
import { startCommandAgent } from './command-agent.ts';
import type { AgentProfile } from './profiles.ts';

/** Starts an agent of any kind. @throws AgentStartError */
export function startAgent(profile: AgentProfile, start: AgentStart): Promise<Agent> {
  switch (profile.kind) {
    case 'command':
      return startCommandAgent(profile, start);
    case 'acp':
      return startAcpAgent(profile, start);
  }
}
