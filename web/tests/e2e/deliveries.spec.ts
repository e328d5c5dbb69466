/** The same chat page over each delivery: token by token, resumed, stopped, cut, refused. */

import { expectAccessible } from './support/accessible';
import { dropConnections, SENT_WHILE_CLOSING, watchConnections } from './support/connections';
import { Chat, expect, expectOnly, test } from './support/fixtures';

const TOKENS = ['Rivers ', 'meander ', 'because ', 'banks ', 'erode ', 'unevenly.'];
const WHOLE = TOKENS.join('');

for (const [label, requests] of [
  ['AppSync', /\/graphql$/],
  ['Function URL', /\/function-urls\/function-url\//],
  ['WebSocket', /\/websocket\/dev\?/],
] as const) {
  test.describe(`over ${label}`, () => {
    test.beforeEach(async ({ page, site, stack }) => {
      await watchConnections(page);
      const chat = new Chat(page, site, stack);
      await chat.signIn();
      await chat.deliverBy(label);
    });

    test('an answer comes token by token, over this delivery and no other', async ({
      page,
      site,
      stack,
      model,
    }) => {
      const chat = new Chat(page, site, stack);
      const asked: string[] = [];
      page.on('request', (request) => {
        const url = request.url();
        // Conversations, and in a long silence the record, are read over AppSync by whichever delivery.
        const isRead = !/startStream|stopStream/.test(request.postData() ?? '');
        if (!url.endsWith('/graphql') || !isRead) asked.push(url);
      });
      page.on('websocket', (socket) => {
        socket.on('framesent', ({ payload }) => {
          if (/onTokenReceived|"action"/.test(payload.toString())) asked.push(socket.url());
        });
      });
      model.answer('held half way', { tokens: TOKENS, holdAfter: 3 });
      await chat.ask('held half way');
      await expect(chat.text).toHaveText('Rivers meander because');
      model.release('held half way');
      await chat.over();
      await expect(chat.text).toHaveText(WHOLE);
      await expect(chat.answer).toContainText('7 + 6 tokens');
      // Signing in, and renewing tokens, is Cognito's.
      const others = asked.filter((url) => /graphql|function-urls|websocket/.test(url));
      expect(others.length).toBeGreaterThan(0);
      if (label !== 'AppSync') expect(others.filter((url) => !requests.test(url))).toEqual([]);
    });

    test('a reload in the middle resumes the same answer', async ({ page, site, stack, model }) => {
      const chat = new Chat(page, site, stack);
      model.answer('reload me', { tokens: TOKENS, holdAfter: 3 });
      await chat.ask('reload me');
      await expect(chat.text).toHaveText('Rivers meander because');
      await page.reload();
      await expect(chat.text).toHaveText('Rivers meander because');
      await chat.openSettings();
      await expect(chat.delivery.locator('option:checked')).toHaveText(label);
      await page.keyboard.press('Escape');
      // The key closed the settings, and stopped nothing.
      await expect(chat.delivery).toHaveCount(0);
      await expect(chat.stop).toBeEnabled();
      model.release('reload me');
      await chat.over();
      await expect(chat.text).toHaveText(WHOLE);
    });

    test('Stop ends the model and keeps the text', async ({ page, site, stack, model }) => {
      const chat = new Chat(page, site, stack);
      const prompt = `stop me over ${label}`;
      model.answer(prompt, { tokens: TOKENS, holdAfter: 2 });
      await chat.ask(prompt);
      await expect(chat.text).toHaveText('Rivers meander');
      await chat.stop.click();
      await chat.over();
      await expect(chat.text).toHaveText('Rivers meander');
      await expect(chat.answer).toContainText('stopped');
      await expect.poll(() => model.dropped(prompt)).toBe(1);
    });

    test('a lost connection comes back, and nothing is missing', async ({
      page,
      site,
      stack,
      model,
      complaints,
    }) => {
      const chat = new Chat(page, site, stack);
      model.answer('drop me', { tokens: TOKENS, holdAfter: 3 });
      await chat.ask('drop me');
      await expect(chat.text).toHaveText('Rivers meander because');
      await dropConnections(page);
      model.release('drop me');
      await chat.over();
      await expect(chat.text).toHaveText(WHOLE);
      expectOnly(complaints, SENT_WHILE_CLOSING);
    });

    test('what the model refuses is said, and may be asked again', async ({
      page,
      site,
      stack,
      model,
    }) => {
      const chat = new Chat(page, site, stack);
      model.answer('refuse me', { tokens: [], refuse: 400 });
      await chat.ask('refuse me');
      await expect(page.getByRole('alert')).toBeVisible();
      await expect(chat.question).toBeEditable();
    });

    test('a prompt that is refused says so, after a reload, too', async ({
      page,
      site,
      stack,
      complaints,
    }) => {
      const chat = new Chat(page, site, stack);
      await chat.ask('x'.repeat(100_001));
      await expect(chat.alert).toContainText('INVALID_PROMPT');
      await page.reload();
      await expect(chat.alert).toContainText('can’t be sent');
      await chat.over();
      await expect(chat.question).toBeEditable();
      expectOnly(complaints, /status of 4\d\d/);
    });
  });
}

test('an answer that began over one delivery goes on over another, on another device', async ({
  chat,
  model,
  browser,
  site,
  stack,
}) => {
  model.answer('over to you', { tokens: TOKENS, holdAfter: 3 });
  await chat.deliverBy('WebSocket');
  await chat.ask('over to you');
  await expect(chat.text).toHaveText('Rivers meander because');
  const other = await browser.newContext();
  const second = new Chat(await other.newPage(), site, stack);
  await second.signIn();
  await second.deliverBy('Function URL');
  await second.page.goto(chat.page.url());
  await expect(second.text).toHaveText('Rivers meander because');
  model.release('over to you');
  await chat.over();
  await second.over();
  await expect(chat.text).toHaveText(WHOLE);
  await expect(second.text).toHaveText(WHOLE);
  await other.close();
});

test('the choice is in the settings, for the keyboard and screen readers, on a narrow screen as well', async ({
  chat,
  page,
}) => {
  await expect(chat.delivery).toHaveCount(0);
  await chat.openSettings();
  await expect(chat.delivery).toHaveAccessibleName('Delivery');
  await expect(chat.delivery.getByRole('option')).toHaveText([
    'AppSync',
    'Function URL',
    'WebSocket',
  ]);
  await chat.delivery.focus();
  await page.keyboard.press('ArrowDown');
  await expect(chat.delivery).toHaveValue('url');
  await expectAccessible(page);
  await page.setViewportSize({ width: 390, height: 780 });
  await expect(chat.delivery).toBeVisible();
  await expectAccessible(page);
});

test('where there is no choice, none is shown', async ({ page, site, stack }) => {
  await page.route('**/amplify_outputs.json', async (route) => {
    const response = await route.fetch();
    const { tokencast } = ((await response.json()) as { custom: { tokencast: object } }).custom;
    const outputs = (await response.json()) as object;
    await route.fulfill({ response, json: { ...outputs, custom: { tokencast } } });
  });
  const chat = new Chat(page, site, stack);
  // What was chosen where there was a choice is no reason to fail.
  await page.addInitScript(() => {
    localStorage.setItem('tokencast.delivery', 'websocket');
  });
  await chat.signIn();
  await chat.openSettings();
  await expect(page.getByRole('dialog', { name: 'Settings' })).toBeVisible();
  await expect(chat.delivery).toHaveCount(0);
});
