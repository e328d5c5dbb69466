/**
 * What a screen reader is told: the state when it changes, and the answer a whole block at a time.
 *
 * The blocks are added one by one and stay for a while, so that each is read once, politely, and none is cut short by the next.
 */

import { memo, useState, type ReactNode } from 'react';

import { isOver, type AnswerView } from '@tokencast/react';
import { GrowingMarkdown, type Block } from '../markdown/blocks';
import { wordsOf } from '../markdown/text';
import { stateInWords, type Wait } from './AnswerState';
import { wordsForNoText } from './ending_words';
import { isReasoning } from './progress';

/** So many blocks stay. That an older one goes away is not read. */
const KEPT = 60;

export function LiveRegion({ answer, wait }: { answer: AnswerView; wait: Wait }): ReactNode {
  const [markdown] = useState(() => new GrowingMarkdown());
  // What was there before is read by whoever looks for it.
  const fresh = answer.text.slice(answer.knownLength);
  const over = isOver(answer.phase);
  const { finished, growing } = markdown.update(fresh, !over);
  const told = over ? [...finished, ...growing] : finished;
  const begins = `${answer.sessionId ?? ''} ${answer.restarts}`;
  return (
    <div className="hidden">
      <p role="status">{spokenState(answer, wait)}</p>
      <div
        role="log"
        aria-live="polite"
        aria-relevant="additions"
        aria-label="The answer, as it comes"
      >
        {told.slice(-KEPT).map((block, index) => (
          <Told key={`${begins} ${Math.max(0, told.length - KEPT) + index}`} block={block} />
        ))}
      </div>
    </div>
  );
}

/** Parsed once: a finished block stays as it is. */
const Told = memo(
  ({ block }: { block: Block }): ReactNode => {
    const words = wordsOf(block);
    return words === '' ? null : <p>{words}</p>;
  },
  (before, after) => before.block.source === after.block.source,
);
Told.displayName = 'Told';

function spokenState(answer: AnswerView, wait: Wait): string {
  switch (answer.phase) {
    case 'idle':
    case 'failed':
      return '';
    case 'completed':
      return wordsForNoText(answer) ?? 'The answer is complete.';
    case 'cancelled':
      return wordsForNoText(answer) ?? 'The answer was stopped.';
    default:
      return (
        wordsWhileReasoning(answer) ?? stateInWords(answer, false, wait) ?? 'The answer is coming.'
      );
  }
}

function wordsWhileReasoning(answer: AnswerView): string | null {
  const isQuiet = !answer.reconnecting && !answer.stopping;
  return isQuiet && isReasoning(answer) ? 'Thinking …' : null;
}
