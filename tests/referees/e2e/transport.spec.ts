/** `useChat`, unmodified, over the transport of `@tokencast/client/ai-sdk`: each delivery, under each kind of trouble. */

import { MAJOR } from './support/build.js';
import { casesUnder } from './support/cases.js';
import { test } from './support/fixtures.js';
import { TROUBLES } from './support/plans.js';

for (const via of ['appsync', 'url', 'websocket'] as const) {
  for (const trouble of TROUBLES) {
    test.describe(`ai ${MAJOR} over ${via}, under ${trouble}`, () => {
      for (const { name, check } of casesUnder(trouble)) {
        test(name, async ({ open, model, stack }) => {
          await check({ open: (chatId) => open(via, chatId), model, stack, via, trouble });
        });
      }
    });
  }
}
