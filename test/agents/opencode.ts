import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

/** The version that is run unless the environment names another: a release of theirs must not break a run of ours. */
const VERSION = process.env.OPENCODE_VERSION ?? '1.18.33';

/** Installs opencode from npm below a directory. @returns the directory of its command */
export async function installOpencode(directory: string): Promise<{ bin: string; version: string }> {
  const run = promisify(execFile);
  const flags = ['--no-audit', '--no-fund', '--loglevel=error'];
  await run('npm', ['install', '--prefix', directory, ...flags, `opencode-ai@${VERSION}`]);
  const bin = join(directory, 'node_modules/.bin');
  const { stdout } = await run(join(bin, 'opencode'), ['--version']);
  return { bin, version: stdout.trim() };
}

/** The environment in which opencode uses the model at a URL, asks nobody else, and keeps all it writes in its home. */
export function opencodeEnvironment(home: string, modelUrl: string): Record<string, string> {
  const file = join(home, 'opencode.json');
  const scripted = {
    npm: '@ai-sdk/openai-compatible',
    name: 'Scripted',
    options: { baseURL: modelUrl, apiKey: 'none' },
    models: { model: { name: 'model', limit: { context: 200_000, output: 8_000 } } },
  };
  const settings = {
    model: 'scripted/model',
    small_model: 'scripted/model',
    autoupdate: false,
    share: 'disabled',
    provider: { scripted },
  };
  writeFileSync(file, JSON.stringify(settings, null, 2));
  return {
    HOME: home,
    OPENCODE_CONFIG: file,
    OPENCODE_DISABLE_MODELS_FETCH: '1',
    OPENCODE_DISABLE_AUTOUPDATE: '1',
    OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
    OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
  };
}

/** A PATH with a directory before the rest. */
export function pathWith(directory: string): string {
  return [directory, process.env.PATH ?? ''].join(delimiter);
}
