/** The conversations by the day of their last change. */

import type { Conversation } from '@tokencast/client';

export interface Group {
  name: string;
  conversations: Conversation[];
}

const DAY_MS = 86_400_000;

/** Keeps their order; a group without a conversation is left out. */
export function groupsByDay(
  conversations: readonly Conversation[],
  now: Date = new Date(),
): Group[] {
  const today = midnight(now);
  const groups: Group[] = [];
  for (const conversation of conversations) {
    const name = dayInWords(today - midnight(new Date(conversation.updatedAt)));
    const group = groups.find((one) => one.name === name);
    if (group) group.conversations.push(conversation);
    else groups.push({ name, conversations: [conversation] });
  }
  return groups;
}

function dayInWords(agoMs: number): string {
  // An hour more or less, where the clocks change, makes no other day.
  const days = Math.round(agoMs / DAY_MS);
  if (days <= 0) return 'Today';
  if (days === 1) return 'Yesterday';
  return days <= 7 ? 'Last seven days' : 'Older';
}

function midnight(at: Date): number {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}
