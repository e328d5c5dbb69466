/** What keys do, where a real keyboard is hard to come by. */

import { describe, expect, test } from 'vitest';

import { composerAction, pageAction, type Key } from '../../src/chat/keys';

describe('in the composer', () => {
  test.each<[what: string, key: Key, isEmpty: boolean, does: string | null]>([
    ['Enter sends', { key: 'Enter' }, false, 'send'],
    ['Shift+Enter starts a line', { key: 'Enter', shiftKey: true }, false, null],
    ['Enter within a composition chooses a word', { key: 'Enter', isComposing: true }, false, null],
    ['Enter after compositionend, in Safari', { key: 'Enter', keyCode: 229 }, false, null],
    ['Enter of an ordinary keyboard', { key: 'Enter', keyCode: 13 }, false, 'send'],
    ['Arrow up brings the last question', { key: 'ArrowUp' }, true, 'lastPrompt'],
    ['Arrow up moves within a text', { key: 'ArrowUp' }, false, null],
    ['Arrow up selects a candidate', { key: 'ArrowUp', isComposing: true }, true, null],
    ['Alt+Arrow up is the system’s', { key: 'ArrowUp', altKey: true }, true, null],
    ['a letter writes', { key: 'a' }, true, null],
  ])('%s', (_what, key, isEmpty, does) => {
    expect(composerAction(key, isEmpty)).toBe(does);
  });
});

describe('anywhere', () => {
  test.each<[what: string, key: Key, does: string | null]>([
    ['Escape stops', { key: 'Escape' }, 'stop'],
    ['Escape ends a composition', { key: 'Escape', isComposing: true }, null],
    ['Escape ends a composition, in Safari', { key: 'Escape', keyCode: 229 }, null],
    ['Shift+Escape goes to the field', { key: 'Escape', shiftKey: true }, 'focus'],
    ['Ctrl+Escape is the system’s', { key: 'Escape', ctrlKey: true }, null],
    ['Ctrl+Shift+O', { key: 'O', ctrlKey: true, shiftKey: true }, 'newConversation'],
    ['⌘+Shift+O', { key: 'o', metaKey: true, shiftKey: true }, 'newConversation'],
    ['Ctrl+O is the browser’s', { key: 'o', ctrlKey: true }, null],
    ['Ctrl+K', { key: 'k', ctrlKey: true }, 'search'],
    ['⌘+K', { key: 'k', metaKey: true }, 'search'],
    ['K writes', { key: 'k' }, null],
    ['Shift+O writes', { key: 'O', shiftKey: true }, null],
  ])('%s', (_what, key, does) => {
    expect(pageAction(key)).toBe(does);
  });
});
