/** What goes on, in words, as long as it does. */

import type { ReactNode } from 'react';

import { isOver, type AnswerView } from '../hooks/answer_store';

export function AnswerState({ answer }: { answer: AnswerView }): ReactNode {
  const words = stateInWords(answer);
  if (words === null) return null;
  return (
    <p className={answer.text === '' ? 'state' : 'state below'} data-phase={answer.phase}>
      <span className="dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      {words}
    </p>
  );
}

/** `null` when the text speaks for itself. */
export function stateInWords(answer: AnswerView): string | null {
  if (isOver(answer.phase)) return null;
  if (answer.reconnecting) return 'Reconnecting …';
  if (answer.stopping) return 'Stopping …';
  switch (answer.phase) {
    case 'connecting':
      return 'Connecting …';
    case 'queued':
      return 'Waiting in the queue …';
    case 'thinking':
      return answer.restarts > 0 ? 'Starting the answer again …' : 'Thinking …';
    default:
      return null;
  }
}
