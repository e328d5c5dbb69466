/** A conversation, as its user knows it: follow-up questions, versions, and the list of all. */

import { Chat, expect, listenToComplaints, test } from './support/fixtures';

const TOKENS = ['Rivers ', 'meander ', 'because ', 'banks ', 'erode.'];
const WHOLE = TOKENS.join('');

test('follow-up questions are turns of one conversation, and a reload brings all of them', async ({
  chat,
  model,
}) => {
  const { page } = chat;
  model.answer('first question', { tokens: ['One.'] });
  model.answer('second question', { tokens: ['Two.'] });
  await chat.ask('first question');
  await chat.over();
  const address = page.url();
  expect(address).toMatch(/#\/c\/[0-9a-f-]{36}$/);
  await chat.ask('second question');
  await chat.over();
  await expect(chat.text).toHaveText('Two.');
  expect(page.url()).toBe(address);
  await expect(chat.answers).toHaveCount(2);
  await expect(chat.list.getByRole('link', { name: 'first question' })).toHaveCount(1);
  await page.reload();
  await expect(chat.answers).toHaveCount(2);
  await expect(chat.answers.nth(0).locator('.markdown')).toHaveText('One.');
  await expect(chat.text).toHaveText('Two.');
  await expect(chat.questions).toContainText(['first question', 'second question']);
  await expect(page).toHaveTitle(/first question/);
});

test('a question that is edited becomes a version, and both can be seen', async ({
  chat,
  model,
}) => {
  const { page } = chat;
  model.answer('about rivers', { tokens: ['Rivers.'] });
  model.answer('about lakes', { tokens: ['Lakes.'] });
  model.answer('and then', { tokens: ['Then.'] });
  await chat.ask('about rivers');
  await chat.over();
  await chat.ask('and then');
  await expect(chat.text).toHaveText('Then.');
  await chat.over();
  await chat.questions.nth(0).hover();
  await page.getByRole('button', { name: 'Edit the question' }).first().click();
  const field = page.getByRole('textbox', { name: 'The question, edited' });
  await expect(field).toHaveValue('about rivers');
  await field.fill('about lakes');
  await field.press('Enter');
  await expect(chat.answers).toHaveCount(1);
  await expect(chat.text).toHaveText('Lakes.');
  await chat.over();
  const versions = page.getByRole('group', { name: 'Versions' });
  await expect(versions).toContainText('2 of 2');
  await versions.getByRole('button', { name: 'Previous version' }).click();
  // What followed the first version is there again.
  await expect(chat.answers).toHaveCount(2);
  await expect(chat.questions.nth(0)).toContainText('about rivers');
  await expect(chat.text).toHaveText('Then.');
  await expect(versions).toContainText('1 of 2');
  // The keyboard is where it was.
  await expect(versions.getByRole('button', { name: 'Previous version' })).toBeFocused();
  await versions.getByRole('button', { name: 'Next version' }).click();
  await expect(chat.text).toHaveText('Lakes.');
});

test('an edit that is given up changes nothing', async ({ chat, model }) => {
  model.answer('stays', { tokens: ['It stays.'], holdAfter: 1 });
  await chat.ask('stays');
  await expect(chat.text).toHaveText('It stays.');
  await chat.page.getByRole('button', { name: 'Edit the question' }).click();
  const field = chat.page.getByRole('textbox', { name: 'The question, edited' });
  await field.fill('something else');
  await field.press('Escape');
  await expect(chat.questions).toContainText('stays');
  // Nor does Escape stop the answer then.
  model.release('stays');
  await chat.over();
  await expect(chat.answer).not.toContainText('stopped');
});

test('an answer that is asked for again becomes a version', async ({ chat, model }) => {
  const { page } = chat;
  model.answer('again', { tokens: ['Once.'] });
  await chat.ask('again');
  await chat.over();
  model.answer('again', { tokens: ['Twice.'] });
  await page.getByRole('button', { name: 'Answer again' }).click();
  await expect(chat.text).toHaveText('Twice.');
  await chat.over();
  const versions = page.getByRole('group', { name: 'Versions' });
  await expect(versions).toContainText('2 of 2');
  await page.reload();
  await expect(chat.text).toHaveText('Twice.');
  await versions.getByRole('button', { name: 'Previous version' }).click();
  await expect(chat.text).toHaveText('Once.');
});

test('a second tab follows: the list, the turn before its first token, and its end', async ({
  chat,
  model,
  context,
  site,
  stack,
}) => {
  model.answer('to begin', { tokens: ['Begun.'] });
  model.answer('in the other tab', { tokens: TOKENS, holdAfter: 0 });
  const second = new Chat(await context.newPage(), site, stack);
  const complaints: string[] = [];
  listenToComplaints(second.page, complaints);
  await second.page.goto(site);
  await expect(second.question).toBeVisible();
  await chat.ask('to begin');
  await chat.over();
  await second.list.getByRole('link', { name: 'to begin' }).click();
  await expect(second.text).toHaveText('Begun.');
  await chat.ask('in the other tab');
  await expect(second.questions).toContainText(['to begin', 'in the other tab']);
  await expect(second.answer).toHaveAttribute('aria-busy', 'true');
  model.release('in the other tab');
  await second.over();
  await expect(second.text).toHaveText(WHOLE);
  expect(complaints).toEqual([]);
});

test('a conversation that another tab deletes says so, and leaves the list', async ({
  chat,
  model,
  context,
  site,
  stack,
}) => {
  model.answer('to be deleted', { tokens: ['Soon gone.'] });
  await chat.ask('to be deleted');
  await chat.over();
  const second = new Chat(await context.newPage(), site, stack);
  await second.page.goto(chat.page.url());
  await expect(second.text).toHaveText('Soon gone.');
  await second.menu('More about this conversation', 'Delete');
  const dialog = second.page.getByRole('dialog', { name: 'Delete this conversation?' });
  await expect(dialog).toContainText('can’t be brought back');
  await dialog.getByRole('button', { name: 'Keep it' }).click();
  await expect(second.text).toHaveText('Soon gone.');
  await second.menu('More about this conversation', 'Delete');
  await dialog.getByRole('button', { name: 'Delete for good' }).click();
  await expect(second.page.getByText('What would you like to know?')).toBeVisible();
  await expect(second.list.getByRole('link', { name: 'to be deleted' })).toHaveCount(0);
  await expect(chat.alert).toContainText('This conversation was deleted.');
  await expect(chat.answers).toHaveCount(0);
  await expect(chat.list.getByRole('link', { name: 'to be deleted' })).toHaveCount(0);
  await chat.page.reload();
  await expect(chat.alert).toContainText(/deleted|no conversation of yours/);
});

test('a title can be changed in the list and above the conversation, and is everywhere at once', async ({
  chat,
  model,
  context,
  site,
  stack,
}) => {
  model.answer('a first title', { tokens: ['Yes.'] });
  await chat.ask('a first title');
  await chat.over();
  const second = new Chat(await context.newPage(), site, stack);
  await second.page.goto(chat.page.url());
  await expect(second.text).toHaveText('Yes.');
  await chat.menu('More about “a first title”', 'Rename');
  const field = chat.page.getByRole('textbox', { name: 'Title' });
  await expect(field).toHaveValue('a first title');
  await field.fill('A better title');
  await field.press('Enter');
  for (const tab of [chat, second]) {
    await expect(tab.list.getByRole('link', { name: 'A better title' })).toHaveCount(1);
    await expect(tab.page.getByRole('heading', { level: 1 })).toHaveText('A better title');
    await expect(tab.page).toHaveTitle('A better title · Tokencast');
  }
  await chat.menu('More about this conversation', 'Rename');
  await field.fill('Given up');
  await field.press('Escape');
  await expect(chat.page.getByRole('heading', { level: 1 })).toHaveText('A better title');
});

test('a search finds titles whatever their capitals and accents', async ({ chat, model }) => {
  const { page } = chat;
  for (const prompt of ['Über Flüsse', 'About lakes']) {
    model.answer(prompt, { tokens: ['Well.'] });
    await page.getByRole('link', { name: 'New conversation' }).click();
    await chat.ask(prompt);
    await chat.over();
    await expect(chat.list.getByRole('link', { name: prompt })).toHaveCount(1);
  }
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('searchbox')).toBeFocused();
  await page.keyboard.type('uber fl');
  await expect(chat.list.getByRole('link', { name: 'About lakes' })).toHaveCount(0);
  await expect(chat.list.getByRole('link', { name: 'Über Flüsse' })).toHaveCount(1);
  await page.keyboard.press('Escape');
  await expect(chat.list.getByRole('link', { name: 'About lakes' })).toHaveCount(1);
  await page.getByRole('searchbox').fill('nowhere to be found');
  await expect(chat.list).toContainText('No title has these words.');
});

for (const [format, ending, content] of [
  ['Markdown', 'md', /Exported\./],
  ['JSON', 'json', /"turns"/],
] as const) {
  test(`a conversation is exported as ${format}`, async ({ chat, model }) => {
    model.answer(`export ${format}`, { tokens: ['Exported.'] });
    await chat.ask(`export ${format}`);
    await chat.over();
    const saved = chat.page.waitForEvent('download');
    await chat.menu('More about this conversation', `Export as ${format}`);
    const download = await saved;
    expect(download.suggestedFilename()).toBe(`export ${format}.${ending}`);
    const stream = await download.createReadStream();
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const document = Buffer.concat(chunks).toString();
    expect(document).toMatch(content);
    if (format === 'JSON') expect(() => JSON.parse(document) as unknown).not.toThrow();
  });
}

test('what is written belongs to its conversation', async ({ chat, model }) => {
  const { page } = chat;
  model.answer('with a draft', { tokens: ['Well.'] });
  await chat.ask('with a draft');
  await chat.over();
  await chat.question.fill('half a question');
  await page.getByRole('link', { name: 'New conversation' }).click();
  await expect(chat.question).toHaveValue('');
  await chat.list.getByRole('link', { name: 'with a draft' }).click();
  await expect(chat.question).toHaveValue('half a question');
  await page.reload();
  await expect(chat.question).toHaveValue('half a question');
});

test('an address of no conversation says so', async ({ chat, site }) => {
  await chat.page.goto(`${site}#/c/0f8fad5b-d9cb-469f-a165-70867728950e`);
  await expect(chat.alert).toContainText('no conversation of yours');
  await chat.alert.getByRole('link', { name: 'New conversation' }).click();
  await expect(chat.page.getByText('What would you like to know?')).toBeVisible();
});
