/** The stopping of a session, until it counts as stopped. */

import { Backoff } from './backoff.js';
import type { Timeouts } from './bounds.js';
import type { TokencastError } from './errors.js';

export class Stop {
  /** When to send it again. */
  due = Infinity;
  /** When it counts as stopped, whether or not an event says so. */
  countsAt = Infinity;
  #state: 'no' | 'wanted' | 'asked' = 'no';
  readonly #send: () => void;
  readonly #countsAfter: number;
  readonly #retry: Backoff;

  constructor(send: () => void, timeouts: Timeouts) {
    this.#send = send;
    this.#countsAfter = timeouts.stop;
    this.#retry = new Backoff(timeouts.retryFirst, timeouts.retryMax);
  }

  get wanted(): boolean {
    return this.#state !== 'no';
  }

  /** Wanted, but not sent yet. */
  get waits(): boolean {
    return this.#state === 'wanted';
  }

  want(now: number): void {
    this.#state = 'wanted';
    this.countsAt = now + this.#countsAfter;
  }

  send(): void {
    this.#state = 'asked';
    this.due = Infinity;
    this.#send();
  }

  /** @throws the error, if it won't pass */
  failed(now: number, error: TokencastError): void {
    if (!error.transient) throw error;
    this.due = now + this.#retry.next();
  }
}
