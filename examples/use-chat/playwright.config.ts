import { existsSync } from 'node:fs';

import { defineConfig } from '@playwright/test';

const PORT = Number(process.env.PORT ?? 4173);
// A browser of the system, where there is one; otherwise the one of `npx playwright install chromium`.
const executablePath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);

export default defineConfig({
  testDir: 'e2e',
  timeout: 120_000,
  expect: { timeout: 30_000 },
  use: {
    baseURL: `http://localhost:${PORT}`,
    launchOptions: { executablePath, args: ['--no-sandbox'] },
  },
  webServer: { command: `vite preview --strictPort --port ${PORT}`, port: PORT },
});
