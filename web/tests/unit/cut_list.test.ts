/** Where a long list is cut, and what the rest of it begins with. */

import { expect, test } from 'vitest';

import { cutList, depthOf } from '../../src/markdown/cut_list';

function lines(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => `${line(index)}\n`).join('');
}

test.each([
  ['items', lines(100, () => '- a'), '', 30],
  ['items within one', `- a\n${lines(100, () => '  - b')}`, '-\n', 60],
  ['items within one, further to the right', `- a\n${lines(100, () => '    - b')}`, '-\n', 60],
  ['items within one, by tabs', `-\ta\n${lines(100, () => '\t- b')}`, '-\n', 60],
  ['items within a number', `7) a\n${lines(100, () => '   - b')}`, '7)\n', 60],
  ['items two deep', `- a\n  - b\n${lines(100, () => '    - c')}`, '- -\n', 60],
  ['items two wide steps deep', `- a\n    - b\n${lines(100, () => '        - c')}`, '-   -\n', 60],
  ['items behind another mark', `- a\n  1. b\n${lines(100, () => '     * c')}`, '- 1.\n', 60],
  ['an item that counts on', `1. a\n1. b\n${lines(100, () => '   - c')}`, '2.\n', 60],
])('%s', (_name, list, head, items) => {
  const cut = cutList(list, '');
  expect(cut?.head).toBe(head);
  expect(list.slice(0, cut?.length).split('\n')).toHaveLength(items + 1);
  expect(depthOf(head)).toBe(head.split(/\s/).filter(Boolean).length);
});

test('the rest is cut again at the same depth', () => {
  const head = '- 3.\n';
  const rest = `${head}${lines(100, (index) => `     - c ${index}`)}`;
  const cut = cutList(rest, head);
  expect(cut?.head).toBe(head);
  expect(rest.slice(0, cut?.length).split('\n')).toHaveLength(60 + 2);
});

test('numbers go on within the rest', () => {
  const head = '-\n';
  const cut = cutList(`${head}${lines(100, (index) => `  ${index + 31}. c`)}`, head);
  expect(cut?.head).toBe(head);
});

test.each([
  ['a short list', lines(20, () => '- a')],
  ['code in an item', `- a\n  \`\`\`\n${lines(100, () => '  - b')}`],
  ['code in an item, at the margin', `1. a\n\n       code\n${lines(100, () => '       - b')}`],
  ['rules', `- a\n${lines(100, () => '  - - -')}`],
  ['years in a paragraph', `- In\n${lines(100, (index) => `  ${index + 1900}. it was`)}`],
  ['marks without words', `- a\n${lines(100, () => '  -')}`],
])('%s: not cut', (_name, list) => {
  expect(cutList(list, '')).toBeNull();
});

test('an item of many lines is cut off by its size', () => {
  const list = `- a\n${lines(200, () => '  some words of one item')}- b\n- c\n`;
  expect(list.slice(cutList(list, '')?.length)).toBe('- b\n- c\n');
});
