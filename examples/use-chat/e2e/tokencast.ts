/** A local stack for the tests of a worker of Playwright's. */

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import { test as base } from '@playwright/test';

export interface Stack {
  url: string;
  users: { username: string; password: string }[];
  /** What the model says from now on, and how fast. */
  script(script: { tokens: string[]; timeBetweenTokensMs?: number }): Promise<void>;
  /** What goes wrong from now on. */
  faults(rules: object[]): Promise<void>;
}

export const test = base.extend<object, { stack: Stack }>({
  stack: [
    async ({}, use) => {
      const args = ['tokencast', 'dev', '--json', '--port', '0', '--control'];
      const child = spawn('npx', args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const line = await new Promise<string>((resolve, reject) => {
        createInterface(child.stdout).once('line', resolve);
        child.once('error', reject);
        child.once('exit', (code) => reject(new Error(`npx tokencast dev ended with ${code}`)));
      });
      const { url, users, controlUrl } = JSON.parse(line);
      const put = async (path: string, body: object): Promise<void> => {
        const response = await fetch(controlUrl + path, {
          method: 'PUT',
          body: JSON.stringify(body),
        });
        if (!response.ok) throw new Error(await response.text());
      };

      await use({
        url,
        users,
        script: (script) => put('model/script', script),
        faults: (rules) => put('faults', { rules }),
      });

      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    },
    { scope: 'worker' },
  ],

  // The page asks its own server for its configuration, and gets the stack's.
  page: async ({ page, stack }, use) => {
    await page.route('**/amplify_outputs.json', async (route) => {
      const response = await route.fetch({ url: `${stack.url}/amplify_outputs.json` });
      await route.fulfill({ response });
    });
    await use(page);
  },
});
