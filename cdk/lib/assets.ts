/**
 * The files that the constructs need at a synthesis. They are in the folder `assets` beside this compiled one, in the
 * repository by `npm run build` and in the npm package by `pack.mjs`. Nothing is looked for above it.
 */
import { join } from 'node:path';

const ASSETS_DIR = join(__dirname, '..', 'assets');

/** The API's contract, for an API of yours. */
export const SCHEMA_FILE = join(ASSETS_DIR, 'schema.graphql');

/** What the assistants' file has to be like. */
export const ASSISTANTS_SCHEMA_FILE = join(ASSETS_DIR, 'assistants.schema.json');

/** What AppSync runs for the fields that the request function answers. */
export const REQUEST_FUNCTION_FILE = join(ASSETS_DIR, 'resolvers', 'requestFunction.js');

/** What AppSync runs for the fields that only pass their arguments to the subscribers. */
export const PUBLISH_FILE = join(ASSETS_DIR, 'resolvers', 'publish.js');

/** The packaged functions that come along, by architecture; only the npm package has any. */
export const FUNCTIONS_DIR = join(ASSETS_DIR, 'functions');
