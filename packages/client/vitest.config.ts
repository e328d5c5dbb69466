import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/*/*.test.{ts,tsx}'],
    // The stack that some of the tests start is a debug build, and the machine may be busy.
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
