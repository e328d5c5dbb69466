/** The list of conversations, and what its files are called. */

import { describe, expect, test } from 'vitest';

import type { Conversation } from '@tokencast/client';
import { fileName } from '../../src/chat/save_as';
import { plain } from '../../src/hooks/useSearch';
import { groupsByDay } from '../../src/sidebar/days';

function at(...[year, month, day, hour = 12]: [number, number, number, number?]): Conversation {
  const updatedAt = new Date(year, month - 1, day, hour).toISOString();
  return {
    conversationId: updatedAt,
    title: updatedAt,
    lastSessionId: null,
    turnCount: 1,
    createdAt: updatedAt,
    updatedAt,
  };
}

test.each([
  [at(2026, 11, 28, 0), 'Today'],
  [at(2026, 11, 29), 'Today'],
  [at(2026, 11, 27, 23), 'Yesterday'],
  [at(2026, 11, 27, 0), 'Yesterday'],
  [at(2026, 11, 26, 23), 'Last seven days'],
  [at(2026, 11, 21, 0), 'Last seven days'],
  [at(2026, 11, 20, 23), 'Older'],
])('%j is of its day', (conversation, name) => {
  const groups = groupsByDay([conversation], new Date(2026, 10, 28, 14));
  expect(groups).toEqual([{ name, conversations: [conversation] }]);
});

test('each day is there once, and a title that was changed today moves nothing up', () => {
  const list = [at(2026, 11, 28), at(2026, 11, 27), at(2026, 11, 28, 1), at(2026, 1, 1)];
  const groups = groupsByDay(list, new Date(2026, 10, 28, 14));
  expect(groups.map(({ name, conversations }) => [name, conversations.length])).toEqual([
    ['Today', 1],
    ['Yesterday', 2],
    ['Older', 1],
  ]);
});

test.each([
  ['Über Flüsse', 'uber flusse'],
  ['ÉTÉ', 'ete'],
  ['日本', '日本'],
])('a search takes %s for %s', (title, found) => {
  expect(plain(title)).toBe(found);
});

describe('a file is called like its conversation', () => {
  test.each([
    ['Why do rivers meander?', 'Why do rivers meander.md'],
    ['a/b\\c: "d"', 'a b c d.md'],
    ['../../etc/passwd', 'etc passwd.md'],
    ['\u202egpj.exe', 'gpj.exe.md'],
    [' . ', 'conversation.md'],
    ['x'.repeat(100), `${'x'.repeat(80)}.md`],
  ])('%j', (title, name) => {
    expect(fileName(title, 'MARKDOWN')).toBe(name);
  });
});
