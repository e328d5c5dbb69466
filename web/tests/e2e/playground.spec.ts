/** The playground: query, mutation and subscription against the stack, as the user who is signed in. */

import { fileURLToPath } from 'node:url';

import type { Page } from '@playwright/test';

import { expect, test } from './support/fixtures';

const SCREENSHOT = fileURLToPath(new URL('../../screenshots/playground.png', import.meta.url));
const TOKENS = ['Rivers ', 'meander ', 'because ', 'banks ', 'erode ', 'unevenly.'];

async function openTab(page: Page, name: string): Promise<void> {
  await page.getByRole('tab', { name }).click();
}

function run(page: Page) {
  return page.getByRole('button', { name: /Execute query/ });
}

/** The answer's editor shows no more than fits; the lines that it shows are enough here. */
function answer(page: Page) {
  return page.getByRole('region', { name: 'Result Window' });
}

test('its examples work: subscribe, start, read, stop', async ({ chat, model }) => {
  const { page } = chat;
  model.answer('Why do rivers meander?', { tokens: TOKENS, holdAfter: 3 });
  await page.getByRole('link', { name: 'GraphQL playground' }).click();
  await expect(page.getByRole('tab', { name: 'OnTokenReceived' })).toBeVisible({ timeout: 20_000 });

  await run(page).click();
  await expect(page.getByRole('button', { name: /Stop query/ })).toBeVisible();
  const second = await page.context().newPage();
  await second.goto(page.url());

  // Another tab of GraphiQL would end the subscription; what it sends goes from beside it.
  const [sessionId, headers] = await startBeside(page);
  expect(headers).toHaveProperty('authorization');
  await expect(answer(page)).toContainText('because');
  model.release('Why do rivers meander?');
  await expect(answer(page)).toContainText('COMPLETED');
  await page.screenshot({ path: SCREENSHOT });
  await second.close();

  await openTab(page, 'GetStream');
  await run(page).click();
  await expect(answer(page)).toContainText('Rivers meander because banks erode unevenly.');
  await openTab(page, 'StopStream');
  await run(page).click();
  await expect(answer(page)).toContainText(sessionId);
});
