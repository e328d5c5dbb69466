/** The stopping of a session, until it counts as stopped. */

import { asTokencastError, type TokencastError } from './errors';
import { Backoff, type Timing } from './timing';
import { within } from './within';

export class Stop {
  /** When to send it again. */
  due = Infinity;
  /** When it counts as stopped, whether or not an event says so. */
  countsAt = Infinity;
  #state: 'no' | 'wanted' | 'asked' = 'no';
  readonly #send: () => Promise<void>;
  readonly #timing: Timing;
  readonly #retry: Backoff;
  readonly #answered: (error: TokencastError | null) => void;

  /** `answered` hears how a try has ended. */
  constructor(
    send: () => Promise<void>,
    timing: Timing,
    answered: (error: TokencastError | null) => void,
  ) {
    this.#send = send;
    this.#timing = timing;
    this.#retry = new Backoff(timing.retryFirst, timing.retryMax);
    this.#answered = answered;
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
    this.countsAt = now + this.#timing.stop;
  }

  send(): void {
    this.#state = 'asked';
    this.due = Infinity;
    within(this.#timing.answer, this.#send(), 'The stop was not answered').then(
      () => {
        this.#answered(null);
      },
      (error: unknown) => {
        this.#answered(asTokencastError(error));
      },
    );
  }

  /** @throws the error, if it won't pass */
  failed(now: number, error: TokencastError): void {
    if (!error.transient) throw error;
    this.due = now + this.#retry.next();
  }
}
