/** Examples with CDK: in a folder with `@tokencast/cdk` from its tarball, and what it needs of others. */

import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { inject } from 'vitest';

import { copyExample } from './example.js';
import { run } from './run.js';

const CDK = fileURLToPath(new URL('../../../cdk/', import.meta.url));
const OTHERS = fileURLToPath(new URL('../modules/amplify/node_modules/', import.meta.url));

/** @returns the path of an example's copy, ready to run */
export async function installCdkExample(name: string): Promise<string> {
  const folder = join(inject('installed'), 'cdk');
  if (!existsSync(folder)) await install(folder);
  return copyExample(name, folder);
}

async function install(folder: string): Promise<void> {
  if (!existsSync(OTHERS)) throw new Error(`run \`npm ci\` in ${join(OTHERS, '..')}`);
  await mkdir(folder);
  // Stand-ins for the functions: a stack on this machine runs its own.
  const functions = join(folder, 'functions');
  await run(CDK, 'npm', ['run', '--silent', 'placeholder', '--', functions]);
  await run(CDK, process.execPath, ['pack.mjs', folder, functions]);
  const [tarball] = (await readdir(folder)).filter((file) => file.endsWith('.tgz'));
  const dependencies = { '@tokencast/cdk': `file:${tarball ?? 'none'}` };
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
  const args = ['install', '--offline', '--legacy-peer-deps', '--cache', join(folder, '.npm')];
  await run(folder, 'npm', args);
  const to = join(folder, 'node_modules');
  for (const name of await readdir(OTHERS)) {
    if (!existsSync(join(to, name))) await symlink(join(OTHERS, name), join(to, name));
  }
}

export interface Template {
  Parameters?: Record<string, unknown>;
  Outputs?: Record<string, { Value: unknown }>;
  Resources: Record<string, Resource>;
}

export interface Resource {
  Type: string;
  DependsOn?: string | string[];
  Properties?: Record<string, unknown>;
}

/** @returns the templates of `cdk.out`, by file name */
export async function templates(folder: string): Promise<Record<string, Template>> {
  const out = join(folder, 'cdk.out');
  const files = (await readdir(out)).filter((file) => file.endsWith('.template.json'));
  const read = async (file: string): Promise<[string, Template]> => {
    return [file, JSON.parse(await readFile(join(out, file), 'utf8')) as Template];
  };
  return Object.fromEntries(await Promise.all(files.map(read)));
}
