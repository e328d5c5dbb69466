/** Who reads a stream, and in what words a transcript's changes are told. */

import type { Change } from './transcript.js';
import type { AnswerEvent, Ending, StreamStatus } from './types.js';

export class Reader {
  readonly #sessionId: string;
  #hasStarted = false;
  #said: StreamStatus | null = null;
  /** It was told that the client reconnects, and not yet that it has. */
  #reconnecting = false;

  constructor(sessionId: string) {
    this.#sessionId = sessionId;
  }

  /** Whether the reader was told that the session has started. */
  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  /** Tells what has changed, and before all else that the session has started. */
  *tell(status: StreamStatus | null, changes: Change[]): Generator<AnswerEvent> {
    if (!this.#hasStarted) {
      this.#hasStarted = true;
      yield { type: 'started', sessionId: this.#sessionId };
    }
    if ((status === 'QUEUED' || status === 'STREAMING') && status !== this.#said) {
      this.#said = status;
      yield { type: 'status', status };
    }
    for (const change of changes) yield answerEvent(change);
  }

  *reconnecting(tries: number, delayMs: number, reason: string): Generator<AnswerEvent> {
    this.#reconnecting = true;
    yield { type: 'reconnecting', tries, delayMs, reason };
  }

  *reconnected(): Generator<AnswerEvent> {
    if (!this.#reconnecting) return;
    this.#reconnecting = false;
    yield { type: 'reconnected' };
  }
}

function answerEvent(change: Change): AnswerEvent {
  switch (change.type) {
    case 'restart':
      return { type: 'restarted', attempt: change.attempt };
    case 'end':
      return lastEvent(change.ending);
    default:
      return change;
  }
}

function lastEvent({ status, stopReason, usage, error, guardrail }: Ending): AnswerEvent {
  const guarded = guardrail ? { guardrail } : {};
  switch (status) {
    case 'COMPLETED':
      return { type: 'completed', stopReason, usage, ...guarded };
    case 'CANCELLED':
      return { type: 'cancelled', stopReason, usage, ...guarded };
    case 'FAILED': {
      const unsaid = {
        code: 'INTERNAL',
        message: 'The session failed, and the API does not say why',
        retryable: true,
      };
      return { type: 'failed', usage, ...(error ?? unsaid), ...guarded };
    }
  }
}
