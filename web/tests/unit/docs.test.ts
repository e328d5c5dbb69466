/** The examples in the documentation are the files that the tests run. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const ROOT = new URL('../../../', import.meta.url);
const doc = readFileSync(new URL('docs/INTEGRATION.md', ROOT), 'utf8');
const examples = [...doc.matchAll(/<!-- file: (\S+) -->\n```ts\n(.*?)\n```/gs)];

test('there are examples', () => {
  expect(examples).toHaveLength(4);
});

test.each(examples.map(([, path = '', code = '']) => ({ path, code })))(
  '$path',
  ({ path, code }) => {
    expect(code).toBe(readFileSync(new URL(path, ROOT), 'utf8').trimEnd());
  },
);
