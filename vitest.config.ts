// Every workspace is one vitest project; `npm test` runs them all in one go.

import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const WORKSPACES = ['schema', 'server', 'client-sdk', 'kiosk', 'razorpay-double', 'loadtest', 'scripts'];

// One embedded Postgres for all test files, whichever project they are in.
const POSTGRES = 'server/test/global-setup.ts';

// Workspace packages resolve to their TypeScript, never to a dist/ that may be old or missing. Not `import`: it would
// reach Node as --conditions, and require('pg-pool') inside pg would then be given an ES module.
const conditions = ['development', 'module', 'node'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['development'] } },
  test: {
    // Two cores: more workers only make timings lie.
    maxWorkers: 2,
    pool: 'forks',
    globalSetup: existsSync(POSTGRES) ? [`./${POSTGRES}`] : [],
    projects: WORKSPACES.filter((workspace) => existsSync(`${workspace}/test`)).map((workspace) => ({
      extends: true as const,
      test: {
        name: workspace,
        root: `./${workspace}`,
        include: ['test/**/*.test.ts'],
        globalSetup: [],
        // Replays what a failing property printed: TEST_SEED=123 npm test -- path/to/file
        setupFiles: process.env.TEST_SEED ? [`${import.meta.dirname}/scripts/test/seed.ts`] : [],
        testTimeout: 20_000,
        hookTimeout: 60_000,
      },
    })),
  },
});
