import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/*.test.ts'],
    // A busy machine takes its time to start a process.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
