/** Copies what the constructs read at a synthesis: `node assets.mjs FOLDER`. */

import { copyFileSync, cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: node assets.mjs FOLDER');
  process.exit(2);
}
const here = import.meta.dirname;
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
copyFileSync(join(here, '..', 'schema.graphql'), join(folder, 'schema.graphql'));
copyFileSync(join(here, 'assistants.schema.json'), join(folder, 'assistants.schema.json'));
cpSync(join(here, 'resolvers'), join(folder, 'resolvers'), { recursive: true });
