/** The command as npm runs it, with a program of the test in the binary's place. */

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, expect, test } from 'vitest';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));

/** Says its arguments and its parent, then does what it is told by stdin; says which signal comes, and goes on. */
const PROGRAM = `#!${process.execPath}
const say = (value) => console.log(JSON.stringify(value));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => say(signal));
say({ args: process.argv.slice(2), parent: process.env.TOKENCAST_PARENT_PID, ppid: String(process.ppid) });
require('node:readline').createInterface(process.stdin).on('line', (line) => {
  const [word, argument] = line.split(' ');
  if (word === 'say') say(argument);
  if (word === 'exit') process.exit(Number(argument));
  if (word === 'die') process.kill(process.pid, argument);
});
`;

let folder: string;
let program: string;

beforeAll(() => {
  execFileSync('npm', ['run', 'build', '--silent'], { cwd: PACKAGE });
  folder = mkdtempSync(join(tmpdir(), 'tokencast-run-'));
  program = join(folder, 'program');
  writeFileSync(program, PROGRAM, { mode: 0o755 });
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Running {
  child: ChildProcess;
  line(): Promise<unknown>;
  tell(line: string): void;
  end: Promise<[number | null, NodeJS.Signals | null]>;
  errors(): string;
}

function start(binary: string, ...args: string[]): Running {
  const child = spawn(process.execPath, [join(PACKAGE, 'dist/main.js'), ...args], {
    env: { ...process.env, TOKENCAST_BIN: binary },
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  return {
    child,
    line: async () => JSON.parse(String((await lines.next()).value)) as unknown,
    tell: (line) => child.stdin.write(`${line}\n`),
    end: new Promise((resolve) => {
      child.once('close', (code, signal) => {
        resolve([code, signal]);
      });
    }),
    errors: () => errors,
  };
}

test('arguments, streams and the exit code are those of the binary', async () => {
  const running = start(program, 'ask', '--json', 'two words');
  const parent = String(running.child.pid);
  const args = ['ask', '--json', 'two words'];
  expect(await running.line()).toEqual({ args, parent, ppid: parent });
  running.tell('say hello');
  expect(await running.line()).toBe('hello');
  running.tell('exit 7');
  expect(await running.end).toEqual([7, null]);
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s is passed on', async (signal) => {
  const running = start(program);
  await running.line();
  running.child.kill(signal);
  expect(await running.line()).toBe(signal);
  // It ends when the binary ends, not before.
  running.tell('exit 0');
  expect(await running.end).toEqual([0, null]);
});

test.each(['SIGKILL', 'SIGABRT'] as const)('a binary that dies by %s', async (signal) => {
  const running = start(program);
  await running.line();
  running.tell(`die ${signal}`);
  expect(await running.end).toEqual([null, signal]);
});

test('a binary that cannot be started is named', async () => {
  const plain = join(folder, 'plain');
  writeFileSync(plain, 'no program');
  chmodSync(plain, 0o644);
  const running = start(plain);
  expect(await running.end).toEqual([4, null]);
  expect(running.errors()).toBe(
    `tokencast: ${plain} can't be started: it is not executable. Install the package again\n`,
  );
});

test('a machine without a binary is told so in one line', async () => {
  const running = start('/nowhere/tokencast');
  expect(await running.end).toEqual([4, null]);
  expect(running.errors()).toBe(
    'tokencast: TOKENCAST_BIN is `/nowhere/tokencast`, where no file is\n',
  );
});
