/** The npm package as somebody has it who installs it: in a folder that knows nothing of this repository. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';

import { SCHEMA_FILE } from '../lib/assets';
import { FUNCTION_NAMES } from '../lib/function-names';
import { CDK_DIR } from '../lib/paths';
import { Machine, placeholderFunctions } from '../scripts/placeholder';
import { scratch } from './deployment';

interface Packed {
  readonly name: string;
  readonly file: string;
  readonly architectures: readonly string[];
}

/** What a user writes who takes all defaults. */
const PROGRAM = `
const stack = new Stack(new App({ analyticsReporting: false, outdir: 'cdk.out' }), 'Chat');
const stream = new TokenStream(stack, 'Chat', { model: { id: 'amazon.nova-lite-v1:0' } });
const url = new UrlStream(stack, 'Url', { stream });
const webSocket = new WebSocketStream(stack, 'WebSocket', { stream });
const { alarms } = new StreamAlarms(stack, 'Alarms', { stream, url, webSocket });
new StreamDashboard(stack, 'Dashboard', { stream, url, webSocket, alarms });
(stack.node.root as App).synth();
`;
const NAMES = '{ StreamAlarms, StreamDashboard, TokenStream, UrlStream, WebSocketStream }';
const WITHOUT_TYPES = PROGRAM.replace('(stack.node.root as App)', 'stack.node.root');

describe('the package', () => {
  let project = '';

  before(() => {
    project = install(pack('x86_64', 'arm64').file);
  });

  test('says which architectures it has, and names no dependency but its peers', () => {
    const installed = join(project, 'node_modules', '@tokencast', 'cdk');
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Record<string, unknown>;
    assert.deepEqual(Object.keys(manifest['peerDependencies'] as object), ['aws-cdk-lib', 'constructs']);
    assert.equal(manifest['dependencies'], undefined);
    assert.deepEqual(readdirSync(join(installed, 'assets', 'functions')).sort(), ['arm64', 'x86_64']);
    for (const left of ['app.js', 'config.js', 'context.js', 'paths.js', 'stacks']) {
      assert.ok(!existsSync(join(installed, 'lib', left)), `${left} is the app's`);
    }
  });

  test('deploys by require', () => {
    const imports = `const { App, Stack } = require('aws-cdk-lib');\nconst ${NAMES} = require('@tokencast/cdk');\n`;
    synthesize('app.cjs', imports + WITHOUT_TYPES);
  });

  test('deploys by import', () => {
    const imports = `import { App, Stack } from 'aws-cdk-lib';\nimport ${NAMES} from '@tokencast/cdk';\n`;
    synthesize('app.mjs', imports + WITHOUT_TYPES);
  });

  for (const [name, type, options] of [
    ['CommonJS', 'commonjs', { module: 'CommonJS', moduleResolution: 'Node10' }],
    ['ECMAScript modules', 'module', { module: 'NodeNext', moduleResolution: 'NodeNext' }],
  ] as const) {
    test(`has types for TypeScript that becomes ${name}`, () => {
      const imports = `import { App, Stack } from 'aws-cdk-lib';\nimport ${NAMES} from '@tokencast/cdk';\n`;
      const folder = join(project, type);
      mkdirSync(folder);
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ type }));
      writeFileSync(join(folder, 'app.ts'), imports + PROGRAM);
      const tsc = createRequire(__filename).resolve('typescript/bin/tsc');
      const compilerOptions = { strict: true, skipLibCheck: true, target: 'ES2022', types: [], ...options };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }));
      run(folder, tsc, '-p', '.');
      run(folder, 'app.js');
      check(folder);
    });
  }

  test('has functions for another architecture, where they were packed', () => {
    const program = (architecture: string): string => `
      const { App, Stack } = require('aws-cdk-lib');
      const { Architecture } = require('aws-cdk-lib/aws-lambda');
      const { TokenStream } = require('@tokencast/cdk');
      const stack = new Stack(new App({ analyticsReporting: false, outdir: 'cdk.out' }), 'Chat');
      const model = { id: 'amazon.nova-lite-v1:0' };
      new TokenStream(stack, 'Chat', { model, architecture: Architecture.${architecture} });
    `;
    writeFileSync(join(project, 'arm.cjs'), program('ARM_64'));
    run(project, 'arm.cjs');
    rmSync(join(project, 'node_modules', '@tokencast', 'cdk', 'assets', 'functions', 'arm64'), { recursive: true });
    assert.throws(
      () => run(project, 'arm.cjs'),
      /this package has no functions for arm64: set `architecture` to another/,
    );
  });

  function synthesize(file: string, program: string): void {
    writeFileSync(join(project, file), program);
    run(project, file);
    check(project);
  }
});

test('functions that are missing, or there twice, are not packed', () => {
  assert.throws(() => pack(), /usage: node pack\.mjs FOLDER FUNCTIONS/);
  assert.throws(() => pack('x86_64', 'x86_64'), /functions for x86_64 are given twice/);
  const nothing = scratch();
  assert.throws(() => run(CDK_DIR, 'pack.mjs', scratch(), nothing), /request function is not packaged/);
});

/** The tarball, with stand-ins for the functions of these architectures. */
function pack(...machines: Machine[]): Packed {
  const folder = scratch();
  const functions = machines.map((machine) => placeholderFunctions(scratch(), machine));
  const packed = JSON.parse(run(CDK_DIR, 'pack.mjs', folder, ...functions)) as Packed;
  assert.deepEqual(packed.architectures, machines);
  return { ...packed, file: join(folder, packed.file) };
}

/** A project with the tarball; its peers are those of this package, so that nothing is fetched. */
function install(tarball: string): string {
  const project = scratch();
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'chat', version: '1.0.0', private: true }));
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const quiet = ['--offline', '--no-audit', '--no-fund', '--ignore-scripts', '--legacy-peer-deps'];
  execFileSync(npm, ['install', ...quiet, tarball], { cwd: project, stdio: 'pipe' });
  for (const peer of ['aws-cdk-lib', 'constructs']) {
    symlinkSync(join(CDK_DIR, 'node_modules', peer), join(project, 'node_modules', peer), 'junction');
  }
  return project;
}

/** Looks at what was synthesized into `cdk.out`, which is gone then. */
function check(folder: string): void {
  const text = readFileSync(join(folder, 'cdk.out', 'Chat.template.json'), 'utf8');
  const { Resources: resources } = JSON.parse(text) as { Resources: Record<string, Resource> };
  const ofType = (type: string): Resource[] => Object.values(resources).filter((resource) => resource.Type === type);
  const [schema] = ofType('AWS::AppSync::GraphQLSchema');
  assert.equal(schema?.Properties['Definition'], readFileSync(SCHEMA_FILE, 'utf8'));
  const functions = ofType('AWS::Lambda::Function');
  assert.equal(functions.length, FUNCTION_NAMES.length);
  for (const { Properties: definition } of functions) {
    const { S3Key: key } = definition['Code'] as { S3Key: string };
    assert.ok(existsSync(join(folder, 'cdk.out', `asset.${key}`)), key);
  }
}

interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

function run(folder: string, ...args: string[]): string {
  return execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
}
