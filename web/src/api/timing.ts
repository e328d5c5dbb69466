/**
 * How long a client waits for what: docs/PROTOCOL.md, "How long a client waits". And pauses that double with jitter, so that
 * many clients don't come back at once.
 */

/** All in milliseconds. */
export interface Timing {
  /** For the first connection, with all tries, where there is no start to be sent again. */
  firstConnection: number;
  /** For one subscription, or one WebSocket, to be established: AppSync's clients wait 15 s. */
  subscribe: number;
  /** For anything that is asked to be answered: AppSync ends a resolver at 30 s, API Gateway an integration at 29 s. */
  answer: number;
  /** From the first try of a start until a failure that may pass is final. */
  startFor: number;
  /** From when nothing could be reached any more until the stream ends with `gaveUp`. */
  giveUpAfter: number;
  /** The pause before the first reconnection; it doubles. */
  retryFirst: number;
  retryMax: number;
  /** How long a gap may stay before the session is asked for: by `getStream`, over a WebSocket API by `resume`. */
  gap: number;
  /** After a start, how long until the session is asked whether it is still in the queue. */
  firstToken: number;
  /** After so long without an event the session is asked for: the last one may be lost, or the server has to end it. */
  idle: number;
  /** The longest pause between two such questions, while the session waits in the queue: it doubles up to there. */
  idleQueued: number;
  /** The same pause while there is no subscription; it doubles up to `retryMax`. */
  idleUnsubscribed: number;
  /** How long a session that is resumed may be merely claimed: its start may be on its way. */
  claimed: number;
  /** After a stop, how long until it counts as stopped even if no event says so. */
  stop: number;
}

export const TIMING: Timing = {
  firstConnection: 20_000,
  subscribe: 15_000,
  answer: 30_000,
  startFor: 60_000,
  giveUpAfter: 300_000,
  retryFirst: 250,
  retryMax: 10_000,
  gap: 150,
  firstToken: 1_500,
  idle: 15_000,
  idleQueued: 60_000,
  idleUnsubscribed: 1_000,
  claimed: 10_000,
  stop: 10_000,
};

export class Backoff {
  #tries = 0;
  readonly #first: number;
  readonly #max: number;

  constructor(first: number, max: number) {
    this.#first = first;
    this.#max = max;
  }

  get tries(): number {
    return this.#tries;
  }

  reset(): void {
    this.#tries = 0;
  }

  /** The next pause: between half of its full length and all of it. */
  next(): number {
    const full = Math.min(this.#first * 2 ** Math.min(this.#tries, 16), this.#max);
    this.#tries += 1;
    return full * (0.5 + Math.random() / 2);
  }
}
