/** Runs cfn-lint, from the path, on the templates of every variant. Any finding fails. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { writeTemplates } from './templates';

const HOW_TO_INSTALL =
  'cfn-lint is not on the path. It comes from PyPI: `python3 -m venv ../target/venv && ' +
  '../target/venv/bin/pip install cfn-lint`, then `PATH="$PWD/../target/venv/bin:$PATH" npm run lint:cfn`.';

const run = spawnSync('cfn-lint', [join(writeTemplates(), '*', '*.template.json')], { stdio: 'inherit' });
if (run.error) {
  console.error('code' in run.error && run.error.code === 'ENOENT' ? HOW_TO_INSTALL : run.error.message);
}
process.exitCode = run.status ?? 1;
