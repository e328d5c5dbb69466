/** How long a model thought, in words. */

/** `null` for `tookMs`: nobody knows. */
export function thoughtInWords(live: boolean, isShown: boolean, tookMs: number | null): string {
  const words = live ? 'Thinking …' : `Thought${tookMs === null ? '' : ` for ${lasting(tookMs)}`}`;
  if (isShown) return words;
  return live ? 'Thinking, not shown …' : `${words}, not shown`;
}

export function lasting(ms: number): string {
  if (ms < 950) return 'less than a second';
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const rest = seconds % 60;
  return rest === 0 ? `${seconds / 60} min` : `${Math.floor(seconds / 60)} min ${rest} s`;
}
