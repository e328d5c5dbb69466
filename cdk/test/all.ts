/** Runs every test in one process: what validates templates takes seconds to start, and then is there for all. */
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { CDK_DIR } from '../lib/paths';

const load = createRequire(__filename);
// The sources' names: a test that is gone may still be there compiled.
for (const file of readdirSync(join(CDK_DIR, 'test'))) {
  if (file.endsWith('.test.ts')) {
    load(`./${file.replace(/\.ts$/, '.js')}`);
  }
}
