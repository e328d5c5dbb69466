import { expect } from '@playwright/test';

import { test } from './tokencast';

test.beforeEach(async ({ page, stack }) => {
  const [alice] = stack.users;
  await page.goto('/');
  await page.getByLabel('Username').fill(alice?.username ?? '');
  await page.getByLabel('Password').fill(alice?.password ?? '');
  await page.getByRole('button', { name: 'Sign in' }).click();
});

test('the answer appears', async ({ page, stack }) => {
  await stack.script({ tokens: ['Rivers ', 'meander ', 'slowly.'] });
  await page.getByLabel('Your question').fill('Why do rivers meander?');
  await page.getByRole('button', { name: 'Ask' }).click();
  await expect(page.getByRole('article')).toHaveText('Rivers meander slowly.');
  await expect(page.getByRole('button', { name: 'Stop' })).toBeDisabled();
});

test('a stopped answer keeps its text', async ({ page, stack }) => {
  const endless = Array.from({ length: 10_000 }, (_, index) => `${index} `);
  await stack.script({ tokens: endless, timeBetweenTokensMs: 20 });
  await page.getByLabel('Your question').fill('Count.');
  await page.getByRole('button', { name: 'Ask' }).click();
  await expect(page.getByRole('article')).toContainText('0 1 2 3 ');
  await page.getByRole('button', { name: 'Stop' }).click();
  await expect(page.getByRole('article')).toHaveAttribute('aria-busy', 'false');
  await expect(page.getByRole('article')).toContainText('0 1 2 3 ');
});

test('a model that breaks off is asked again, and nothing is shown twice', async ({
  page,
  stack,
}) => {
  await stack.script({ tokens: ['Rivers ', 'meander ', 'slowly.'], timeBetweenTokensMs: 20 });
  const fault = { streamCut: { afterTokens: 2 } };
  const times = { times: 1 };
  await stack.faults([{ service: 'bedrock', operation: 'ConverseStream', when: times, fault }]);
  await page.getByLabel('Your question').fill('Why?');
  await page.getByRole('button', { name: 'Ask' }).click();
  await expect(page.getByRole('article')).toHaveText('Rivers meander slowly.');
});
