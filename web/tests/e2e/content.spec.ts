/** What an answer has beside its text, and conversations that are long or many. */

import { expectAccessible } from './support/accessible';
import { expect, ownerOf, test } from './support/faked';
import { expectOnly } from './support/fixtures';

test('reasoning is folded away: thinking while it goes on, and how long it took', async ({
  chat,
  fake,
}) => {
  fake.answer('reason', {
    pieces: [{ reasoning: 'Banks ' }, { reasoning: 'erode.' }, { text: 'Because of erosion.' }],
    holdAfter: 2,
  });
  await chat.ask('reason');
  const summary = chat.answer.getByText('Thinking …');
  await expect(summary).toBeVisible();
  await expect(chat.answer.getByRole('group', { name: 'Reasoning' })).toHaveCount(0);
  await summary.click();
  await expect(chat.answer.getByRole('group', { name: 'Reasoning' })).toHaveText('Banks erode.');
  await expectAccessible(chat.page);
  fake.release('reason');
  await chat.over();
  await expect(chat.answer.locator('summary', { hasText: /^Thought for/ })).toBeVisible();
  await expect(chat.text).toHaveText('Because of erosion.');
  await chat.page.reload();
  await expect(chat.answer.getByText('Thought for 12 s')).toBeVisible();
  await expect(chat.text).toHaveText('Because of erosion.');
  await expect(chat.answer).not.toContainText('Banks erode.');
});

test('reasoning that is kept from the reader is said', async ({ chat, fake }) => {
  fake.answer('hidden', { pieces: [{ reasoning: '' }, { text: 'Done.' }], holdAfter: 1 });
  await chat.ask('hidden');
  await expect(chat.answer).toContainText('Thinking, not shown');
  fake.release('hidden');
  await chat.over();
  await expect(chat.answer).toContainText(/Thought.*, not shown/);
  await expect(chat.text).toHaveText('Done.');
});

test('citations are marks in the text, and sources below it', async ({ chat, fake }) => {
  const { page } = chat;
  const rivers = { title: 'On rivers', url: 'https://rivers.example/a', text: 'Banks erode.' };
  fake.answer('cite', {
    pieces: [
      { text: 'Rivers **meander.**' },
      { citation: rivers },
      { text: ' They are long.' },
      { citation: { title: 'A trap', url: 'javascript:alert(1)' } },
      { text: '\n\nAgain.' },
      { citation: rivers },
    ],
  });
  await chat.ask('cite');
  await chat.over();
  const marks = chat.text.getByRole('button', { name: /^Source/ });
  await expect(marks).toHaveText(['1', '2', '1']);
  await expect(chat.text.locator('strong')).toHaveText('meander.');
  const sources = chat.answer.getByRole('region', { name: 'Sources' });
  await expect(sources.getByRole('listitem')).toHaveText([/On rivers.*rivers\.example/, 'A trap']);
  const link = sources.getByRole('link');
  await expect(link).toHaveCount(1);
  await expect(link).toHaveAttribute('href', 'https://rivers.example/a');
  await expect(link).toHaveAttribute('target', '_blank');
  await expect(link).toHaveAttribute('rel', /noopener noreferrer/);
  // By the keyboard: opened, read, closed.
  await marks.first().focus();
  await page.keyboard.press('Enter');
  const open = page.locator('.citation:popover-open');
  await expect(open).toContainText('Banks erode.');
  await expect(open).toBeInViewport({ ratio: 1 });
  await page.keyboard.press('Tab');
  await expect(open.getByRole('link')).toBeFocused();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await expect(open).toHaveCount(0);
  await page.getByRole('button', { name: 'Copy the answer' }).click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toBe('Rivers **meander.** They are long.\n\nAgain.');
});

test('figures of the cache are in the details', async ({ chat, fake }) => {
  const usage = { inputTokens: 1_200, outputTokens: 6, totalTokens: 1_206 };
  fake.answer('cached', {
    pieces: [{ text: 'Yes.' }],
    usage: { ...usage, cacheReadInputTokens: 1_000, cacheWriteInputTokens: 0 },
  });
  await chat.ask('cached');
  await chat.over();
  const term = chat.answer.getByText('of it from the cache');
  await expect(term).toBeHidden();
  await chat.answer.getByText('1200 + 6 tokens').click();
  await expect(term).toBeVisible();
  await expect(chat.answer).toContainText('1,000 tokens');
});

test('a title that can’t be changed is the old one again, and so is a conversation that can’t be deleted', async ({
  chat,
  fake,
  complaints,
}) => {
  const { page } = chat;
  const owner = await ownerOf(page);
  fake.conversations.add(owner, 'Stays as it is', [{ prompt: 'q', text: 'a' }]);
  await page.reload();
  const link = chat.list.getByRole('link', { name: 'Stays as it is' });
  await expect(link).toBeVisible();
  await page.route('**/graphql', async (route) => {
    const isChange = /renameConversation|deleteConversation|exportConversation/.test(
      route.request().postData() ?? '',
    );
    if (isChange) await route.abort();
    else await route.continue();
  });
  await chat.menu('More about “Stays as it is”', 'Rename');
  await page.getByRole('textbox', { name: 'Title' }).fill('Another');
  await page.keyboard.press('Enter');
  await expect(chat.alert).toContainText('The title could not be changed');
  await expect(link).toBeVisible();
  await chat.menu('More about “Stays as it is”', 'Export as JSON');
  await expect(chat.alert).toContainText('could not be exported');
  await chat.menu('More about “Stays as it is”', 'Delete');
  await page.getByRole('button', { name: 'Delete for good' }).click();
  await expect(chat.alert).toContainText('could not be deleted');
  await expect(link).toBeVisible();
  await chat.alert.getByRole('button', { name: 'Close' }).click();
  await expect(chat.alert).toHaveCount(0);
  expectOnly(complaints, /ERR_FAILED/);
});

test('a first question that was refused stays in this browser, until it is changed or discarded', async ({
  chat,
  fake,
}) => {
  const { page } = chat;
  const long = `too long ${'x'.repeat(100_000)}`;
  fake.answer('short enough', { pieces: [{ text: 'Yes.' }] });
  await chat.ask(long);
  await expect(chat.alert).toContainText('can’t be sent as it is');
  const entry = chat.list.getByRole('list', { name: 'Not sent' });
  await expect(entry).toContainText('too long');
  await page.reload();
  await expect(chat.alert).toContainText('can’t be sent as it is');
  await page.getByRole('link', { name: 'New conversation' }).click();
  await entry.getByRole('link').click();
  await chat.alert.getByRole('button', { name: 'Change the question' }).click();
  const field = page.getByRole('textbox', { name: 'The question, edited' });
  await field.fill('short enough');
  await field.press('Enter');
  await chat.over();
  await expect(chat.text).toHaveText('Yes.');
  await expect(entry).toHaveCount(0);
  await page.reload();
  await expect(chat.text).toHaveText('Yes.');
  await expect(page.getByRole('group', { name: 'Versions' })).toHaveCount(0);

  await page.getByRole('link', { name: 'New conversation' }).click();
  await chat.ask(long);
  await entry.getByRole('button', { name: /^Discard/ }).click();
  await expect(entry).toHaveCount(0);
  await expect(page.getByText('What would you like to know?')).toBeVisible();
});

test('the list is read page by page, and a search looks through all of it', async ({
  chat,
  fake,
}) => {
  const { page } = chat;
  const owner = await ownerOf(page);
  for (let at = 0; at < 150; at += 1) {
    fake.conversations.add(owner, `Conversation ${at};`, [{ prompt: 'q', text: 'a' }], at * 1_000);
  }
  await page.reload();
  await expect(chat.list.getByRole('link', { name: 'Conversation 0;' })).toBeVisible();
  await expect(chat.list.getByRole('link', { name: 'Conversation 140;' })).toHaveCount(0);
  await page.getByRole('searchbox').fill('conversation 140;');
  await expect(chat.list.getByRole('link', { name: 'Conversation 140;' })).toBeVisible();
  await expect(chat.list.getByRole('link', { name: 'Conversation 0;' })).toHaveCount(0);
  await page.reload();
  await expect(chat.list.getByRole('link', { name: 'Conversation 0;' })).toBeVisible();
  const last = chat.list.getByRole('link', { name: 'Conversation 149;' });
  await expect
    .poll(async () => {
      await chat.list.locator('.list-end').scrollIntoViewIfNeeded();
      return last.count();
    })
    .toBe(1);
});

test('of 200 turns only those near what is in sight are rendered', async ({ chat, fake }) => {
  const { page } = chat;
  const turns = Array.from({ length: 200 }, (_, at) => ({
    prompt: `Question ${at};`,
    text: `**Answer ${at};** ${'with many words '.repeat(40)}`,
  }));
  const id = fake.conversations.add(await ownerOf(page), 'A long one', turns);
  await page.goto(`${page.url().replace(/#.*/, '')}#/c/${id}`);
  await expect(chat.answers).toHaveCount(200);
  await expect(chat.answer.locator('strong')).toHaveText('Answer 199;');
  await expect(chat.answer).toBeInViewport();
  const rendered = page.locator('.answer .markdown:not(.plain)');
  expect(await rendered.count()).toBeLessThan(60);
  // What is not rendered yet is there to be found.
  await expect(chat.answers.nth(20)).toContainText('**Answer 20;**');
  await chat.answers.nth(20).scrollIntoViewIfNeeded();
  await expect(chat.answers.nth(20).locator('strong')).toHaveText('Answer 20;');
  expect(await rendered.count()).toBeLessThan(120);
});

test.describe('320 px wide', () => {
  test.use({ viewport: { width: 320, height: 640 } });

  test('reasoning, sources, versions and menus find their place', async ({ chat, fake }) => {
    const { page } = chat;
    const overflow = (): Promise<number> =>
      page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    const url = `https://a-long-name-of-a-site.example/${'path'.repeat(30)}`;
    fake.answer('narrow', {
      pieces: [
        { reasoning: 'Hm. '.repeat(50) },
        { text: 'Words.' },
        { citation: { title: 'An extraordinarily long title of a source', url } },
        { text: ' More.' },
      ],
    });
    await chat.ask(`narrow ${'incomprehensibilities'.repeat(5)}`);
    await chat.over();
    await page.getByRole('button', { name: 'Answer again' }).click();
    await expect(page.getByRole('group', { name: 'Versions' })).toContainText('2 of 2');
    await chat.over();
    await chat.answer.locator('summary', { hasText: /^Thought for/ }).click();
    await expect(chat.answer.getByRole('group', { name: 'Reasoning' })).toBeVisible();
    expect(await overflow()).toBeLessThanOrEqual(0);
    await chat.text.getByRole('button', { name: /^Source 1/ }).click();
    await expect(page.locator('.citation:popover-open')).toBeInViewport({ ratio: 1 });
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'More about this conversation' }).click();
    const menu = page.getByRole('menu');
    await expect(menu).toBeInViewport({ ratio: 1 });
    await expectAccessible(page);
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Delete this conversation?' });
    await expect(dialog).toBeInViewport({ ratio: 1 });
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Open the menu' }).click();
    await expect(chat.list.getByRole('link', { name: /narrow/ })).toBeVisible();
    expect(await overflow()).toBeLessThanOrEqual(0);
    await expectAccessible(page);
  });
});
