/** The pictures of the README, made from what the tests see. */

import { Chat, expect, test } from './support/fixtures';
import { SCREENSHOTS } from './support/screenshots';

const ANSWER = `Rivers meander because a straight channel is **unstable**: the smallest bend grows by itself.

### How a bend grows

1. Water at the outside of a bend flows faster, and wears the bank away.
2. On the inside it slows down and drops its sand: a *point bar*.
3. The bend becomes wider, and the next one begins where the current swings back.

| place | current | what happens |
|---|---|---|
| outer bank | fast | erosion |
| inner bank | slow | deposit |

- [x] Sand moves to the inner bank
- [ ] The neck is cut through

The length of a meander follows its width almost everywhere:

\`\`\`python
def wavelength(width_m: float) -> float:
    return 11 * width_m  # Leopold and Wolman, 1960
\`\`\`

In the end the neck is cut through, and an oxbow lake remains.`;

const tokens = ANSWER.match(/\s*\S+/g) ?? [];

test.use({ deviceScaleFactor: 1 });

test('light, dark, and on a phone', async ({ chat, model, browser, site, stack }) => {
  for (const [prompt, holdAfter] of [
    ['Why do rivers meander?', undefined],
    ['How long is a meander?', 96],
  ] as const) {
    model.answer(prompt, { tokens, ...(holdAfter === undefined ? {} : { holdAfter }) });
  }
  for (const earlier of [
    'Compare SQS with Kafka in a table.',
    'What does a lease protect against?',
    'Write a haiku about a queue that never empties.',
  ]) {
    model.answer(earlier, { tokens: ['Yes.'] });
    await chat.page.getByRole('link', { name: 'New conversation' }).click();
    await chat.ask(earlier);
    await chat.over();
  }
  await chat.page.getByRole('link', { name: 'New conversation' }).click();
  await expect(chat.page.getByText('What would you like to know?')).toBeVisible();
  await chat.page.screenshot({ path: `${SCREENSHOTS}welcome-light.png` });
  await chat.ask('Why do rivers meander?');
  await chat.over();
  await expect(chat.answer).toContainText('oxbow lake');
  await expect(chat.text.locator('.token').first()).toBeVisible();
  await chat.page.screenshot({ path: `${SCREENSHOTS}chat-light.png` });

  await chat.page.getByRole('button', { name: 'Dark colours' }).click();
  await chat.ask('How long is a meander?');
  await expect(chat.text).toContainText('inner bank');
  await chat.page.screenshot({ path: `${SCREENSHOTS}chat-streaming-dark.png` });

  const phone = await browser.newContext({
    viewport: { width: 390, height: 780 },
    colorScheme: 'light',
  });
  const onPhone = new Chat(await phone.newPage(), site, stack);
  await onPhone.page.goto(site);
  await onPhone.page.getByRole('button', { name: 'Sign in' }).waitFor();
  await onPhone.page.screenshot({ path: `${SCREENSHOTS}sign-in-phone.png` });
  await onPhone.signIn();
  await onPhone.page.screenshot({ path: `${SCREENSHOTS}welcome-phone.png` });
  await onPhone.ask('How long is a meander?');
  await expect(onPhone.text).toContainText('inner bank');
  await onPhone.page.screenshot({ path: `${SCREENSHOTS}chat-phone.png` });
  const width = await onPhone.page.evaluate(() => document.documentElement.scrollWidth);
  expect(width, 'nothing sticks out').toBe(390);
  model.release('How long is a meander?');
  await onPhone.over();
  await phone.close();
});
