/** Which branch of a tree is shown. */

import { expect, test } from 'vitest';

import { TurnTree, type TreeTurn } from '../src/turn_tree.js';

const turn = (sessionId: string, parentId: string | null): TreeTurn => ({ sessionId, parentId });
const ids = (turns: readonly TreeTurn[]): string[] => turns.map(({ sessionId }) => sessionId);

test('the branch with the newest turn, however deep that is', () => {
  const tree = new TurnTree([
    turn('a', null),
    turn('b', 'a'),
    turn('c', 'a'),
    turn('d', 'c'),
    turn('e', 'b'),
    turn('f', 'e'),
  ]);
  expect(ids(tree.path(new Map()))).toEqual(['a', 'b', 'e', 'f']);
  expect(ids(tree.path(new Map([['a', 'c']])))).toEqual(['a', 'c', 'd']);
});

test('the order of the list decides, also where a turn is before the one that it continues', () => {
  const tree = new TurnTree([turn('b', 'a'), turn('c', 'b'), turn('a', null), turn('x', null)]);
  expect(ids(tree.path(new Map()))).toEqual(['x']);
  expect(ids(tree.path(new Map([[null, 'a']])))).toEqual(['a', 'b', 'c']);
});

test('a circle is never gone round', () => {
  const tree = new TurnTree([turn('a', 'b'), turn('b', 'a'), turn('c', null)]);
  expect(ids(tree.path(new Map()))).toEqual(['c']);
});

test('a chain of 1,000 turns is looked at a few times for each, not a thousand', () => {
  let looks = 0;
  const counted = Array.from({ length: 1_000 }, (_, at) => {
    const parentId = at === 0 ? null : String(at - 1);
    return {
      sessionId: String(at),
      get parentId() {
        looks += 1;
        return parentId;
      },
    };
  });
  const tree = new TurnTree(counted);
  expect(tree.path(new Map())).toHaveLength(1_000);
  expect(looks).toBeLessThan(20_000);
});
