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
  | 'newConversation'
  | 'signIn'
  /** Nothing but time helps. */
  | 'wait';

export interface FailureWords {
  words: string;
  wayOut: WayOut;
}

const FAILURES: Readonly<Record<string, FailureWords>> = {
  INVALID_PROMPT: {
    words: 'This question can’t be sent as it is: it may be too long, or nothing the model takes.',
    wayOut: 'edit',
  },
  UNAUTHORIZED: { words: 'You are not allowed to ask this.', wayOut: 'newConversation' },
  INVALID_ARGUMENT: {
    words: 'This question can’t be asked here. A new conversation will do.',
    wayOut: 'newConversation',
  },
  CONVERSATION_NOT_FOUND: {
    words: 'This conversation is not there any more.',
    wayOut: 'newConversation',
  },
  CONVERSATION_DELETED: {
    words: 'This conversation was deleted.',
    wayOut: 'newConversation',
  },
  CONVERSATION_FULL: {
    words: 'This conversation is as long as one can be. Go on in a new one.',
    wayOut: 'newConversation',
  },
  PARENT_NOT_ENDED: {
    words: 'The answer before this question is not over yet. Ask again once it is.',
    wayOut: 'askAgain',
  },
  PARENT_NOT_STARTED: {
    words: 'The question before this one was never started.',
    wayOut: 'newConversation',
  },
  PARENT_DELETED: {
    words: 'The question before this one was deleted.',
    wayOut: 'newConversation',
  },
  PARENT_NOT_IN_CONVERSATION: {
    words: 'The question before this one belongs to another conversation.',
    wayOut: 'newConversation',
  },
  PARENT_IS_SELF: {
    words: 'Something went wrong in this page: the question would follow itself.',
    wayOut: 'newConversation',
  },
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
    wayOut: 'newConversation',
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

/** What is used up, by the limit's name. */
const LIMITS: Readonly<Record<string, string>> = {
  startsPerMinute: 'You have asked many questions in the last minute.',
  startsPerDay: 'You have asked as many questions today as you may.',
  tokensPerDay: 'You have used up what you may use today.',
  sessionsAtOnce: 'As many of your answers are under way as may be at once.',
};

/** A code that is new at the server's has its own words. */
export function failureWords(error: StreamError, now = new Date()): FailureWords {
  const { code, message, retryable } = error;
  if (code === 'QUOTA_EXCEEDED') return quotaWords(error, now);
  return FAILURES[code] ?? { words: message, wayOut: retryable ? 'askAgain' : 'edit' };
}

/** A sentence about what is used up, and one about until when. */
function quotaWords({ limit, resetsAt }: StreamError, now: Date): FailureWords {
  const what = LIMITS[limit ?? ''] ?? 'You have used up what you may use for now.';
  if (limit === 'sessionsAtOnce') {
    return { words: `${what} Ask again once one of them is over.`, wayOut: 'askAgain' };
  }
  const until = new Date(resetsAt ?? Number.NaN);
  const waitMs = until.getTime() - now.getTime();
  if (Number.isNaN(waitMs)) return { words: `${what} Try again later.`, wayOut: 'wait' };
  if (waitMs <= 60_000) return { words: `${what} Try again in a minute.`, wayOut: 'askAgain' };
  return { words: `${what} You can ask again ${whenOf(until, now)}.`, wayOut: 'wait' };
}

/** A time of today's by its clock alone. */
function whenOf(until: Date, now: Date): string {
  const clock = until.toLocaleTimeString('en', { hour: 'numeric', minute: '2-digit' });
  if (until.toDateString() === now.toDateString()) return `at ${clock}`;
  const day = until.toLocaleDateString('en', { weekday: 'long' });
  return `on ${day} at ${clock}`;
}
