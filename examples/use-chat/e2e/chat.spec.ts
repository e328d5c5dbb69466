import { expect } from '@playwright/test';

import { test } from './tokencast';

test('a chat is answered, and is there after a reload', async ({ page, stack }) => {
  const [alice] = stack.users;
  await page.goto('/');
  await page.getByLabel('Username').fill(alice?.username ?? '');
  await page.getByLabel('Password').fill(alice?.password ?? '');
  await page.getByRole('button', { name: 'Sign in' }).click();

  const answers = page.getByRole('article', { name: 'Assistant' });
  await stack.script({ tokens: ['Rivers ', 'meander ', 'slowly.'] });
  await page.getByLabel('Your question').fill('Why do rivers meander?');
  await page.getByRole('button', { name: 'Ask' }).click();
  await expect(answers).toHaveText('Rivers meander slowly.');

  await stack.script({ tokens: ['Because ', 'banks ', 'erode.'] });
  await page.getByLabel('Your question').fill('And why is that?');
  await page.getByRole('button', { name: 'Ask' }).click();
  await expect(answers).toHaveText(['Rivers meander slowly.', 'Because banks erode.']);

  await page.reload();
  await expect(answers).toHaveText(['Rivers meander slowly.', 'Because banks erode.']);
});
