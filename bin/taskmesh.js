#!/usr/bin/env node
// Starts the CLI. Plain JavaScript for any Node.js from 20 on, so that one that is too old says so in words.
// In a checkout it runs the TypeScript sources, which needs type stripping (Node.js 22.18); installed from npm
// it runs dist/. An older Node.js hands over to the `node` npm package of the checkout where there is one.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const source = new URL('../src/cli/main.ts', import.meta.url);
const built = new URL('../dist/src/cli/main.js', import.meta.url);
const bundledNode = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));

const [major, minor] = process.versions.node.split('.').map(Number);
const fromSource = existsSync(source);
const recentEnough = major > 22 || (major === 22 && minor >= (fromSource ? 18 : 17));

if (recentEnough) {
  // Compiled (and stripped) code is kept between runs: agents call this often, and it halves the start.
  module.enableCompileCache?.();
  await import((fromSource ? source : built).href);
} else if (existsSync(bundledNode)) {
  handOver();
} else {
  const needed = fromSource ? '22.18' : '22.17';
  console.error(
    `taskmesh: This is Node.js ${process.versions.node}, and ${needed} or newer is needed. ` +
      'Install Node.js 24 (https://nodejs.org)' +
      (fromSource ? ', or run `npm install` here: it brings one along.' : '.'),
  );
  process.exitCode = 2;
}

function handOver() {
  const child = spawn(bundledNode, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  // A terminal sends Ctrl-C to both; other senders only know this process.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`taskmesh: ${bundledNode} could not be started: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    if (signal) {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    } else {
      process.exitCode = code ?? 1;
    }
  });
}
