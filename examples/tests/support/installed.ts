/**
 * A folder outside the tree, with the packages' tarballs installed as npm installs them: without a registry, with an empty
 * cache. Examples are copied into it. What else they need is linked from this workspace, as a test asks no registry.
 */

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { TestProject } from 'vitest/node';

import { run } from './run.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder whose `node_modules` has everything. */
    installed: string;
  }
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const MODULES = join(ROOT, 'node_modules');
const BUILT = join(ROOT, 'target/debug/tokencast');
const LIBRARIES = ['packages/client', 'packages/react'];

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'tokencast-examples-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await install(folder, await pack(join(folder, 'tarballs')));
    await linkOthers(folder);
  } catch (error) {
    await remove();
    throw error;
  }
  project.provide('installed', folder);
  return remove;
}

/** @returns each package's tarball, by the package's name */
async function pack(into: string): Promise<Record<string, string>> {
  const binary = process.env.TOKENCAST_BIN ?? BUILT;
  if (!existsSync(binary)) {
    throw new Error(`there is no ${binary}: build the command, or set TOKENCAST_BIN`);
  }
  await mkdir(into);
  const packages = join(ROOT, 'packages/tokencast/pack.mjs');
  const printed = await run(ROOT, process.execPath, [packages, binary, into]);
  for (const library of LIBRARIES) {
    const args = ['pack', '--json', '--silent', '--pack-destination', into];
    await run(join(ROOT, library), 'npm', args);
  }
  const tarballs: Record<string, string> = {};
  for (const line of printed.trim().split('\n')) {
    const { name, file } = JSON.parse(line) as { name: string; file: string };
    tarballs[name] = join(into, file);
  }
  for (const file of await readdir(into)) {
    const library = /^tokencast-(client|react)-\d/.exec(file)?.[1];
    if (library) tarballs[`@tokencast/${library}`] = join(into, file);
  }
  return tarballs;
}

async function install(folder: string, tarballs: Record<string, string>): Promise<void> {
  const dependencies: Record<string, string> = {};
  for (const [name, file] of Object.entries(tarballs)) dependencies[name] = `file:${file}`;
  for (const library of LIBRARIES) {
    const manifest = JSON.parse(
      await readFile(join(ROOT, library, 'package.json'), 'utf8'),
    ) as Manifest;
    for (const name of Object.keys(manifest.dependencies ?? {})) {
      const own = join(ROOT, library, 'node_modules', name);
      dependencies[name] ??= `file:${existsSync(own) ? own : join(MODULES, name)}`;
    }
  }
  const manifest = { private: true, dependencies };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  const args = [
    'install',
    '--offline',
    '--install-links',
    '--legacy-peer-deps',
    '--ignore-scripts',
  ];
  await run(folder, 'npm', [...args, '--cache', join(folder, '.npm')]);
}

interface Manifest {
  dependencies?: Record<string, string>;
}

/** Links each package of the workspace that isn't one of ours. */
async function linkOthers(folder: string): Promise<void> {
  const to = join(folder, 'node_modules');
  for (const name of await readdir(MODULES)) {
    if (name.startsWith('.') || name.startsWith('tokencast') || name === '@tokencast') continue;
    if (!existsSync(join(to, name))) await symlink(join(MODULES, name), join(to, name));
  }
  for (const name of await readdir(join(MODULES, '.bin'))) {
    if (existsSync(join(to, '.bin', name))) continue;
    await symlink(join(MODULES, '.bin', name), join(to, '.bin', name));
  }
}
