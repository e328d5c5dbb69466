/**
 * Packs the constructs for npm: `node pack.mjs FOLDER FUNCTIONS…` writes the tarball of `@tokencast/cdk` into FOLDER. Each
 * FUNCTIONS is a folder that `cargo xtask package` filled, of either architecture. Prints a line of JSON: name, file, sizes
 * and architectures.
 *
 * The package has what `lib/index.ts` needs and nothing else of this folder: the app, and cdk-nag with it, stay here.
 */

import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const [folder, ...sources] = process.argv.slice(2);
if (folder === undefined || sources.length === 0) {
  console.error('usage: node pack.mjs FOLDER FUNCTIONS…');
  process.exit(2);
}
const here = import.meta.dirname;
const require = createRequire(import.meta.url);
const { FUNCTION_NAMES } = await load('function-names');
const { architectureOf } = await load('binary');
const stage = mkdtempSync(join(tmpdir(), 'tokencast-cdk-pack-'));
const functions = join(stage, 'functions');
try {
  const architectures = sources.map(addFunctions);
  compile();
  describe();
  pack(architectures);
} finally {
  rmSync(stage, { recursive: true, force: true });
}

/** The compiler follows the imports, so that only what is exported comes along. */
function compile() {
  const tsc = require.resolve('typescript/bin/tsc');
  const args = [tsc, '-p', join(here, 'tsconfig.package.json'), '--outDir', join(stage, 'lib')];
  execFileSync(process.execPath, args, { stdio: 'inherit' });
  execFileSync(process.execPath, [join(here, 'assets.mjs'), join(stage, 'assets')], { stdio: 'inherit' });
  renameSync(functions, join(stage, 'assets', 'functions'));
}

/** Takes the functions of one architecture, which their binaries tell. */
function addFunctions(source) {
  const found = FUNCTION_NAMES.map((name) => {
    const zip = join(source, name, 'bootstrap.zip');
    if (!existsSync(zip)) {
      fail(`the ${name} function is not packaged: there is no ${zip}. Run \`cargo xtask package\`.`);
    }
    return { name, zip, architecture: architectureOf(zip) };
  });
  const [{ architecture }] = found;
  for (const { zip, architecture: other } of found) {
    if (other !== 'x86_64' && other !== 'arm64') {
      fail(`${zip} has no binary for x86_64 or arm64`);
    }
    if (other !== architecture) {
      fail(`${zip} is built for ${other}, and others in ${source} for ${architecture}`);
    }
  }
  if (existsSync(join(functions, architecture))) {
    fail(`the functions for ${architecture} are given twice, the second time by ${source}`);
  }
  for (const { name, zip } of found) {
    mkdirSync(join(functions, architecture, name), { recursive: true });
    copyFileSync(zip, join(functions, architecture, name, 'bootstrap.zip'));
  }
  return architecture;
}

/** A module of `lib` that imports none of the others. */
async function load(name) {
  const { default: typescript } = await import('typescript');
  const { outputText } = typescript.transpileModule(readFileSync(join(here, 'lib', `${name}.ts`), 'utf8'), {
    compilerOptions: { module: typescript.ModuleKind.ES2022, target: typescript.ScriptTarget.ES2022 },
  });
  return import(`data:text/javascript,${encodeURIComponent(outputText)}`);
}

function fail(message) {
  throw new Error(message);
}

function describe() {
  const { version, license, engines, dependencies } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
  const manifest = {
    name: '@tokencast/cdk',
    version,
    description:
      "Streams a language model's answer to GraphQL subscribers on AWS: the constructs, with their functions",
    license,
    keywords: ['aws-cdk', 'cdk', 'appsync', 'bedrock', 'streaming'],
    engines,
    main: 'lib/index.js',
    types: 'lib/index.d.ts',
    exports: {
      '.': { types: './lib/index.d.ts', default: './lib/index.js' },
      './package.json': './package.json',
    },
    files: ['lib', 'assets'],
    peerDependencies: {
      'aws-cdk-lib': `^${dependencies['aws-cdk-lib']}`,
      // What that version of aws-cdk-lib asks for itself.
      constructs: require('aws-cdk-lib/package.json').peerDependencies.constructs,
    },
  };
  writeFileSync(join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  copyFileSync(join(here, 'npm.md'), join(stage, 'README.md'));
  copyFileSync(join(here, '..', 'LICENSE'), join(stage, 'LICENSE'));
}

function pack(architectures) {
  mkdirSync(folder, { recursive: true });
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const args = ['pack', '--json', '--pack-destination', resolve(folder)];
  const [{ name, filename, size, unpackedSize }] = JSON.parse(
    execFileSync(npm, args, { cwd: stage, encoding: 'utf8' }),
  );
  // npm names the file of a scoped package in its own way, by version.
  const file = filename.replace(/^@/, '').replace('/', '-');
  if (file !== filename && existsSync(join(folder, filename))) {
    renameSync(join(folder, filename), join(folder, file));
  }
  console.log(JSON.stringify({ name, file, size, unpackedSize, architectures }));
}
