/** What goes on, in words, as long as it does. */

import { useEffect, useState, type ReactNode } from 'react';

import type { Waiting } from '@tokencast/client';
import { isOver, type AnswerView } from '@tokencast/react';
import type { Held } from '../hooks/useWaiting';
import { timeInWords } from '../chat/times';
import { Dots } from '../ui/Dots';
import { isReasoning, progressOf } from './progress';

/** A state that lasts so long is worth another word. */
const SLOW_MS = 10_000;

export function AnswerState({ answer, wait }: { answer: AnswerView; wait: Wait }): ReactNode {
  const slow = useLasting(progressOf(answer));
  const words = stateInWords(answer, slow, wait);
  if (words === null) return null;
  return (
    <p className={answer.blocks.length === 0 ? 'state' : 'state below'} data-phase={answer.phase}>
      <Dots />
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

type Going = Pick<AnswerView, 'phase' | 'reconnecting' | 'stopping' | 'restarts' | 'blocks'>;

/** What is known of a wait. */
export interface Wait {
  held: Held | null;
  /** When the question was asked, in milliseconds since the epoch. */
  askedAt: number;
}

const LEAVE = 'You may leave this page, the answer is kept.';

/** `null` when the text speaks for itself. `slow`: it has been so for a while. */
export function stateInWords(answer: Going, slow = false, wait?: Wait): string | null {
  const { phase, restarts } = answer;
  if (isOver(phase)) return null;
  if (answer.stopping) return 'Stopping …';
  if (phase === 'unsent') return 'You are offline. Your question is sent once you are back.';
  if (answer.reconnecting) return 'Reconnecting …';
  const held = wait?.held ?? null;
  if (held?.waiting) return waitInWords(held.waiting);
  switch (held?.queued === true ? 'queued' : phase) {
    case 'connecting':
      return slow ? 'Still connecting …' : 'Connecting …';
    case 'queued':
      return slow
        ? `Still waiting in the queue${asked(wait)}: the model is busy. ${LEAVE}`
        : 'Waiting in the queue …';
    case 'thinking':
      if (restarts > 0) return 'Starting the answer again …';
      // Said above it, with what it thinks.
      if (isReasoning(answer)) return null;
      return slow ? 'Still thinking. Some answers take a minute to begin …' : 'Thinking …';
    default:
      if (isReasoning(answer)) return null;
      return slow ? 'Waiting for the next words …' : null;
  }
}

function asked(wait: Wait | undefined): string {
  const time = wait?.askedAt === undefined ? null : timeInWords(wait.askedAt);
  return time === null ? '' : `, since ${time}`;
}

/** Another reason than these is new at the server's. */
function waitInWords({ reason, since }: Waiting): string {
  const time = timeInWords(since);
  const from = time === null ? '' : ` since ${time}`;
  if (reason === 'THROTTLED') {
    return `Waiting in the queue${from}: the model has no capacity. Your question is sent to it again by itself. ${LEAVE}`;
  }
  return `Waiting in the queue${from}: something holds the answer up. ${LEAVE}`;
}
