/** assistant-ui's page, by its own adapter for the AI SDK: over the protocols of our functions, and over our transport. */

import { randomUUID } from 'node:crypto';

import { MAJOR } from './support/build.js';
import { hinder, takenOver, wentWrong } from './support/cases.js';
import { expect, test } from './support/fixtures.js';
import { TROUBLES } from './support/plans.js';

const TOKENS = ['Rivers ', 'meander ', 'because ', 'banks ', 'erode.'];

test.skip(MAJOR === 6, 'assistant-ui takes `ai` 7 only');

for (const via of ['http', 'ai-websocket', 'appsync'] as const) {
  for (const trouble of TROUBLES) {
    test(`assistant-ui over ${via}, under ${trouble}`, async ({ open, model, stack }) => {
      const given = { model, stack, via, trouble };
      const chat = await open(via, undefined, 'assistant-ui.html');
      const prompt = `Why do rivers meander? ${randomUUID()}`;
      await hinder(given, prompt, {
        reasoning: ['Water ', 'flows.'],
        tokens: TOKENS,
        holdAfter: 3,
      });
      await chat.send(prompt);
      await takenOver(given);
      await expect(chat.texts).toHaveText('Rivers meander because');
      await expect(chat.reasoning).toHaveText('Water flows.');

      // In mid answer.
      await chat.reload();
      await expect(chat.texts).toHaveText('Rivers meander because');
      model.release(prompt);
      await expect(chat.texts).toHaveText('Rivers meander because banks erode.');
      await chat.is('ready');
      await wentWrong(given);

      await hinder(given, prompt, { tokens: ['Because ', 'they ', 'can.'] });
      await chat.press('Regenerate');
      await takenOver(given);
      await expect(chat.texts).toHaveText('Because they can.');
      await chat.is('ready');
      await wentWrong(given);

      const next = `Go on. ${randomUUID()}`;
      model.answer(next, { tokens: TOKENS, holdAfter: 2 });
      await chat.send(next);
      await expect(chat.texts).toHaveText(['Because they can.', 'Rivers meander']);
      await chat.press('Stop');
      await chat.is('ready');
      await expect.poll(() => model.dropped(next)).toBeGreaterThan(0);
    });
  }
}
