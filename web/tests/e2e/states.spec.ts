/** States that a person has to understand, from the first send to the last word. */

import { expect, expectOnly, test } from './support/fixtures';

const TOKENS = ['Rivers ', 'meander ', 'because ', 'banks ', 'erode ', 'unevenly.'];
const WHOLE = TOKENS.join('');
const DISCONNECTED = /ERR_INTERNET_DISCONNECTED/;

for (const [what, tokens] of [
  ['no tokens', []],
  ['blanks only', [' ', '\n\n', '  ']],
] as const) {
  test(`an answer of ${what} says so`, async ({ chat, model }) => {
    model.answer(what, { tokens: [...tokens] });
    await chat.ask(what);
    await chat.over();
    await expect(chat.answer).toContainText('The model had nothing to say to this.');
    await expect(chat.page.getByRole('button', { name: 'Answer again' })).toBeVisible();
    await expect(chat.page.getByRole('button', { name: 'Copy the answer' })).toHaveCount(0);
    await expect(chat.page.getByRole('status').filter({ hasText: 'nothing to say' })).toHaveCount(
      1,
    );
  });
}

test('a model that takes its time is said to', async ({ chat, model }) => {
  model.answer('slow', { tokens: TOKENS, holdAfter: 2 });
  await chat.ask('slow');
  await expect(chat.text).toHaveText('Rivers meander');
  await expect(chat.answer).toContainText('Waiting for the next words');
  model.release('slow');
  await chat.over();
  await expect(chat.answer).not.toContainText('Waiting');
});

test('a failure is said in words, and its code is in the details', async ({ chat, model }) => {
  model.answer('refused', { tokens: [], refuse: 400 });
  await chat.ask('refused');
  const code = chat.alert.locator('.code');
  await expect(chat.alert).toBeVisible();
  await expect(code).toBeHidden();
  await chat.alert.getByText('Details').click();
  await expect(code).toBeVisible();
  await expect(code).toHaveText(/^[A-Z_]+$/);
});

test('offline before the first send: the question waits, and goes by itself', async ({
  chat,
  model,
  context,
  complaints,
}) => {
  model.answer('later', { tokens: TOKENS });
  await context.setOffline(true);
  await chat.ask('later');
  await expect(chat.answer).toContainText('You are offline');
  await context.setOffline(false);
  await chat.over();
  await expect(chat.text).toHaveText(WHOLE);
  expectOnly(complaints, DISCONNECTED);
});

test('a question that was not sent is sent after a reload, and is not called gone', async ({
  chat,
  model,
  context,
  complaints,
}) => {
  const { page } = chat;
  model.answer('after a reload', { tokens: TOKENS });
  await context.setOffline(true);
  await chat.ask('after a reload');
  await expect(chat.answer).toContainText('You are offline');
  const address = page.url();
  await page.goto('about:blank');
  await context.setOffline(false);
  await page.goto(address);
  await chat.over();
  await expect(chat.text).toHaveText(WHOLE);
  expect(page.url()).toBe(address);
  expectOnly(complaints, DISCONNECTED);
});

test('a question that waits can be taken back', async ({ chat, context, complaints }) => {
  await context.setOffline(true);
  await chat.ask('better not');
  await expect(chat.answer).toContainText('You are offline');
  await chat.stop.click();
  await expect(chat.question).toHaveValue('better not');
  await expect(chat.page.getByRole('navigation')).not.toContainText('better not');
  await context.setOffline(false);
  await expect(chat.question).toHaveValue('better not');
  expectOnly(complaints, DISCONNECTED);
});

test('an API that can’t be reached: the question is kept, and sent again', async ({
  chat,
  model,
  complaints,
}) => {
  const { page } = chat;
  model.answer('unreachable', { tokens: TOKENS });
  let isReachable = false;
  await page.routeWebSocket(/realtime/, (socket) => {
    if (isReachable) socket.connectToServer();
    else void socket.close();
  });
  await page.route('**/graphql', (route) => route.abort());
  await chat.ask('unreachable');
  // The page's connection is there, so that only the start itself says that there is no way.
  await expect(chat.alert).toContainText('could not be sent', { timeout: 120_000 });
  isReachable = true;
  await page.unrouteAll();
  await chat.alert.getByRole('button', { name: 'Send again' }).click();
  await chat.over();
  await expect(chat.text).toHaveText(WHOLE);
  expectOnly(complaints, /ERR_FAILED|WebSocket/);
});

test('a resumed answer has no first-token time, and is not read aloud once more', async ({
  chat,
  model,
}) => {
  const { page } = chat;
  const tokens = ['First.\n\n', 'Second.\n\n', 'Third.\n\n', 'Fourth.'];
  model.answer('resume me', { tokens, holdAfter: 3 });
  await chat.ask('resume me');
  await expect(chat.text).toContainText('Third.');
  await page.reload();
  await expect(chat.text).toContainText('Third.');
  model.release('resume me');
  await chat.over();
  await expect(chat.answer).toContainText('tokens');
  await expect(chat.answer).not.toContainText('first token');
  const log = page.getByRole('log');
  await expect(log).toContainText('Fourth.');
  await expect(log).not.toContainText('First.');
  await page.reload();
  await chat.over();
  await expect(chat.text).toContainText('Fourth.');
  await expect(log).toHaveText('');
});

for (const [what, text] of [
  ['a paragraph', 'Some words'],
  ['a list', '- one\n- two'],
  ['code', '```js\nlet a;\n'],
  ['a table', '| a | b |\n|---|---|\n| c | d |\n'],
] as const) {
  test(`with reduced motion nothing blinks at the end of ${what}`, async ({ chat, model }) => {
    await chat.page.emulateMedia({ reducedMotion: 'reduce' });
    model.answer(what, { tokens: [text, ' '], holdAfter: 1 });
    await chat.ask(what);
    await expect(chat.text).toContainText(/words|two|let a|d/);
    const moving = await chat.page.evaluate(() =>
      document
        .getAnimations()
        .filter((one) => one.effect?.getTiming().iterations === Infinity)
        .map((one) => (one as CSSAnimation).animationName),
    );
    expect(moving).toEqual([]);
    model.release(what);
    await chat.over();
  });
}

test('a caret stands below code and tables as well', async ({ chat, model }) => {
  for (const [what, text] of [
    ['code below', '```js\nlet a;\n'],
    ['table below', '| a | b |\n|---|---|\n| c | d |\n'],
  ] as const) {
    model.answer(what, { tokens: [text, ' '], holdAfter: 1 });
    await chat.ask(what);
    await expect(chat.text).toContainText(/let a|d/);
    // Once it is rendered: what renders it is loaded when it is needed.
    const caret = () =>
      chat.text.evaluate((element) => getComputedStyle(element, '::after').content);
    await expect.poll(caret).toBe('""');
    model.release(what);
    await chat.over();
  }
});

test('signed out by expiry: the sign-in says so, and leads back', async ({
  chat,
  model,
  complaints,
}) => {
  const { page } = chat;
  model.answer('expire', { tokens: TOKENS });
  await chat.ask('expire');
  await chat.over();
  const address = page.url();
  // Cognito takes neither token any more.
  await page.route(
    (url) => !url.pathname.includes('.') && url.pathname === '/',
    async (route) => {
      const target = route.request().headers()['x-amz-target'] ?? '';
      if (!/InitiateAuth|GetTokensFromRefreshToken/.test(target)) {
        await route.fallback();
        return;
      }
      const json = { __type: 'NotAuthorizedException', message: 'Refresh Token has been revoked' };
      const headers = { 'access-control-allow-origin': '*', 'x-amzn-errortype': json.__type };
      await route.fulfill({ status: 400, json, headers });
    },
  );
  await page.evaluate(() => {
    for (const key of Object.keys(localStorage)) {
      if (!key.endsWith('.accessToken')) continue;
      const [head, body = '', signature] = (localStorage.getItem(key) ?? '').split('.');
      const claims = JSON.parse(atob(body.replaceAll('-', '+').replaceAll('_', '/'))) as object;
      const old = btoa(JSON.stringify({ ...claims, exp: 1 })).replaceAll('=', '');
      localStorage.setItem(key, `${head}.${old}.${signature}`);
    }
  });
  await page.reload();
  await expect(page.getByText('Your sign-in has expired')).toBeVisible();
  await page.unrouteAll();
  await chat.signInHere();
  await chat.over();
  await expect(chat.text).toHaveText(WHOLE);
  expect(page.url()).toBe(address);
  expectOnly(complaints, /status of 400/);
});
