/** The playground: query, mutation and subscription against the stack, as the user who is signed in. */

import type { Locator, Page } from '@playwright/test';

import { startTokencast } from '../examples/tokencast';
import { expectAccessible } from './support/accessible';
import { Chat, expect, listenToComplaints, test } from './support/fixtures';
import { SCREENSHOTS } from './support/screenshots';

const HOURS_MS = 3_600_000;
const TOKENS = ['Rivers ', 'meander ', 'because ', 'banks ', 'erode ', 'unevenly.'];

test('its examples work: subscribe, start, read, stop', async ({ chat, model, context }) => {
  const { page } = chat;
  let acknowledged = 0;
  page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => {
      if (payload.toString().includes('start_ack')) acknowledged += 1;
    });
  });
  model.answer('Why do rivers meander?', { tokens: TOKENS, holdAfter: 3 });
  await page.getByRole('link', { name: 'GraphQL playground' }).click();
  await choose(page, 'OnTokenReceived');
  await run(page).click();
  await expect(page.getByRole('button', { name: /Stop query/ })).toBeVisible();

  const second = await context.newPage();
  const complaints: string[] = [];
  listenToComplaints(second, complaints);
  await second.goto(page.url());
  await choose(second, 'StartStream');
  await run(second).click();
  await expect(result(second)).toContainText('streaming_started');
  await expect(result(page)).toContainText('because');
  await page.screenshot({ path: `${SCREENSHOTS}playground.png` });
  model.release('Why do rivers meander?');
  await expect(result(page)).toContainText('COMPLETED');
  // Every event is there, from the last to the first.
  await expect(result(page)).toContainText('"eventCount"');
  const shown = await wholeResponse(page);
  expect(shown.newestFirst).toHaveLength(shown.eventCount);
  const tokens = shown.newestFirst.map(({ data }) => data.onTokenReceived.token).reverse();
  expect(tokens.join('')).toBe(TOKENS.join(''));

  await choose(second, 'GetStream');
  await run(second).click();
  await expect(result(second)).toContainText('Rivers meander because banks erode unevenly.');
  await choose(second, 'StopStream');
  await run(second).click();
  await expect(result(second)).toContainText('stopStream');

  // The start has begun a conversation, which the other examples are about.
  for (const [name, variable, answer] of [
    ['Conversations', 'limit', '"title": "Why do rivers meander?"'],
    ['Conversation', '"id"', '"prompt": "Why do rivers meander?"'],
    ['ExportConversation', 'format', '# Why do rivers meander?'],
  ] as const) {
    await choose(second, name, variable);
    await run(second).click();
    await expect(result(second)).toContainText(answer);
  }
  for (const [name, variable, change, its, kind] of [
    ['OnConversationUpdated', 'conversationId', 'RenameConversation', 'title', 'RENAMED'],
    ['OnConversationsUpdated', 'owner', 'DeleteConversation', '"id"', 'DELETED'],
  ] as const) {
    await choose(page, name, variable);
    const before = acknowledged;
    await run(page).click();
    await expect.poll(() => acknowledged).toBeGreaterThan(before);
    await choose(second, change, its);
    await run(second).click();
    await expect(result(page)).toContainText(kind);
  }
  expect(complaints).toEqual([]);
});

test('it knows the schema, and shows what it sends', async ({ chat, stack }) => {
  const { page } = chat;
  await page.getByRole('link', { name: 'GraphQL playground' }).click();
  await choose(page, 'GetStream');
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  await page.getByRole('link', { name: 'Subscription' }).click();
  await expect(page.getByRole('link', { name: 'onTokenReceived' })).toBeVisible();

  await page.getByText('Headers', { exact: true }).first().click();
  await expect(page.getByRole('definition').filter({ hasText: /^eyJ/ })).toHaveCount(2);
  await expect(page.getByText(`POST ${stack.graphqlUrl}`)).toBeVisible();
  // GraphiQL's tabs have their buttons within.
  await expectAccessible(page, ['.graphiql-tab']);
  await page.getByRole('button', { name: 'Copy as curl' }).click();
  const curl = await page.evaluate(() => navigator.clipboard.readText());
  expect(curl).toContain(`curl '${stack.graphqlUrl}'`);
  expect(curl).toContain('Authorization: eyJ');
});

test('what the API refuses is shown as it says it', async ({ chat }) => {
  const { page } = chat;
  await page.getByRole('link', { name: 'GraphQL playground' }).click();
  await choose(page, 'GetStream');
  await page.locator('.graphiql-query-editor .view-line').first().click();
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(
    'mutation { publishToken(sessionId: "a", token: "b", isComplete: true) { token } }',
  );
  await run(page).click();
  await expect(result(page)).toContainText('Not Authorized to access publishToken');
});

for (const path of ['#/playground', 'playground', 'playground/']) {
  test(`it is at ${path}`, async ({ chat, site }) => {
    const { page } = chat;
    await page.goto(`${site}${path}`);
    await expect(page.getByRole('heading', { name: 'GraphQL playground' })).toBeVisible();
    await expect.poll(() => page.url()).toBe(`${site}#/playground`);
    await page.getByRole('link', { name: 'To the chat page' }).click();
    await expect(chat.question).toBeVisible();
  });
}

test('it is in a folder of files as well', async ({ chat, site }) => {
  const { page } = chat;
  // As a server of files answers, which knows of nothing but what is there.
  await page.goto(`${site}playground/index.html`);
  await expect.poll(() => page.url()).toBe(`${site}#/playground`);
});

test('a token that the API takes no more is renewed', async ({ page, context, site }) => {
  const own = await startTokencast();
  await own.script({ tokens: TOKENS });
  await context.route('**/amplify_outputs.json', async (route) => {
    await route.fulfill({
      response: await route.fetch({ url: `${own.url}/amplify_outputs.json` }),
    });
  });
  let acknowledged = 0;
  page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => {
      if (payload.toString().includes('start_ack')) acknowledged += 1;
    });
  });
  await new Chat(page, site, own).signIn();
  await page.getByRole('link', { name: 'GraphQL playground' }).click();
  await choose(page, 'OnTokenReceived');
  // Long after the token's end, by the API's clock.
  await own.advanceClock(2 * HOURS_MS);
  await run(page).click();
  await expect.poll(() => acknowledged).toBeGreaterThan(0);

  const second = await context.newPage();
  await second.goto(page.url());
  await choose(second, 'StartStream');
  await run(second).click();
  await expect(result(second)).toContainText('streaming_started');
  await expect(result(page)).toContainText('COMPLETED');

  await choose(second, 'GetStream');
  await own.advanceClock(2 * HOURS_MS);
  await run(second).click();
  await expect(result(second)).toContainText('Rivers meander because banks erode unevenly.');
  await second.close();
  await page.goto('about:blank');
  await own.stop();
});

async function choose(page: Page, name: string, variable = 'sessionId'): Promise<void> {
  // An editor that isn't there yet would begin with the first tab's text.
  const editor = page.locator('.graphiql-query-editor .view-line').first();
  await expect(editor).toBeVisible();
  // The one in front has its button's name behind its own.
  const tab = page.getByRole('tab', { name: new RegExp(`^${name}\\b`) });
  await tab.click();
  await expect(tab).toHaveAttribute('aria-selected', 'true');
  // Its text follows.
  await expect(page.locator('.graphiql-query-editor')).toContainText(name);
  await expect(page.locator('.graphiql-editor-tool').first()).toContainText(variable);
}

function run(page: Page): Locator {
  return page.getByRole('button', { name: /Execute query/ });
}

function result(page: Page): Locator {
  return page.locator('.graphiql-response');
}

interface Shown {
  eventCount: number;
  newestFirst: { data: { onTokenReceived: { token: string } } }[];
}

/** The editor has elements for the lines in sight only. */
async function wholeResponse(page: Page): Promise<Shown> {
  await page.bringToFront();
  await page.locator('.graphiql-response .view-line').first().click();
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Control+C');
  return JSON.parse(await page.evaluate(() => navigator.clipboard.readText())) as Shown;
}
