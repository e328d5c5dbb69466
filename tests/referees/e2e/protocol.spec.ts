/**
 * `useChat`, unmodified, with nothing of ours in the page: `DefaultChatTransport` with only `api` and headers against the
 * Function URL, and `WebSocketChatTransport`, which `ai` 6 doesn't have, against the WebSocket API.
 */

import { MAJOR } from './support/build.js';
import { casesUnder } from './support/cases.js';
import { test } from './support/fixtures.js';
import { TROUBLES } from './support/plans.js';

const WAYS = MAJOR === 6 ? (['http'] as const) : (['http', 'ai-websocket'] as const);

for (const via of WAYS) {
  for (const trouble of TROUBLES) {
    test.describe(`ai ${MAJOR} by its own transport, ${via}, under ${trouble}`, () => {
      for (const { name, check } of casesUnder(trouble)) {
        test(name, async ({ open, model, stack }) => {
          await check({ open: (chatId) => open(via, chatId), model, stack, via, trouble });
        });
      }
    });
  }
}
