/** What goes on, in words, as long as it does. */

import { useEffect, useState, type ReactNode } from 'react';

import { isOver, type AnswerView } from '../hooks/answer_store';

/** A state that lasts so long is worth another word. */
const SLOW_MS = 10_000;

export function AnswerState({ answer }: { answer: AnswerView }): ReactNode {
  const slow = useLasting(`${answer.phase} ${answer.text.length}`);
  const words = stateInWords(answer, slow);
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

/** Whether a state hasn't changed for `SLOW_MS`. */
function useLasting(state: string): boolean {
  const [lasting, setLasting] = useState<string | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => {
      setLasting(state);
    }, SLOW_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [state]);
  return lasting === state;
}

type Going = Pick<AnswerView, 'phase' | 'reconnecting' | 'stopping' | 'restarts'>;

/** `null` when the text speaks for itself. */
export function stateInWords(answer: Going, slow = false): string | null {
  const { phase, restarts } = answer;
  if (isOver(phase)) return null;
  if (answer.stopping) return 'Stopping …';
  if (phase === 'unsent') return 'You are offline. Your question is sent once you are back.';
  if (answer.reconnecting) return 'Reconnecting …';
  switch (phase) {
    case 'connecting':
      return slow ? 'Still connecting …' : 'Connecting …';
    case 'queued':
      return slow
        ? 'Still waiting in the queue: the model is busy. You may leave this page, the answer is kept.'
        : 'Waiting in the queue …';
    case 'thinking':
      if (restarts > 0) return 'Starting the answer again …';
      return slow ? 'Still thinking. Some answers take a minute to begin …' : 'Thinking …';
    default:
      return slow ? 'Waiting for the next words …' : null;
  }
}
