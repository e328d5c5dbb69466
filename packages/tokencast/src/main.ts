#!/usr/bin/env node
/** The `tokencast` command of npm: runs the binary that was installed for this machine. */

import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';

import { findBinary, NoBinaryError } from './binary.js';
import { machine } from './machine.js';
import { run } from './run.js';

try {
  const here = machine(process, () => readdirSync('/lib'));
  const resolve = createRequire(import.meta.url).resolve;
  run(findBinary(here, process.env, resolve), process.argv.slice(2));
} catch (error) {
  if (!(error instanceof NoBinaryError)) throw error;
  console.error(`tokencast: ${error.message}`);
  // The exit code of a stack that can't start.
  process.exitCode = 4;
}
