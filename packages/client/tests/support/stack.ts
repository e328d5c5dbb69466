/** The local stack, as a process on a free port. */

import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What `tokencast dev --json` prints. */
export interface Ready {
  url: string;
  graphqlUrl: string;
  cognitoEndpoint: string;
  userPoolClientId: string;
  /** With `--control`. */
  controlUrl?: string;
  users: { username: string; password: string }[];
}

export interface Stack extends Ready {
  stop(): Promise<void>;
}

const BUILT = new URL('../../../../target/debug/tokencast', import.meta.url);
const EXECUTABLE = process.env.TOKENCAST_BIN ?? fileURLToPath(BUILT);

export async function startStack(args: string[] = []): Promise<Stack> {
  const child = spawn(EXECUTABLE, ['dev', '--json', '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ready = await firstLine(child);
  return { ...ready, stop: () => stop(child) };
}

async function firstLine(child: ChildProcess): Promise<Ready> {
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-4_000);
  });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(new Error(`${EXECUTABLE} cannot be started: set TOKENCAST_BIN`, { cause: error }));
    });
    child.once('exit', (code) => {
      reject(new Error(`${EXECUTABLE} ended with ${code ?? 'a signal'}: ${complaint}`));
    });
    if (!child.stdout) throw new Error('no stdout');
    createInterface(child.stdout).once('line', (line) => {
      resolve(JSON.parse(line) as Ready);
    });
  });
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve();
      return;
    }
    child.once('exit', () => {
      resolve();
    });
    child.kill('SIGINT');
  });
}
