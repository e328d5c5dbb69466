/** A user's program on this package, as a process of its own: what holds it is what the client left behind. */

import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';

const SOURCE = fileURLToPath(new URL('../../src/', import.meta.url));
const MODULES = fileURLToPath(new URL('../../../../node_modules/', import.meta.url));

/** Below the longest silence of a connection: a timer for that would still be there. */
const MAX_WAIT_MS = 30_000;

export interface Program {
  /** Runs it with these arguments; its last line, or what held it, once nothing but that was to come. */
  run(...args: string[]): Promise<string>;
  remove(): Promise<void>;
}

/** `main` is a module that may import `./client/index.js` and `ws`. */
export async function program(main: string): Promise<Program> {
  const folder = await mkdtemp(join(tmpdir(), 'tokencast-program-'));
  await transpile(join(folder, 'client'));
  await symlink(MODULES, join(folder, 'node_modules'));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await writeFile(join(folder, 'main.js'), main + REPORT);
  return {
    run: (...args) => run(join(folder, 'main.js'), args),
    remove: () => rm(folder, { recursive: true }),
  };
}

/** Behind the program's last statement. The timer itself holds nothing. */
const REPORT = `
setTimeout(() => {
  console.log('still there: ' + process.getActiveResourcesInfo().join(', '));
  process.exit(1);
}, ${MAX_WAIT_MS}).unref();
`;

async function transpile(to: string): Promise<void> {
  const files = await readdir(SOURCE, { recursive: true });
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  for (const file of files.filter((name) => name.endsWith('.ts'))) {
    const { outputText } = ts.transpileModule(await readFile(join(SOURCE, file), 'utf8'), {
      compilerOptions: { ...options, verbatimModuleSyntax: true },
    });
    const path = join(to, file.replace(/\.ts$/, '.js'));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, outputText);
  }
}

function run(main: string, args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.once('error', reject);
    child.once('close', () => {
      resolve(said.trim());
    });
  });
}
