/** The harnesses: each starts its own stack by `npx tokencast dev`, signs in, asks, and checks the answer. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { hasChatTransport } from './support/chat.js';
import { copyExample } from './support/example.js';
import { run } from './support/run.js';

const TARGET = fileURLToPath(new URL('../../target/', import.meta.url));

test('Vitest', async () => {
  const folder = await copyExample('vitest');
  const output = await run(folder, 'npm', ['test'], { NO_COLOR: '1' });
  expect(output).toMatch(/Tests +3 passed \(3\)/);
});

test('Playwright, on the page of Vite', async () => {
  const folder = await copyExample('vite-react');
  await run(folder, 'npm', ['run', 'build']);
  const output = await run(folder, 'npm', ['run', 'e2e'], { CI: '1', PORT: '4177' });
  expect(output).toMatch(/3 passed/);
});

test.runIf(await hasChatTransport())('useChat of the AI SDK, over AppSync', async () => {
  const folder = await copyExample('use-chat');
  await run(folder, 'npm', ['run', 'build']);
  const output = await run(folder, 'npm', ['run', 'e2e'], { CI: '1', PORT: '4178' });
  expect(output).toMatch(/1 passed/);
});

test('pytest', async () => {
  const folder = await copyExample('pytest');
  const pytest = join(TARGET, 'pytest/bin/pytest');
  if (!existsSync(pytest)) {
    await run(TARGET, 'python3', ['-m', 'venv', join(TARGET, 'pytest')]);
    const pip = join(TARGET, 'pytest/bin/pip');
    const args = ['install', '--quiet', '--disable-pip-version-check', '-r', 'requirements.txt'];
    await run(folder, pip, args);
  }
  const output = await run(folder, pytest, ['-q']);
  expect(output).toMatch(/3 passed/);
});
