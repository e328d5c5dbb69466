/** How far an answer is, as a text that changes with each piece of it. */

import type { AnswerView } from '@tokencast/react';

export type Progress = Pick<AnswerView, 'phase' | 'text' | 'blocks'>;

export function progressOf({ phase, text, blocks }: Progress): string {
  const last = blocks.at(-1);
  const thought = last?.type === 'REASONING' ? last.reasoning.length : 0;
  return `${phase} ${text.length} ${blocks.length} ${thought}`;
}

/** The model reasons, and its reader is told so in the answer itself. */
export function isReasoning({ blocks }: Pick<AnswerView, 'blocks'>): boolean {
  return blocks.at(-1)?.type === 'REASONING';
}
