/** `npx tokencast`, installed from the tarballs with an empty cache of npm's. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

import { beforeAll, describe, expect, inject, test } from 'vitest';

import { cleanEnvironment, run } from './support/run.js';
import { askArguments, signIn, startStack } from './support/stack.js';

const npx = (...args: string[]): Promise<string> => run(inject('installed'), 'npx', args);

test('the version is the packages’', async () => {
  const manifest = join(inject('installed'), 'node_modules/tokencast/package.json');
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  expect(await npx('tokencast', '--version')).toBe(`tokencast ${version}\n`);
});

test('there are packages for other machines, and only this machine’s is installed', async () => {
  const manifest = join(inject('installed'), 'node_modules/tokencast/package.json');
  const { optionalDependencies } = JSON.parse(await readFile(manifest, 'utf8')) as {
    optionalDependencies: Record<string, string>;
  };
  const installed = Object.keys(optionalDependencies).filter((name) =>
    existsSync(join(inject('installed'), 'node_modules', name)),
  );
  expect(Object.keys(optionalDependencies).length).toBeGreaterThan(1);
  expect(installed).toHaveLength(1);
  const only = JSON.parse(
    await readFile(
      join(inject('installed'), 'node_modules', installed[0] ?? '', 'package.json'),
      'utf8',
    ),
  ) as { os: string[]; cpu: string[] };
  expect(only).toMatchObject({ os: [process.platform], cpu: [process.arch] });
});

test('a prompt from standard input is answered, and a wrong option has its exit code', async () => {
  const folder = inject('installed');
  const child = spawn('npx', ['tokencast', 'ask', '-'], { cwd: folder, env: cleanEnvironment() });
  let answer = '';
  child.stdout.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  child.stdin.end('Why do rivers meander?');
  expect(await ended(child)).toBe(0);
  expect(answer).toContain('scripted');

  const wrong = spawn('npx', ['tokencast', 'ask', '--wrong'], {
    cwd: folder,
    env: cleanEnvironment(),
    stdio: 'ignore',
  });
  expect(await ended(wrong)).toBe(2);
});

test('the first token comes through `npx tokencast dev`, and SIGTERM ends it', async () => {
  const stack = await startStack(inject('installed'));
  const answer = await npx(...askArguments(stack, await signIn(stack)));
  expect(answer).toContain('scripted');
  await stack.stop();
  await gone(stack.url);
});

describe('a stack whose', () => {
  const folder = (): string => join(inject('installed'), 'node_modules/.bin');
  beforeAll(() => {
    expect(existsSync(join(folder(), 'tokencast'))).toBe(true);
  });

  test.each(['npx', 'node'])('%s is killed ends too', async (program) => {
    const command = program === 'npx' ? ['tokencast'] : [join(folder(), 'tokencast')];
    const args = [...command, 'dev', '--json', '--port', '0'];
    const child = spawn(program, args, { cwd: inject('installed'), env: cleanEnvironment() });
    const lines = createInterface(child.stdout);
    const line = await new Promise<string>((resolve) => lines.once('line', resolve));
    const { url, amplifyOutputs } = JSON.parse(line) as { url: string; amplifyOutputs: string };
    child.kill('SIGKILL');
    await gone(url);
    // It ended in good order: its temporary directory is gone, too.
    await until(() => Promise.resolve(!existsSync(dirname(amplifyOutputs))));
  });
});

function ended(child: ReturnType<typeof spawn>): Promise<number | null> {
  return new Promise((resolve) => child.once('close', resolve));
}

async function gone(url: string): Promise<void> {
  await until(() =>
    fetch(url).then(
      () => false,
      () => true,
    ),
  );
}

/** Asks until it is so, within the test's limit. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 100));
}
