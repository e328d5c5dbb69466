/** The benchmark of the pages: `npm run bench`. Its figures are in docs/PERFORMANCE.md. */

import { defineConfig } from '@playwright/test';

import pages from './playwright.config.js';

export default defineConfig({ ...pages, testMatch: 'bench/*.bench.ts', timeout: 600_000 });
