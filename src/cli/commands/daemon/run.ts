import { type Command, Option } from 'commander';
import { READY_PROFILES } from '../../../daemon/agents/ready-profiles.ts';
import { daemonConfig } from '../../../platform/config.ts';
import { readVersion } from '../../../platform/package.ts';
import type { Cli } from '../../cli.ts';
import { collect, teach, wholeNumber } from '../../help.ts';
import { SELF } from '../../package.ts';
import { aborted, stopRequest, WITH_PARENT } from '../../processes.ts';

interface Options {
  server?: string;
  key?: string;
  name?: string;
  max?: number;
  localPath?: string[];
  profiles?: string;
  keep?: number;
  agentUser?: string;
  logLevel?: string;
  withParent?: true;
}

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Makes this machine a worker: it connects out to the server, takes tasks, and runs their agents in git working\n' +
      'copies of its own. Ctrl-C gives its tasks back and stops. It needs git and a daemon key; for pull requests a\n' +
      'token in TASKMESH_GITHUB_TOKEN, and TASKMESH_GITHUB_URL for the API of a GitHub Enterprise server.',
    examples: [
      'PATH --server https://mesh.example.com/graphql --key-file ~/daemon-key --max 8',
      'taskmesh keys create --kind daemon --name laptop > ~/daemon-key      # makes such a key',
    ],
    exits: { 0: 'stopped in order', 1: 'it could not go on' },
  })
    .option('--server <url>', 'the GraphQL endpoint; the same as --url')
    .option('--key <key>', 'the daemon key; others on this machine can read it there: --key-file is better')
    .option('--name <name>', 'what the daemon is called (default: the name of the machine)')
    .option('--max <number>', 'tasks at the same time (TASKMESH_MAX_TASKS; default 4)', wholeNumber(1, 1_000))
    .option(
      '--local-path <directory>',
      'directory whose repositories contracts may name; may be repeated',
      collect,
    )
    .option(
      '--profiles <file>',
      'JSON file with more agent profiles, see below (TASKMESH_PROFILES; default: the ready ones)',
    )
    .option(
      '--keep <days>',
      'how long working copies of contracts that are over are kept (TASKMESH_KEEP_DAYS; default 7)',
      wholeNumber(0, 36_500),
    )
    .option(
      '--agent-user <name>',
      'run agents as this user of the machine; for a daemon started as root, see below (TASKMESH_AGENT_USER)',
    )
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent', 'info')
    .addOption(new Option(WITH_PARENT).hideHelp())
    .addHelpText('after', AGENTS)
    .action(async (options: Options) => {
      const { logLevel, withParent, ...flags } = options;
      // Arguments are for everybody on this machine to read.
      if (flags.key) process.title = 'taskmesh daemon';
      const server = flags.server ?? cli.flags.url;
      const { keyFile, dataDir } = cli.flags;
      const { profilesFile, ownEnv, ...config } = daemonConfig(
        { ...flags, server, keyFile, dataDir },
        cli.terminal.env,
      );
      const [{ startDaemon }, { loadProfiles }, { createLogger }] = await Promise.all([
        import('../../../daemon/daemon.ts'),
        import('../../../daemon/agents/profiles-file.ts'),
        import('../../../platform/logger.ts'),
      ]);
      const profiles = await loadProfiles({ file: profilesFile, path: config.baseEnv.PATH, env: ownEnv });
      const stop = stopRequest(withParent);
      try {
        const daemon = await startDaemon({
          ...config,
          profiles,
          cliPath: SELF,
          logger: createLogger(logLevel ?? 'info'),
          version: readVersion(),
        });
        cli.note(`Daemon ${daemon.name} (${daemon.id}) is connected to ${config.serverUrl}`);
        await Promise.race([daemon.stopped, aborted(stop.signal)]);
        await daemon.stop();
      } finally {
        stop.dispose();
      }
    });
}

const READY = Object.entries(READY_PROFILES).map(([name, { profile, install }]) => {
  const command = [profile.command, ...profile.args].join(' ');
  return `  ${name.padEnd(9)} ${command.padEnd(18)} ${install ?? 'the plan is a shell script'}`;
});

const AGENTS = `
Agents that it offers when their command is on its PATH, and how to install them:
${READY.join('\n')}

All but shell speak the Agent Client Protocol. They must be signed in as the user whom the daemon runs as, or by their
usual variables (ANTHROPIC_API_KEY, OPENAI_API_KEY, GEMINI_API_KEY …) in its environment. When such an agent asks for
permission, the person is asked ("permissions": "ask"); what it asks for is up to its own configuration and its mode:
opencode, say, asks for nothing unless told to. A file given with --profiles changes that, and adds agents:
  {
    "claude": { "permissions": "allow", "model": "opus" },
    "mine":   { "kind": "acp", "command": "my-agent", "args": ["acp"], "permissions": "deny", "inheritEnv": ["MY_KEY"] },
    "make":   { "kind": "command", "command": "make", "args": ["-f", "{planFile}"] }
  }
Permissions: allow answers every request with yes, so that the agent may do whatever the daemon's user may; deny with no.
Its own tools of Taskmesh an agent may always use.
Other fields: env, inheritEnv; mode, model, authMethod (as the agent calls them); startTimeoutSeconds.

Agents run as the daemon's own user, and may do what that user may. To keep them from the daemon's key and data, and from
the rest of the machine, start it as root (on Linux) with a user for them, who is then to be signed in with the agents:
  useradd --create-home taskmesh-agent
  taskmesh daemon --agent-user taskmesh-agent --data-dir /var/lib/taskmesh --key-file /etc/taskmesh/daemon-key
See SECURITY.md.`;
