/** Builds the pages with one major version of the AI SDK: 7, or that of `AI_SDK`. */

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build, defaultClientConditions, type InlineConfig } from 'vite';

const REFEREES = fileURLToPath(new URL('../../', import.meta.url));
const PAGE = join(REFEREES, 'e2e/page');

export const MAJOR = process.env.AI_SDK === '6' ? 6 : 7;
/** The folder that the built pages are served from. */
export const SITE = join(REFEREES, `../../target/referees/ai-${MAJOR}`);

/** The hooks' package, with the `ai` that it depends on. Each has its own major. */
const HOOKS = MAJOR === 6 ? 'ai-sdk-react-3' : '@ai-sdk/react';

function folderOf(name: string, from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    try {
      return dirname(createRequire(join(folder, 'x')).resolve(`${name}/package.json`));
    } catch {
      if (folder === dirname(folder)) throw new Error(`${name} is not installed: run \`npm ci\``);
    }
  }
}

const hooks = folderOf(HOOKS, REFEREES);
const ai = folderOf('ai', hooks);

const config: InlineConfig = {
  root: PAGE,
  configFile: false,
  logLevel: 'warn',
  resolve: {
    // The packages' source, as it stands: nothing has to be built first.
    conditions: ['@tokencast/source', ...defaultClientConditions],
    // One `ai` for the page, its hooks and our transport.
    alias: [
      { find: /^@ai-sdk\/react$/, replacement: hooks },
      { find: /^ai$/, replacement: ai },
      { find: /^react$/, replacement: folderOf('react', REFEREES) },
    ],
  },
  define: { 'import.meta.env.VITE_AI': JSON.stringify(`${MAJOR}`) },
  oxc: { jsx: { runtime: 'automatic' } },
  build: {
    outDir: SITE,
    emptyOutDir: true,
    target: 'es2022',
    minify: false,
    chunkSizeWarningLimit: 10_000,
    rolldownOptions: {
      // assistant-ui takes `ai` 7 only, and the other clients don't have it at all.
      input: ['index.html', ...(MAJOR === 7 ? ['assistant-ui.html', 'clients.html'] : [])].map(
        (page) => join(PAGE, page),
      ),
      onLog(level, log, handle) {
        // Notes to a compiler that isn't used here.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log);
      },
    },
  },
};

export default async function globalSetup(): Promise<void> {
  await build(config);
}
