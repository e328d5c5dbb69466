/** Builds the package in the current directory: `src` to `dist`, by the TypeScript compiler alone. */

import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(`${process.cwd()}/package.json`);
rmSync('dist', { recursive: true, force: true });
const options = {
  rootDir: 'src',
  outDir: 'dist',
  declaration: 'true',
  declarationMap: 'true',
  sourceMap: 'true',
  // Built on the other package as its users have it, not on its source.
  customConditions: 'null',
};
const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
const tsc = require.resolve('typescript/bin/tsc');
// A folder may be a project of its own, with the types that it takes.
const projects = readdirSync('.').filter((name) => /^tsconfig(\..+)?\.json$/.test(name));
for (const project of projects) {
  execFileSync(process.execPath, [tsc, '--project', project, ...flags], { stdio: 'inherit' });
}
// npm takes a licence along if it lies beside the manifest.
copyFileSync(new URL('../LICENSE', import.meta.url), 'LICENSE');
