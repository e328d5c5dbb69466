/** Failures of the model: one that passes by itself, and one that its worker cannot mend. */

import { startTokencast } from '../examples/tokencast';
import { Chat, expect, test as base } from './support/fixtures';

// The stack of these tests is their own: what fails there fails for nobody else.
const test = base.extend<{ own: Awaited<ReturnType<typeof startTokencast>> }>({
  own: async ({ page }, use) => {
    const stack = await startTokencast();
    await stack.script({ tokens: ['Rivers ', 'meander.'] });
    await page.route('**/amplify_outputs.json', async (route) => {
      await route.fulfill({
        response: await route.fetch({ url: `${stack.url}/amplify_outputs.json` }),
      });
    });
    await use(stack);
    // The page would complain of a stack that is gone.
    await page.goto('about:blank');
    await stack.stop();
  },
});

const fails = (type: string) => [
  { service: 'bedrock', operation: 'ConverseStream', fault: { error: { type } } },
];

test('a model without capacity is waited for in the queue', async ({ page, site, own }) => {
  await own.faults(fails('ThrottlingException'));
  const chat = new Chat(page, site, own);
  await chat.signIn();
  await chat.ask('Why?');
  await expect(chat.answer).toContainText(/in the queue since .*: the model has no capacity/);
  await expect(page.getByRole('status').filter({ hasText: 'no capacity' })).toHaveCount(1);
  await own.faults([]);
  // The job is put off, by the stack's clock.
  await own.advanceClock(60_000);
  await expect(chat.text).toHaveText('Rivers meander.');
});

test('an answer that failed may be tried again, and then succeeds', async ({ page, site, own }) => {
  await own.faults(fails('InternalServerException'));
  const chat = new Chat(page, site, own);
  await chat.signIn();
  await chat.ask('Why?');
  await expect(page.getByRole('alert')).toContainText('MODEL_ERROR');
  await own.faults([]);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(chat.text).toHaveText('Rivers meander.');
});
