/** Addresses that name the playground by their path. */

import { expect, test } from 'vitest';

import { canonicalAddress } from '../../src/hooks/useRoute';

test.each([
  ['/', null],
  ['/#/playground', null],
  ['/index.html', null],
  ['/playgrounds', null],
  ['/playground', '/#/playground'],
  ['/playground/', '/#/playground'],
  ['/in/a/folder/playground', '/in/a/folder/#/playground'],
  ['/playground?a=b', '/?a=b#/playground'],
  ['/playground#/', '/#/'],
])('%s', (address, canonical) => {
  expect(canonicalAddress(new URL(address, 'http://localhost'))).toBe(canonical);
});
