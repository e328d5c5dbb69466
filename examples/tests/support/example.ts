/** An example, copied to where its users would have it. */

import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { inject } from 'vitest';

const EXAMPLES = fileURLToPath(new URL('../../', import.meta.url));

/** @returns the path of the copy */
export async function copyExample(name: string, into = inject('installed')): Promise<string> {
  const to = join(into, name);
  const without = /\/(node_modules|dist|test-results|cdk\.out|__pycache__)$/;
  await cp(join(EXAMPLES, name), to, { recursive: true, filter: (file) => !without.test(file) });
  return to;
}
