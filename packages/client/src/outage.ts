/** Since when nothing could be reached, and when that ends a stream. */

import type { Timeouts } from './bounds.js';
import { TokencastError } from './errors.js';

export class Outage {
  #since: number | null = null;
  #last: TokencastError | null = null;
  #hasConnected = false;
  readonly #timeouts: Timeouts;

  constructor(timeouts: Timeouts) {
    this.#timeouts = timeouts;
  }

  /** Whether there ever was a connection. */
  get hasConnected(): boolean {
    return this.#hasConnected;
  }

  /** When it ends the stream. */
  get endsAt(): number {
    const { giveUpAfter, firstConnection } = this.#timeouts;
    const limit = this.#hasConnected ? giveUpAfter : firstConnection;
    return this.#since === null ? Infinity : this.#since + limit;
  }

  /** Something failed, or is only begun. */
  began(now: number, error: TokencastError | null = null): void {
    this.#since ??= now;
    this.#last = error ?? this.#last;
  }

  connected(): void {
    this.#hasConnected = true;
  }

  /** Something of the session has come, so that the outage is over. */
  ended(): void {
    this.#since = null;
    this.#last = null;
  }

  /** The machine slept: time that nobody could use doesn't count. */
  slept(now: number): void {
    if (this.#since !== null) this.#since = now;
  }

  /** @throws the last error, if it has lasted too long at this time */
  check(at: number): void {
    if (at < this.endsAt) return;
    if (!this.#hasConnected) {
      const never = 'The real-time connection cannot be established';
      throw this.#last ?? new TokencastError('connection', never);
    }
    const why = this.#last === null ? '' : `: ${this.#last.message}`;
    const message = `The connection was lost and did not come back${why}`;
    throw new TokencastError('gaveUp', message, { cause: this.#last });
  }
}
