import react from '@vitejs/plugin-react';
import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

// Where the local stack is, for `npm run dev` and `npm run preview`. The page itself asks its own origin.
const stack = process.env.VITE_TOKENCAST_URL ?? 'http://localhost:4680';
const proxy = { '/amplify_outputs.json': { target: stack, changeOrigin: true } };

// The packages' source, as it stands: nothing has to be built first.
const conditions = ['@tokencast/source'];

export default defineConfig({
  // The page may be served from any folder.
  base: './',
  plugins: [react()],
  resolve: { conditions: [...conditions, ...defaultClientConditions] },
  ssr: { resolve: { conditions: [...conditions, ...defaultServerConditions] } },
  server: { proxy },
  preview: { proxy },
  // The worker that colours code loads a language's grammar when it needs it.
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    // GraphiQL's editor, which is loaded with the playground only.
    chunkSizeWarningLimit: 4_000,
    rolldownOptions: {
      onLog(level, log, handle) {
        // GraphiQL's notes to a compiler that isn't used here.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log);
      },
    },
  },
  test: {
    include: ['tests/*/*.test.ts'],
    // The stack that most of the tests start is a debug build, and the machine may be busy.
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
