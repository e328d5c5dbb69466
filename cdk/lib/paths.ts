/** Where this package and the repository around it are, whether it runs compiled or not. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of `cdk.json`. */
export const CDK_DIR = findUp(__dirname);

export const REPOSITORY_DIR = dirname(CDK_DIR);

/** The API's contract: the one file that everything reads. */
export const SCHEMA_FILE = join(REPOSITORY_DIR, 'schema.graphql');

/** What AppSync runs for the fields that the request function answers. */
export const REQUEST_FUNCTION_FILE = join(CDK_DIR, 'resolvers', 'requestFunction.js');

/** What AppSync runs for the fields that only pass their arguments to the subscribers. */
export const PUBLISH_FILE = join(CDK_DIR, 'resolvers', 'publish.js');

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
