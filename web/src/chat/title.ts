/** How a conversation is called, above itself and in the browser's list of tabs. */

import type { ConversationView } from '@tokencast/react';

const MOST_CHARACTERS = 60;

/** Until the API has given it a title, it is called by its first question. */
export function titleOf({
  conversation,
  path,
}: Pick<ConversationView, 'conversation' | 'path'>): string {
  if (conversation) return conversation.title;
  const prompt = path[0]?.prompt.replace(/\s+/g, ' ').trim().slice(0, MOST_CHARACTERS);
  return prompt === undefined || prompt === '' ? 'New conversation' : prompt;
}

export function tabTitle(title: string): string {
  return `${title.slice(0, MOST_CHARACTERS)} · Tokencast`;
}
