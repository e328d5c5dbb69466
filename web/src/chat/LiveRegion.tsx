/**
 * What a screen reader is told: the state when it changes, and the answer a whole block at a time.
 *
 * The blocks are added one by one and stay, so that each is read once, politely, and none is cut short by the next.
 */

import { memo, useState, type ReactNode } from 'react';

import { isOver, type AnswerView } from '../hooks/answer_store';
import { GrowingMarkdown, type Block } from '../markdown/blocks';
import { wordsOf } from '../markdown/text';
import { stateInWords } from './AnswerState';
import { wordsForNoText } from './ending_words';

export function LiveRegion({ answer }: { answer: AnswerView }): ReactNode {
  const [markdown] = useState(() => new GrowingMarkdown());
  // What was there before is read by whoever looks for it.
  const fresh = answer.text.slice(answer.knownLength);
  const over = isOver(answer.phase);
  const { finished, growing } = markdown.update(fresh, !over);
  const told = over ? [...finished, ...growing] : finished;
  return (
    <div className="hidden">
      <p role="status">{spokenState(answer)}</p>
      <div
        role="log"
        aria-live="polite"
        aria-relevant="additions"
        aria-label="The answer, as it comes"
      >
        {told.map((block, index) => (
          <Told key={`${answer.sessionId ?? ''} ${answer.restarts} ${index}`} block={block} />
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

function spokenState(answer: AnswerView): string {
  switch (answer.phase) {
    case 'idle':
    case 'failed':
      return '';
    case 'completed':
      return wordsForNoText(answer) ?? 'The answer is complete.';
    case 'cancelled':
      return wordsForNoText(answer) ?? 'The answer was stopped.';
    default:
      return stateInWords(answer) ?? 'The answer is coming.';
  }
}
