/** What keys do on the chat page. */

/** What is looked at of a keyboard event. */
export interface Key {
  key: string;
  shiftKey?: boolean;
  ctrlKey?: boolean;
  metaKey?: boolean;
  altKey?: boolean;
  isComposing?: boolean;
  keyCode?: number;
}

/** Safari says so of the key that ended a composition: `isComposing` is false again by then. */
const COMPOSITION = 229;

/** Whether the key belongs to the writing of a Chinese, Japanese or Korean word. */
export function isComposition({ isComposing = false, keyCode }: Key): boolean {
  return isComposing || keyCode === COMPOSITION;
}

export type ComposerAction = 'send' | 'lastPrompt';

/** In the composer. `null`: the key writes. */
export function composerAction(key: Key, isEmpty: boolean): ComposerAction | null {
  if (isComposition(key) || hasModifier(key) || key.shiftKey === true) return null;
  if (key.key === 'Enter') return 'send';
  return key.key === 'ArrowUp' && isEmpty ? 'lastPrompt' : null;
}

export type PageAction = 'stop' | 'focus' | 'newConversation' | 'search';

/** Anywhere on the page. `null`: it isn't the page's key. */
export function pageAction(key: Key): PageAction | null {
  if (isComposition(key)) return null;
  if (key.key === 'Escape' && !hasModifier(key)) return key.shiftKey === true ? 'focus' : 'stop';
  const isCommand = (key.ctrlKey === true) !== (key.metaKey === true) && key.altKey !== true;
  if (!isCommand) return null;
  const letter = key.key.toLowerCase();
  if (letter === 'o' && key.shiftKey === true) return 'newConversation';
  return letter === 'k' && key.shiftKey !== true ? 'search' : null;
}

function hasModifier({ ctrlKey, metaKey, altKey }: Key): boolean {
  return ctrlKey === true || metaKey === true || altKey === true;
}

/** For the list of shortcuts. */
export const SHORTCUTS: readonly (readonly [keys: readonly string[], what: string])[] = [
  [['Enter'], 'Send the question'],
  [['Shift', 'Enter'], 'Start a new line'],
  [['Esc'], 'Stop the answer, from anywhere'],
  [['↑'], 'Write the last question again, in an empty field'],
  [['Shift', 'Esc'], 'Go to the field'],
  [['Ctrl or ⌘', 'Shift', 'O'], 'New conversation'],
  [['Ctrl or ⌘', 'K'], 'Search in the titles of conversations'],
];
