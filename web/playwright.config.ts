import { existsSync } from 'node:fs';

import { defineConfig } from '@playwright/test';

const DEBIAN = '/usr/bin/chromium';
const executablePath = process.env.PLAYWRIGHT_CHROMIUM ?? (existsSync(DEBIAN) ? DEBIAN : undefined);

export default defineConfig({
  testDir: 'tests',
  testMatch: '*/*.spec.ts',
  globalSetup: './tests/e2e/support/build.ts',
  // Each has a stack of its own.
  workers: 2,
  // Whatever is waited for comes: no test asserts how soon, and the machine may be busy.
  timeout: 300_000,
  expect: { timeout: 60_000 },
  reporter: [['list']],
  use: {
    browserName: 'chromium',
    viewport: { width: 1280, height: 800 },
    launchOptions: {
      ...(executablePath === undefined ? {} : { executablePath }),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
    permissions: ['clipboard-read', 'clipboard-write'],
    // Recording takes time, and CI keeps no files.
    trace: process.env.CI === undefined ? 'retain-on-failure' : 'off',
  },
});
