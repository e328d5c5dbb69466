/** The packages' types with the oldest versions that they say they work with. The newest are in packages/react/tests. */

import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { beforeAll, describe, inject, test } from 'vitest';

import { hasChatTransport } from './support/chat.js';
import { run } from './support/run.js';

const OLDEST = fileURLToPath(new URL('modules/oldest/node_modules/', import.meta.url));
const PROGRAMS = fileURLToPath(new URL('../../packages/react/tests/installed/', import.meta.url));
const TSC = createRequire(import.meta.url).resolve('typescript/bin/tsc');

/** The transport fits where the AI SDK wants one. */
const CHAT = `
import type { TokencastClient } from '@tokencast/client';
import { TokencastChatTransport } from '@tokencast/client/ai-sdk';
import type { ChatTransport, UIMessage } from 'ai';

export const transportOver = (client: TokencastClient): ChatTransport<UIMessage> =>
  new TokencastChatTransport(client);
`;

let folder: string;

beforeAll(async () => {
  if (!existsSync(OLDEST)) throw new Error(`run \`npm ci\` in ${join(OLDEST, '..')}`);
  folder = join(inject('installed'), 'oldest');
  const to = join(folder, 'node_modules');
  await mkdir(to, { recursive: true });
  const installed = join(inject('installed'), 'node_modules');
  // Copies, so that what they import is looked for here.
  await cp(join(installed, '@tokencast'), join(to, '@tokencast'), {
    recursive: true,
    filter: (file) => !file.includes('cli-'),
  });
  for (const name of await readdir(OLDEST)) {
    if (!name.startsWith('.')) await symlink(join(OLDEST, name), join(to, name));
  }
  for (const name of ['eventsource-parser', 'uuid', 'ws']) {
    if (!existsSync(join(to, name))) await symlink(join(installed, name), join(to, name));
  }
  await cp(PROGRAMS, folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  await writeFile(join(folder, 'chat.ts'), CHAT);
});

describe.each([
  ['bundler', { module: 'ESNext', moduleResolution: 'bundler' }],
  ['node16', { module: 'Node16', moduleResolution: 'node16' }],
  ['nodenext', { module: 'NodeNext', moduleResolution: 'nodenext' }],
])('with moduleResolution %s', (_, resolution) => {
  test.each([false, true])('and exactOptionalPropertyTypes %s', async (exact) => {
    const options = {
      ...resolution,
      exactOptionalPropertyTypes: exact,
      target: 'ES2022',
      strict: true,
      noEmit: true,
    };
    // No types but the packages' own, which are checked as well.
    await compile(['plain.ts'], { ...options, lib: ['ES2022'], types: [] });
    const page = { lib: ['ES2022', 'DOM'], types: ['node'], jsx: 'react-jsx', skipLibCheck: true };
    await compile(['main.ts', 'page.tsx'], { ...options, ...page });
    if (await hasChatTransport()) await compile(['chat.ts'], { ...options, ...page });
  });
});

async function compile(files: string[], compilerOptions: object): Promise<void> {
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ files, compilerOptions }));
  await run(folder, process.execPath, [TSC]);
}
