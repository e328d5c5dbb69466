/** Times of day, in words. */

export function isToday(time: Date, now: Date): boolean {
  return time.toDateString() === now.toDateString();
}

/** `14:05`, in the reader's own way; with the day if that is another one. `null` of what is no time. */
export function timeInWords(at: string | number, now = new Date()): string | null {
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return null;
  return isToday(time, now)
    ? time.toLocaleTimeString(undefined, { timeStyle: 'short' })
    : time.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}
