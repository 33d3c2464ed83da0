import { defineConfig } from 'vitest/config';

/** Real coding agents: installed from npm, run against a model endpoint of the tests' own. See docs/AGENTS.md. */
export default defineConfig({
  test: {
    include: ['test/agents/**/*.test.ts'],
    environment: 'node',
    setupFiles: 'test/support/setup.ts',
    // An installation comes first, which is a download.
    testTimeout: 600_000,
    hookTimeout: 60_000,
    reporters: ['verbose'],
  },
});
