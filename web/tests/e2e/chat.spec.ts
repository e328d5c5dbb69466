/** The chat page, as its users know it. */

import { expectAccessible } from './support/accessible';
import { Chat, expect, listenToComplaints, test } from './support/fixtures';

const TOKENS = ['Rivers ', 'meander ', 'because ', 'banks ', 'erode ', 'unevenly.'];
const WHOLE = TOKENS.join('');

test('someone who signs in sees the answer come token by token, equal to the model’s text', async ({
  chat,
  model,
}) => {
  model.answer('held half way', { tokens: TOKENS, holdAfter: 3 });
  await chat.ask('held half way');
  await expect(chat.text).toHaveText('Rivers meander because');
  await expect(chat.stop).toBeVisible();
  model.release('held half way');
  await chat.over();
  await expect(chat.text).toHaveText(WHOLE);
  await expect(chat.answer).toContainText('first token');
  await expect(chat.answer).toContainText('7 + 6 tokens');
  await chat.page.getByRole('button', { name: 'Copy the answer' }).click();
  expect(await chat.page.evaluate(() => navigator.clipboard.readText())).toBe(WHOLE);
});

test('a wrong password is refused in words', async ({ page, site, stack, complaints }) => {
  await page.goto(site);
  await page.getByLabel('Username').fill(stack.users[0]?.username ?? '');
  await page.getByLabel('Password', { exact: true }).fill('Wrong-password-1');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByText('Incorrect username or password')).toBeVisible();
  // The browser itself reports Cognito's HTTP 400.
  expect(complaints.splice(0).every((text) => text.includes('status of 400'))).toBe(true);
});

test('Stop ends the model and keeps the text', async ({ chat, model }) => {
  model.answer('stop me', { tokens: TOKENS, holdAfter: 2 });
  await chat.ask('stop me');
  await expect(chat.text).toHaveText('Rivers meander');
  await chat.stop.click();
  await chat.over();
  await expect(chat.text).toHaveText('Rivers meander');
  await expect(chat.answer).toContainText('stopped');
  await expect.poll(() => model.dropped('stop me')).toBe(1);
  await expect(chat.question).toBeEditable();
});

test('a reload in the middle resumes the same answer', async ({ chat, model }) => {
  model.answer('reload me', { tokens: TOKENS, holdAfter: 3 });
  await chat.ask('reload me');
  await expect(chat.text).toHaveText('Rivers meander because');
  const address = chat.page.url();
  await chat.page.reload();
  await expect(chat.text).toHaveText('Rivers meander because');
  await expect(chat.page.getByRole('region', { name: 'Question' })).toContainText('reload me');
  model.release('reload me');
  await chat.over();
  await expect(chat.text).toHaveText(WHOLE);
  expect(chat.page.url()).toBe(address);
});

test('two tabs show the same answer, and either can stop it', async ({
  chat,
  model,
  context,
  site,
  stack,
}) => {
  model.answer('two tabs', { tokens: TOKENS, holdAfter: 3 });
  await chat.ask('two tabs');
  await expect(chat.text).toHaveText('Rivers meander because');
  const second = new Chat(await context.newPage(), site, stack);
  const complaints: string[] = [];
  listenToComplaints(second.page, complaints);
  await second.page.goto(chat.page.url());
  await expect(second.text).toHaveText('Rivers meander because');
  await expect(second.page.getByRole('navigation')).toContainText('two tabs');
  await second.stop.click();
  await second.over();
  await chat.over();
  await expect(chat.answer).toContainText('stopped');
  expect(complaints).toEqual([]);
});

test('a failed answer can be asked for again, and then succeeds', async ({ chat, model }) => {
  model.answer('fail once', { tokens: [], refuse: 400 });
  await chat.ask('fail once');
  await expect(chat.alert).toBeVisible();
  model.answer('fail once', { tokens: TOKENS });
  await chat.page.getByRole('button', { name: 'Try again' }).click();
  await chat.over();
  await expect(chat.text).toHaveText(WHOLE);
});

test("another user's conversation stays closed", async ({ chat, model, browser, site, stack }) => {
  model.answer('for alice', { tokens: TOKENS });
  await chat.ask('for alice');
  await chat.over();
  const other = await browser.newContext();
  const bob = new Chat(await other.newPage(), site, stack);
  await bob.signIn(1);
  await expect(bob.page.getByRole('navigation')).not.toContainText('for alice');
  await bob.page.goto(chat.page.url());
  await expect(bob.alert).toContainText('another user');
  await expect(bob.answers).toHaveCount(0);
  await other.close();
});

test('conversations are listed, open with their answers, and can be deleted', async ({
  chat,
  model,
}) => {
  model.answer('first of two', { tokens: ['One.'] });
  model.answer('second of two', { tokens: ['Two.'] });
  await chat.ask('first of two');
  await expect(chat.text).toHaveText('One.');
  await chat.over();
  await chat.page.getByRole('link', { name: 'New conversation' }).click();
  await chat.ask('second of two');
  await expect(chat.text).toHaveText('Two.');
  await chat.over();
  await expect(chat.list.getByRole('link', { name: /of two/ })).toHaveText([
    'second of two',
    'first of two',
  ]);
  await chat.list.getByRole('link', { name: 'first of two' }).click();
  await expect(chat.text).toHaveText('One.');
  await chat.menu('More about “first of two”', 'Delete');
  await chat.page.getByRole('button', { name: 'Delete for good' }).click();
  await expect(chat.list.getByRole('link', { name: 'first of two' })).toHaveCount(0);
  await expect(chat.page.getByText('What would you like to know?')).toBeVisible();
});

test('signing out closes the page', async ({ chat }) => {
  await chat.page.getByRole('button', { name: 'Sign out' }).click();
  await expect(chat.page.getByRole('button', { name: 'Sign in' })).toBeVisible();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(`in ${colorScheme} colours`, () => {
    test.use({ colorScheme });

    test('the sign-in has the colours of the page', async ({ page, site }) => {
      await page.goto(site);
      const form = page.locator('[data-amplify-router]');
      await expect(form).toBeVisible();
      const brightness = await form.evaluate((element) => {
        const shades = (colour: string) => (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
        const { backgroundColor } = getComputedStyle(element);
        return Math.max(...shades(backgroundColor));
      });
      expect(brightness > 128 ? 'light' : 'dark').toBe(colorScheme);
      await expectAccessible(page);
    });
  });
}
