/** A transcript's changes, as the reader of a stream hears of them. */

import type { Change } from './transcript';
import type { AnswerEvent, Ending } from './types';

export function answerEvent(change: Change): AnswerEvent {
  switch (change.type) {
    case 'restart':
      return { type: 'restarted', attempt: change.attempt };
    case 'append':
      return {
        type: 'text',
        text: change.text,
        sequence: change.sequence,
        attempt: change.attempt,
      };
    case 'end':
      return lastEvent(change.ending);
  }
}

function lastEvent({ status, stopReason, usage, error }: Ending): AnswerEvent {
  switch (status) {
    case 'COMPLETED':
      return { type: 'completed', stopReason, usage };
    case 'CANCELLED':
      return { type: 'cancelled', stopReason, usage };
    case 'FAILED': {
      const unsaid = {
        code: 'INTERNAL',
        message: 'The session failed, and the API does not say why',
        retryable: true,
      };
      return { type: 'failed', usage, ...(error ?? unsaid) };
    }
  }
}
