/** How long to wait for what, and pauses that double with jitter so that many clients don't come back at once. */

/** All in milliseconds. */
export interface Timing {
  /** For the first connection, with all tries. */
  firstConnection: number;
  /** For one subscription to be established: AppSync's clients wait 15 s. */
  subscribe: number;
  /** For what was asked over a Function URL or a WebSocket API to be answered: their functions may have to start. */
  answer: number;
  /** From the loss of a connection until the stream ends with `gaveUp`. */
  giveUpAfter: number;
  /** The pause before the first reconnection; it doubles. */
  retryFirst: number;
  retryMax: number;
  /** How long a gap may stay before the session is asked for: by `getStream`, over a WebSocket API by `resume`. */
  gap: number;
  /** After a start, how long until `getStream` is asked whether it is still in the queue. */
  firstToken: number;
  /** After so long without an event `getStream` is asked, lest the last one was lost; it doubles, up to six times. */
  idle: number;
  /** The same while there is no subscription. */
  idleUnsubscribed: number;
  /** After a stop, how long until it counts as stopped even if no event says so. */
  stop: number;
}

export const TIMING: Timing = {
  firstConnection: 20_000,
  subscribe: 15_000,
  answer: 35_000,
  giveUpAfter: 600_000,
  retryFirst: 250,
  retryMax: 10_000,
  gap: 150,
  firstToken: 1_500,
  idle: 5_000,
  idleUnsubscribed: 1_000,
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
