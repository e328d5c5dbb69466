import { existsSync } from 'node:fs';

import { defineConfig } from '@playwright/test';

const DEBIAN = '/usr/bin/chromium';
const executablePath = process.env.PLAYWRIGHT_CHROMIUM ?? (existsSync(DEBIAN) ? DEBIAN : undefined);

export default defineConfig({
  testDir: 'e2e',
  globalSetup: './e2e/support/build.ts',
  // Each has a stack of its own. Faults are a stack's, so the tests of a stack follow one another.
  workers: 2,
  fullyParallel: true,
  // Whatever is waited for comes: no test asserts how soon, and the machine may be busy.
  timeout: 120_000,
  expect: { timeout: 60_000 },
  reporter: [['list']],
  outputDir: '../../target/referees/results',
  use: {
    browserName: 'chromium',
    launchOptions: {
      ...(executablePath === undefined ? {} : { executablePath }),
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
    },
  },
});
