/** Where questions are written: keys, drafts, and long ones. */

import { Chat, expect, test } from './support/fixtures';

const TOKENS = ['Rivers ', 'meander ', 'because ', 'banks ', 'erode ', 'unevenly.'];

test('Enter that ends a composition sends nothing, however the browser says so', async ({
  chat,
  model,
}) => {
  model.answer('変換', { tokens: TOKENS });
  await chat.question.fill('変換');
  for (const how of [{ keyCode: 229 }, { isComposing: true }]) {
    const wasSent = await chat.question.evaluate((element, init) => {
      const key = { key: 'Enter', bubbles: true, cancelable: true, ...init };
      return !element.dispatchEvent(new KeyboardEvent('keydown', key));
    }, how);
    expect(wasSent).toBe(false);
  }
  await expect(chat.question).toHaveValue('変換');
  await chat.question.press('Enter');
  await chat.over();
});

test('a draft survives a reload, and is gone once it is sent', async ({ chat, model }) => {
  model.answer('half a question', { tokens: TOKENS });
  await chat.question.fill('half a question');
  await chat.page.reload();
  await expect(chat.question).toHaveValue('half a question');
  await chat.question.press('Enter');
  await chat.over();
  await chat.page.reload();
  await expect(chat.question).toHaveValue('');
});

test('a long question is counted while it is written, and shown in part', async ({
  chat,
  model,
}) => {
  const { page } = chat;
  const prompt = `long ${'x '.repeat(2_000)}end`;
  model.answer('long', { tokens: TOKENS });
  await chat.question.fill(prompt);
  await expect(page.getByText('4,008 characters')).toBeVisible();
  await chat.question.press('Enter');
  const question = page.getByRole('region', { name: 'Question' });
  const more = question.getByRole('button', { name: 'Show all' });
  await expect(more).toHaveAttribute('aria-expanded', 'false');
  const height = async (): Promise<number> => (await question.boundingBox())?.height ?? 0;
  const collapsed = await height();
  await more.click();
  await expect(question.getByRole('button', { name: 'Show less' })).toBeVisible();
  expect(await height()).toBeGreaterThan(collapsed);
  await expect(question).toContainText('end');
});

test('keys: stop from anywhere, the last question, the field, a new question', async ({
  chat,
  model,
}) => {
  const { page } = chat;
  model.answer('by keys', { tokens: TOKENS, holdAfter: 2 });
  await chat.ask('by keys');
  await expect(chat.text).toHaveText('Rivers meander');
  await page.getByRole('link', { name: 'New conversation' }).focus();
  await page.keyboard.press('Escape');
  await chat.over();
  await expect(chat.answer).toContainText('stopped');

  await page.keyboard.press('Shift+Escape');
  await expect(chat.question).toBeFocused();
  await page.keyboard.press('ArrowUp');
  await expect(chat.question).toHaveValue('by keys');
  await chat.question.fill('');
  await page.getByRole('link', { name: 'New conversation' }).focus();
  await page.keyboard.press('Control+Shift+O');
  await expect(page.getByText('What would you like to know?')).toBeVisible();
  await expect(chat.question).toBeFocused();

  await chat.openSettings();
  await expect(page.getByRole('dialog')).toContainText('Stop the answer, from anywhere');
});

test('the keyboard can skip the list of questions', async ({ chat }) => {
  const { page } = chat;
  await page.reload();
  await expect(chat.question).toBeVisible();
  const skip = page.getByRole('button', { name: 'Skip to your question' });
  await skip.focus();
  await expect(skip).toBeInViewport();
  await page.keyboard.press('Enter');
  await expect(chat.question).toBeFocused();
  // It is the first thing that the keyboard comes to.
  const first = await page.evaluate(() => document.querySelector('a, button, textarea')?.className);
  expect(first).toBe('skip');
});

test.describe('by touch', () => {
  test.use({ viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true });

  test('everything that is touched is 44 px or more', async ({ page, site, stack, model }) => {
    model.answer('touch', { tokens: TOKENS });
    model.answer('touch and fail', { tokens: [], refuse: 400 });
    const chat = new Chat(page, site, stack);
    await page.goto(site);
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    const small = (): Promise<string[]> =>
      page.evaluate(() => {
        const targets = document.querySelectorAll<HTMLElement>(
          'button, a, select, summary, textarea, input',
        );
        return [...targets]
          .filter((one) => one.checkVisibility({ visibilityProperty: true }))
          .filter((one) => !one.matches('.markdown *, .skip:not(:focus)'))
          .map((one) => ({ one, box: one.getBoundingClientRect() }))
          .filter(({ box }) => Math.min(box.width, box.height) < 43.9)
          .map(({ one, box }) => `${one.outerHTML.slice(0, 120)} ${box.width}×${box.height}`);
      });
    expect(await small()).toEqual([]);
    await chat.signIn();
    expect(await small()).toEqual([]);
    await chat.ask('touch');
    await chat.over();
    expect(await small()).toEqual([]);
    await chat.ask('touch and fail');
    await expect(chat.alert).toBeVisible();
    expect(await small()).toEqual([]);
    await page.getByRole('button', { name: 'Open the menu' }).click();
    expect(await small()).toEqual([]);
    await chat.openSettings();
    expect(await small()).toEqual([]);
  });
});
