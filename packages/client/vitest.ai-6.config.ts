/** The tests with the AI SDK, with the major version before. */

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { env: { AI_SDK: '6' }, include: ['tests/unit/{ai_sdk,ai_sdk_recovery}.test.ts'] },
});
