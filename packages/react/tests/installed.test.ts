// @vitest-environment node
/** The packages as users get them: packed, installed into a project elsewhere, type-checked and run there. */

import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startStack } from '../../client/tests/support/stack.js';

const run = promisify(execFile);
const PACKAGES = fileURLToPath(new URL('../../', import.meta.url));
const MODULES = fileURLToPath(new URL('../../../node_modules/', import.meta.url));
const TSC = createRequire(import.meta.url).resolve('typescript/bin/tsc');

/** What the programs need of others, as it is installed here: a test asks no registry. */
const OTHERS = [
  '@types/node',
  '@types/react',
  '@types/ws',
  'csstype',
  'eventsource-parser',
  'react',
  'undici-types',
  'uuid',
  'ws',
];

let project: string;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'tokencast-installed-'));
  const npm = (cwd: string, ...args: string[]) => run('npm', args, { cwd });
  for (const folder of ['client', 'react']) {
    await npm(join(PACKAGES, folder), 'pack', '--silent', '--pack-destination', project);
  }
  const files = await readdir(project);
  const tarball = (name: string): string => {
    const found = files.find((file) => file.startsWith(`tokencast-${name}-`));
    return `file:${found ?? name}`;
  };
  await writeJson('package.json', {
    private: true,
    type: 'module',
    dependencies: {
      '@tokencast/client': tarball('client'),
      '@tokencast/react': tarball('react'),
      ...Object.fromEntries(OTHERS.map((name) => [name, `file:${join(MODULES, name)}`])),
    },
  });
  const flags = ['--offline', '--install-links', '--ignore-scripts', '--no-audit', '--no-fund'];
  await npm(project, 'install', ...flags, '--cache', join(project, '.npm'));
  // Too many packages to install them one by one.
  for (const name of ['aws-amplify', 'ai', '@ai-sdk']) {
    await symlink(join(MODULES, name), join(project, 'node_modules', name));
  }
  await cp(fileURLToPath(new URL('installed/', import.meta.url)), project, { recursive: true });
});

afterAll(() => rm(project, { recursive: true, force: true }));

async function writeJson(file: string, value: object): Promise<void> {
  await writeFile(join(project, file), JSON.stringify(value));
}

/** @throws with the compiler's words if it finds anything wrong */
async function compile(files: string[], options: object): Promise<void> {
  const common = { target: 'ES2022', strict: true, noEmit: true, types: [] };
  await writeJson('tsconfig.json', { files, compilerOptions: { ...common, ...options } });
  await run(process.execPath, [TSC], { cwd: project }).catch((error: unknown) => {
    throw new Error((error as { stdout: string }).stdout);
  });
}

const NODE = { lib: ['ES2022'], types: ['node'], skipLibCheck: true };
const PAGE = { ...NODE, lib: ['ES2022', 'DOM'], jsx: 'react-jsx' };
const RESOLUTIONS: [string, object][] = [
  ['bundler', { module: 'ESNext', moduleResolution: 'bundler' }],
  ['node16', { module: 'Node16', moduleResolution: 'node16' }],
  ['nodenext', { module: 'NodeNext', moduleResolution: 'nodenext' }],
];

describe.each(RESOLUTIONS)('with moduleResolution %s', (_, resolution) => {
  test.each([false, true])('and exactOptionalPropertyTypes %s', async (exact) => {
    const options = { ...resolution, exactOptionalPropertyTypes: exact };
    await compile(['plain.ts'], { ...options, lib: ['ES2022'] });
    await compile(['main.ts', 'page.tsx', 'chat.tsx'], { ...options, ...PAGE });
  });
});

test('a program in Node gets its answer over each delivery', async () => {
  await compile(['main.ts'], { module: 'NodeNext', ...NODE, noEmit: false, outDir: 'out' });
  const stack = await startStack();
  try {
    const { username = '', password = '' } = stack.users[0] ?? {};
    const args = ['out/main.js', stack.url, username, password];
    const { stdout } = await run(process.execPath, args, { cwd: project });
    const answers = JSON.parse(stdout) as Record<string, number>;
    expect(Object.keys(answers)).toEqual(['appsync', 'url', 'websocket']);
    expect(Object.values(answers).every((length) => length > 0)).toBe(true);
  } finally {
    await stack.stop();
  }
});

test('a licence, a manual, the source and its build are what is published', async () => {
  const folder = join(project, 'node_modules/@tokencast/client');
  const files = await readdir(folder);
  expect(files.sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json', 'src']);
});

test('what comes along with the packages has a permissive licence', async () => {
  const manifest = async (name: string): Promise<Manifest> => {
    const text = await readFile(join(project, 'node_modules', name, 'package.json'), 'utf8');
    return JSON.parse(text) as Manifest;
  };
  const names = ['@tokencast/client', '@tokencast/react'];
  for (const name of names) names.push(...Object.keys((await manifest(name)).dependencies ?? {}));
  const licences = await Promise.all(names.map(async (name) => (await manifest(name)).license));
  expect(names).toEqual(['@tokencast/client', '@tokencast/react', 'eventsource-parser', 'uuid']);
  expect(licences).toEqual(['Apache-2.0', 'Apache-2.0', 'MIT', 'MIT']);
});

interface Manifest {
  license: string;
  dependencies?: Record<string, string>;
}
