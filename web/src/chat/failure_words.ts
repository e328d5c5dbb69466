/** Failures in words: what happened, and what a reader can do about it. */

import type { StreamError } from '@tokencast/client';

export type WayOut =
  /** Connect to the same session once more. */
  | 'reconnect'
  /** Send the same question under the same id: it may not have arrived. */
  | 'sendAgain'
  /** Ask the same question anew. */
  | 'askAgain'
  | 'edit'
  | 'newQuestion'
  | 'signIn';

export interface FailureWords {
  words: string;
  wayOut: WayOut;
}

const FAILURES: Readonly<Record<string, FailureWords>> = {
  INVALID_PROMPT: {
    words: 'This question can’t be sent as it is: it may be too long, or nothing the model takes.',
    wayOut: 'edit',
  },
  UNAUTHORIZED: { words: 'You are not allowed to ask this.', wayOut: 'newQuestion' },
  THROTTLED: {
    words: 'The model is very busy right now. Try again in a while.',
    wayOut: 'askAgain',
  },
  MODEL_ERROR: {
    words: 'The model broke off with an error. Trying again often helps.',
    wayOut: 'askAgain',
  },
  MODEL_STALLED: { words: 'The model fell silent. Trying again often helps.', wayOut: 'askAgain' },
  MODEL_UNAVAILABLE: {
    words: 'The model can’t be used as it is set up. Whoever runs this page has to mend it.',
    wayOut: 'askAgain',
  },
  DEADLINE: {
    words: 'The answer took longer than it may. A shorter or simpler question may do.',
    wayOut: 'edit',
  },
  PUBLISH_FAILED: { words: 'The answer could not be delivered. Try again.', wayOut: 'askAgain' },
  INTERNAL: { words: 'Something went wrong on the server. Try again.', wayOut: 'askAgain' },
  // The page's own, below.
  PAGE: { words: 'Something went wrong in this page. Try again.', wayOut: 'askAgain' },
  CONNECTION: {
    words: 'The connection was lost. The answer goes on without it, and is kept.',
    wayOut: 'reconnect',
  },
  UNSENT: {
    words: 'Your question could not be sent: there is no connection. It is kept here.',
    wayOut: 'sendAgain',
  },
  SIGNED_OUT: {
    words: 'Your sign-in has expired. Sign in again, and the answer is still there.',
    wayOut: 'signIn',
  },
  OTHER_USER: {
    words: 'This answer belongs to another user. It shows when its owner signs in.',
    wayOut: 'newQuestion',
  },
  NOT_STARTED: {
    words: 'This question was never started: it was refused, or its sending broke off.',
    wayOut: 'askAgain',
  },
  NOT_FOUND: {
    words: 'There is no answer: the question was refused, or the answer is no longer kept.',
    wayOut: 'askAgain',
  },
};

/** The API tells nobody whether others have a session. */
const NOT_YOURS: FailureWords = {
  words: 'There is no answer of yours here: it is another user’s, or no longer kept.',
  wayOut: 'newQuestion',
};

/** A code that is new at the server's has its own words. `isOwn`: it was asked by this user, in this browser. */
export function failureWords(
  { code, message, retryable }: StreamError,
  isOwn: boolean,
): FailureWords {
  if (code === 'NOT_FOUND' && !isOwn) return NOT_YOURS;
  return FAILURES[code] ?? { words: message, wayOut: retryable ? 'askAgain' : 'edit' };
}
