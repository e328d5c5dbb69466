import { defineConfig } from 'vitest/config';

// The other package's source, as it stands.
const conditions = ['@tokencast/source', 'module', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['tests/*.test.{ts,tsx}'],
    environment: 'happy-dom',
    // The compiler and the stack take their time on a busy machine.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
