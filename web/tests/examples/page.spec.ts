import { expect, test as base } from '@playwright/test';

import { startTokencast, type Tokencast } from './tokencast';
import { startPage } from './page';

const test = base.extend<object, { stack: Tokencast; app: string }>({
  stack: [
    async ({}, use) => {
      const stack = await startTokencast();
      await use(stack);
      await stack.stop();
    },
    { scope: 'worker' },
  ],
  // Your page, however you serve it.
  app: [({}, use) => startPage(use), { scope: 'worker' }],
});

test('the page shows the whole answer though the model broke off at first', async ({
  page,
  stack,
  app,
}) => {
  await stack.script({ tokens: ['Rivers ', 'meander ', 'slowly.'], timeBetweenTokensMs: 20 });
  const fault = { streamCut: { afterTokens: 2 } };
  await stack.faults([
    { service: 'bedrock', operation: 'ConverseStream', when: { times: 1 }, fault },
  ]);
  // The page asks for its configuration: give it the stack's.
  await page.route('**/amplify_outputs.json', async (route) => {
    await route.fulfill({
      response: await route.fetch({ url: `${stack.url}/amplify_outputs.json` }),
    });
  });

  await page.goto(app);
  await page.getByLabel('Username').fill(stack.users[0]?.username ?? '');
  await page.getByLabel('Password', { exact: true }).fill(stack.users[0]?.password ?? '');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('Your question').fill('Why?');
  await page.keyboard.press('Enter');

  await expect(page.getByRole('article')).toContainText('Rivers meander slowly.');
  expect((await stack.report()).report).toMatchObject([{ fired: 1 }]);
});
