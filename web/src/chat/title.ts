/** How a conversation is called: above itself, where the question stands right below, and in the browser's list of tabs. */

import { isToday } from './times';

export function pageTitle(
  sessionId: string | null,
  askedAt: number | undefined,
  now = new Date(),
): string {
  if (sessionId === null) return 'New question';
  if (askedAt === undefined) return 'Answer';
  const asked = new Date(askedAt);
  const time = asked.toLocaleTimeString(undefined, { timeStyle: 'short' });
  if (isToday(asked, now)) return `Asked today, ${time}`;
  return `Asked on ${asked.toLocaleDateString(undefined, { dateStyle: 'medium' })}, ${time}`;
}

export function tabTitle(sessionId: string | null, prompt: string | undefined): string {
  const title = prompt ?? (sessionId === null ? 'New question' : 'Answer');
  return `${title.replace(/\s+/g, ' ').slice(0, 60)} · Tokencast`;
}
