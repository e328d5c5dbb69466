/** Who leaves, and who comes after: nothing of one user is left to another. */

import { Chat, expect, listenToComplaints, test } from './support/fixtures';

const TOKENS = ['Rivers ', 'meander ', 'because ', 'banks ', 'erode ', 'unevenly.'];

test('a sign-out leaves nothing behind: no address, no question, no draft, no token', async ({
  chat,
  model,
}) => {
  const { page } = chat;
  model.answer('in private', { tokens: TOKENS });
  await chat.ask('in private');
  await chat.over();
  await page.getByRole('button', { name: 'Dark colours' }).click();
  await chat.deliverBy('Function URL');
  await page.getByRole('link', { name: 'GraphQL playground' }).click();
  await expect(page.locator('.graphiql-query-editor .view-line').first()).toBeVisible();
  await page.goBack();
  await chat.question.fill('a secret draft');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
  const left = (): Promise<string[]> =>
    page.evaluate(() =>
      [localStorage, sessionStorage].flatMap((storage) =>
        Object.keys(storage).map((key) => `${key}: ${storage.getItem(key) ?? ''}`),
      ),
    );
  // The colours are the machine's.
  await expect.poll(left).toEqual(['tokencast.theme: dark']);
  expect(new URL(page.url()).hash).toBe('#/');
  await chat.signInHere(1);
  await expect(chat.question).toHaveValue('');
  await expect(page.getByText('What would you like to know?')).toBeVisible();
  await expect(page.getByRole('navigation')).not.toContainText('in private');
});

test('a sign-out in one tab closes the other, and what is written there', async ({
  chat,
  model,
  context,
  site,
  stack,
}) => {
  model.answer('in two tabs', { tokens: TOKENS });
  await chat.ask('in two tabs');
  await chat.over();
  const second = new Chat(await context.newPage(), site, stack);
  const complaints: string[] = [];
  listenToComplaints(second.page, complaints);
  await second.page.goto(chat.page.url());
  await expect(second.text).toContainText('unevenly');
  await second.question.fill('a secret draft');
  await chat.page.getByRole('button', { name: 'Sign out' }).click();
  await expect(second.page.getByRole('button', { name: 'Sign in' })).toBeVisible();
  await chat.signInHere(1);
  // The other tab is that user's by now, too.
  await second.page.reload();
  await expect(second.question).toHaveValue('');
  await expect(second.page.getByText('What would you like to know?')).toBeVisible();
  expect(complaints).toEqual([]);
});

test('somebody else’s conversation says so, and leads to a question of one’s own', async ({
  chat,
  model,
}) => {
  const { page } = chat;
  model.answer('of the first user', { tokens: TOKENS });
  await chat.ask('of the first user');
  await chat.over();
  const address = page.url();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await chat.signInHere(1);
  await page.goto(address);
  await expect(chat.alert).toContainText('another user');
  await chat.alert.getByRole('link', { name: 'New conversation' }).click();
  await expect(page.getByText('What would you like to know?')).toBeVisible();
});
