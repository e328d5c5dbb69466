/** A failure of the model that its worker cannot mend. */

import { startTokencast } from '../examples/tokencast';
import { Chat, expect, test } from './support/fixtures';

// The stack of this test is its own: what fails there fails for nobody else.
test('an answer that failed may be tried again, and then succeeds', async ({ page, site }) => {
  test.setTimeout(90_000);
  const stack = await startTokencast();
  try {
    await stack.script({ tokens: ['Rivers ', 'meander.'] });
    const fault = { error: { type: 'InternalServerException' } };
    await stack.faults([{ service: 'bedrock', operation: 'ConverseStream', fault }]);
    await page.route('**/amplify_outputs.json', async (route) => {
      await route.fulfill({
        response: await route.fetch({ url: `${stack.url}/amplify_outputs.json` }),
      });
    });
    const chat = new Chat(page, site, stack);
    await chat.signIn();
    await chat.ask('Why?');
    await expect(chat.answer).toContainText(/queue/, { timeout: 20_000 });
    await expect(page.getByRole('alert')).toContainText('MODEL_ERROR', { timeout: 60_000 });
    await stack.faults([]);
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect(chat.text).toHaveText('Rivers meander.');
  } finally {
    await stack.stop();
  }
});
