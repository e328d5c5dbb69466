/** The conversations by the day of their last change. */

import type { Conversation } from '@tokencast/client';

export interface Group {
  name: string;
  conversations: Conversation[];
}

const DAY_MS = 86_400_000;
const NAMES = ['Today', 'Yesterday', 'Last seven days', 'Older'];

/**
 * Keeps their order, which is that of their last turns. A title that was changed since makes none newer than the one before it.
 */
export function groupsByDay(
  conversations: readonly Conversation[],
  now: Date = new Date(),
): Group[] {
  const today = midnight(now);
  const groups: Group[] = [];
  let age = 0;
  for (const conversation of conversations) {
    age = Math.max(age, ageOf(today - midnight(new Date(conversation.updatedAt))));
    const name = NAMES[age] ?? '';
    const last = groups.at(-1);
    if (last?.name === name) last.conversations.push(conversation);
    else groups.push({ name, conversations: [conversation] });
  }
  return groups;
}

/** The place of its name. */
function ageOf(agoMs: number): number {
  // An hour more or less, where the clocks change, makes no other day.
  const days = Math.round(agoMs / DAY_MS);
  if (days <= 1) return Math.max(0, days);
  return days <= 7 ? 2 : 3;
}

function midnight(at: Date): number {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}
