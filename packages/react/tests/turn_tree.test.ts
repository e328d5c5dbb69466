/** The branch of a tree that is shown. */

import { expect, test } from 'vitest';

import { TurnTree, type TreeTurn } from '../src/turn_tree.js';

/** `b<a`: b continues a. The oldest first. */
const tree = (...turns: string[]): TurnTree<TreeTurn> =>
  new TurnTree(
    turns.map((turn) => {
      const [sessionId = '', parentId] = turn.split('<');
      return { sessionId, parentId: parentId ?? null };
    }),
  );

const ids = (turns: readonly TreeTurn[]): string => turns.map(({ sessionId }) => sessionId).join('');

test.each([
  { name: 'none', turns: [], path: '' },
  { name: 'a chain', turns: ['a', 'b<a', 'c<b'], path: 'abc' },
  { name: 'the branch of the newest turn', turns: ['a', 'b<a', 'c<a', 'd<b'], path: 'abd' },
  { name: 'the newest beginning', turns: ['a', 'b<a', 'c'], path: 'c' },
  { name: 'one whose parent is gone', turns: ['b<a', 'c<b'], path: 'bc' },
])('by default is $name', ({ turns, path }) => {
  expect(ids(tree(...turns).path(new Map()))).toBe(path);
});

test('is the one chosen, as far as it was chosen', () => {
  const turns = tree('a', 'b<a', 'c<a', 'd<c', 'e<b');
  expect(ids(turns.path(new Map([['a', 'c']])))).toBe('acd');
  expect(ids(turns.path(new Map([['a', 'gone']])))).toBe('abe');
});

test('versions are turns that continue the same one', () => {
  const turns = tree('a', 'b<a', 'c<a', 'd');
  expect(ids(turns.siblingsOf('c'))).toBe('bc');
  expect(ids(turns.siblingsOf('a'))).toBe('ad');
  expect(ids(turns.siblingsOf('x'))).toBe('');
  expect(ids(turns.branchOf('c'))).toBe('ac');
});

test('a circle ends', () => {
  expect(ids(tree('a<b', 'b<a').branchOf('a'))).toBe('ba');
});
