/**
 * How long a newcomer waits: `node first-minutes.mjs FOLDER` installs the tarballs of FOLDER (`cargo xtask package --npm`
 * leaves them in target/npm) into a new project with an empty npm cache, and prints the seconds to the first token.
 * Nothing is asserted: it depends on the machine.
 */

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const [from] = process.argv.slice(2);
if (from === undefined) {
  console.error('usage: node first-minutes.mjs FOLDER');
  process.exit(2);
}
const tarballs = readdirSync(from).filter((file) => /^tokencast-(cli-.*|\d.*)\.tgz$/.test(file));
if (tarballs.length !== 2) {
  console.error(`${from} has no tarballs of the command: run \`cargo xtask package --npm\``);
  process.exit(1);
}

const project = mkdtempSync(join(tmpdir(), 'tokencast-first-minutes-'));
const started = performance.now();
let before = started;
let child;
try {
  writeFileSync(join(project, 'package.json'), '{"private":true}');
  const files = tarballs.map((file) => resolve(from, file));
  const cache = join(project, '.npm');
  const flags = ['--save-dev', '--offline', '--no-audit', '--no-fund', '--cache', cache];
  execFileSync('npm', ['install', ...flags, ...files], { cwd: project, stdio: 'ignore' });
  lap('npm install, from an empty cache');

  child = spawn('npx', ['tokencast', 'dev', '--json', '--port', '0'], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise((done, failed) => {
    createInterface(child.stdout).once('line', done);
    child.once('exit', (code) => failed(new Error(`npx tokencast dev ended with ${code}`)));
  });
  const ready = JSON.parse(line);
  lap('npx tokencast dev, until it is ready');

  const token = await signIn(ready);
  await firstToken(ready.streamUrl, token);
  lap('sign-in and the first token');
  print('in all', started);
} finally {
  if (child?.exitCode === null) {
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    await ended;
  }
  rmSync(project, { recursive: true, force: true });
}

function lap(name) {
  print(name, before);
  before = performance.now();
}

function print(name, since) {
  const seconds = (performance.now() - since) / 1_000;
  console.log(`${seconds.toFixed(1).padStart(6)} s  ${name}`);
}

async function signIn({ cognitoEndpoint, userPoolClientId, users: [user] }) {
  const response = await fetch(cognitoEndpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AWSCognitoIdentityProviderService.InitiateAuth',
    },
    body: JSON.stringify({
      AuthFlow: 'USER_PASSWORD_AUTH',
      ClientId: userPoolClientId,
      AuthParameters: { USERNAME: user.username, PASSWORD: user.password },
    }),
  });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()).AuthenticationResult.AccessToken;
}

async function firstToken(url, token) {
  const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
  const body = JSON.stringify({ prompt: 'Why do rivers meander?' });
  const response = await fetch(url, { method: 'POST', headers, body });
  if (!response.ok) throw new Error(await response.text());
  let text = '';
  for await (const chunk of response.body) {
    text += Buffer.from(chunk).toString();
    if (/^data: .*"token":"[^"]/m.test(text)) return;
  }
  throw new Error('the answer ended without a token');
}
