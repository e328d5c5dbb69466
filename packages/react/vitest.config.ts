import { defineConfig } from 'vitest/config';

// The other package's source, as it stands.
const conditions = ['@tokencast/source', 'module', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: { include: ['tests/*.test.tsx'], environment: 'happy-dom' },
});
