import { tokencast } from '../lib/app';

try {
  tokencast().app.synth();
} catch (error) {
  // Its message says what to do; a stack trace would bury it.
  console.error(`\n${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
