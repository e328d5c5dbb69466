/** Addresses: of conversations, and those that name the playground by its path. */

import { expect, test } from 'vitest';

import { canonicalAddress, hrefOf, routeOf } from '../../src/hooks/useRoute';

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

const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';

test.each([
  ['', { page: 'chat', conversationId: null }],
  ['#/', { page: 'chat', conversationId: null }],
  [`#/c/${ID}`, { page: 'chat', conversationId: ID }],
  [`#/c/${ID.toUpperCase()}`, { page: 'chat', conversationId: ID }],
  ['#/c/1', { page: 'chat', conversationId: null }],
  ['#/playground', { page: 'playground' }],
] as const)('%s is a place', (hash, route) => {
  expect(routeOf(hash)).toEqual(route);
});

test('a place has its address', () => {
  for (const hash of ['#/', `#/c/${ID}`, '#/playground']) expect(hrefOf(routeOf(hash))).toBe(hash);
});
