/**
 * Packs the command for npm: `node pack.mjs BINARY FOLDER` writes two tarballs into FOLDER, `tokencast` and the platform
 * package with BINARY, for the machine that this runs on. Prints a line of JSON for each: its name, file and size.
 *
 * The sources' `package.json` names no platform package, because npm would look for them in the registry before they are
 * published.
 */

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const [binary, folder] = process.argv.slice(2);
if (binary === undefined || folder === undefined) {
  console.error('usage: node pack.mjs BINARY FOLDER');
  process.exit(2);
}
const here = import.meta.dirname;
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
execFileSync(npm, ['run', 'build', '--silent'], { cwd: here, stdio: 'inherit' });
const { MACHINES, packageOf } = await import('./dist/binary.js');
const { machine } = await import('./dist/machine.js');

const manifest = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
const { version, license, engines } = manifest;
const target = machine(process, () => readdirSync('/lib'));
if (!MACHINES.includes(target)) {
  console.error(`there is no platform package for ${target}: add it to MACHINES in src/binary.ts`);
  process.exit(1);
}
const printed = execFileSync(resolve(binary), ['--version'], { encoding: 'utf8' }).trim();
if (printed !== `tokencast ${version}`) {
  console.error(`${binary} is \`${printed}\`, expected \`tokencast ${version}\``);
  process.exit(1);
}

const stage = mkdtempSync(join(tmpdir(), 'tokencast-pack-'));
try {
  mkdirSync(folder, { recursive: true });
  packCommand(join(stage, 'tokencast'));
  packBinary(join(stage, 'binary'));
} finally {
  rmSync(stage, { recursive: true, force: true });
}

function packCommand(to) {
  mkdirSync(to);
  cpSync(join(here, 'dist'), join(to, 'dist'), { recursive: true });
  chmodSync(join(to, 'dist/main.js'), 0o755);
  for (const file of ['README.md', 'LICENSE']) copyFileSync(join(here, file), join(to, file));
  const { name, description, type, bin, exports, files } = manifest;
  const published = { name, version, description, license, type, engines, bin, exports, files };
  const optionalDependencies = Object.fromEntries(MACHINES.map((it) => [packageOf(it), version]));
  pack(to, { ...published, optionalDependencies });
}

function packBinary(to) {
  mkdirSync(join(to, 'bin'), { recursive: true });
  const program = join(to, 'bin/tokencast');
  copyFileSync(binary, program);
  chmodSync(program, 0o755);
  strip(program);
  copyFileSync(join(here, 'LICENSE'), join(to, 'LICENSE'));
  const [os, cpu, musl] = target.split('-');
  const name = packageOf(target);
  writeFileSync(
    join(to, 'README.md'),
    `# ${name}\n\nThe binary of the \`tokencast\` command for ${target}. Install \`tokencast\`, which brings it along.\n`,
  );
  const libc = os === 'linux' ? { libc: [musl ?? 'glibc'] } : {};
  const description = `The tokencast command's binary for ${target}`;
  const only = { os: [os], cpu: [cpu], ...libc, preferUnplugged: true };
  pack(to, { name, version, description, license, ...only, files: ['bin'] });
}

/** Debug information is most of a development build. */
function strip(program) {
  try {
    execFileSync('strip', [program], { stdio: 'ignore' });
  } catch {
    console.error('strip is not installed: the binary keeps its debug information');
  }
}

function pack(from, published) {
  writeFileSync(join(from, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
  const args = ['pack', '--json', '--pack-destination', resolve(folder)];
  const [{ name, filename, size, unpackedSize }] = JSON.parse(
    execFileSync(npm, args, { cwd: from, encoding: 'utf8' }),
  );
  // npm names the file of a scoped package in its own way, by version.
  const file = filename.replace(/^@/, '').replace('/', '-');
  statSync(join(folder, file));
  console.log(JSON.stringify({ name, file, size, unpackedSize }));
}
