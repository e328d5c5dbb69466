/** An answer's figures, by name. */

import type { AnswerView } from '@tokencast/react';
import { lasting } from '../content/thought_words';

type Counted = Pick<AnswerView, 'usage' | 'reasoningMs'>;

/** Those of the cache are part of the input; a model without a cache has none. */
export function figuresOf({ usage, reasoningMs }: Counted): [name: string, figure: string][] {
  const tokens = (count: number | null | undefined): string | null =>
    typeof count === 'number' ? `${count.toLocaleString('en')} tokens` : null;
  const figures: [string, string | null][] = [
    ['Input', tokens(usage?.inputTokens)],
    ['of it from the cache', tokens(usage?.cacheReadInputTokens)],
    ['of it put into the cache', tokens(usage?.cacheWriteInputTokens)],
    ['Output', tokens(usage?.outputTokens)],
    ['In all', tokens(usage?.totalTokens)],
    ['Cost', costOf(usage?.cost)],
    ['Thought for', reasoningMs === null ? null : lasting(reasoningMs)],
  ];
  return figures.filter((figure): figure is [string, string] => figure[1] !== null);
}

/** A fraction of a cent has two digits that say something; nothing is shown of what has no price. */
function costOf(dollars: number | null | undefined): string | null {
  if (typeof dollars !== 'number') return null;
  if (dollars >= 0.01 || dollars === 0) return `$${dollars.toFixed(2)}`;
  if (dollars < 0.000_001) return 'less than $0.000001';
  return `$${dollars.toFixed(Math.min(6, 1 - Math.floor(Math.log10(dollars))))}`;
}
