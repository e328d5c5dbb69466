/** Where this package and the repository around it are, for the app, its scripts and tests. No construct needs them. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of `cdk.json`. */
export const CDK_DIR = findUp(__dirname);

export const REPOSITORY_DIR = dirname(CDK_DIR);

/** Where `cargo xtask package` leaves the functions. */
export const DEFAULT_FUNCTIONS_DIR = join(REPOSITORY_DIR, 'target', 'lambda');

function findUp(from: string): string {
  if (existsSync(join(from, 'cdk.json'))) {
    return from;
  }
  const parent = dirname(from);
  if (parent === from) {
    throw new Error(`no cdk.json in ${__dirname} or any folder above it`);
  }
  return findUp(parent);
}
