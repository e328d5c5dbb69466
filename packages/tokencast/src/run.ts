/** Runs the binary in this process's place: its streams, its signals, its exit code, its end. */

import { spawn } from 'node:child_process';
import { constants } from 'node:os';

import { onceNpxIsGone } from './npx.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function run(file: string, args: readonly string[]): void {
  const child = spawn(file, args, {
    stdio: 'inherit',
    // If this process is killed, it can't pass that on. So the binary watches it.
    env: { ...process.env, TOKENCAST_PARENT_PID: String(process.pid) },
  });
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      child.kill(signal);
    });
  }
  onceNpxIsGone(() => {
    child.kill('SIGTERM');
  });
  child.once('error', (error: NodeJS.ErrnoException) => {
    console.error(`tokencast: ${file} can't be started: ${why(error)}`);
    process.exitCode = 4;
  });
  child.once('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 0);
    endBy(signal);
  });
}

/** Ends as the child did, so that a shell says so. */
function endBy(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // A signal that doesn't end Node, such as SIGUSR1.
  process.exitCode = 128 + constants.signals[signal];
}

function why(error: NodeJS.ErrnoException): string {
  if (error.code === 'EACCES') return 'it is not executable. Install the package again';
  if (error.code === 'ENOENT') return 'the C library that it was built for is not on this machine';
  return error.message;
}
