/** The sending of a prompt, until the server is known to have it. */

import { Backoff } from './backoff.js';
import type { Timeouts } from './bounds.js';
import type { TokencastError } from './errors.js';

/** Starting again with the same id and prompt starts nothing twice. */
export class Start {
  /** When to send it again; `Infinity` while a try is under way, and when none is needed. */
  due = Infinity;
  #prompt: string | null;
  #firstTry: number | null = null;
  readonly #within: number;
  readonly #retry: Backoff;

  /** `null`: there is nothing to start. */
  constructor(prompt: string | null, timeouts: Timeouts) {
    this.#prompt = prompt;
    this.#within = timeouts.startWithin;
    this.#retry = new Backoff(timeouts.retryFirst, timeouts.retryMax);
  }

  /** What is to be sent; `null` once the server is known to have it. */
  get prompt(): string | null {
    return this.#prompt;
  }

  /** Whether the server may have heard of it. */
  get sent(): boolean {
    return this.#firstTry !== null;
  }

  get tries(): number {
    return this.#retry.tries;
  }

  sending(now: number): void {
    this.due = Infinity;
    this.#firstTry ??= now;
  }

  /** The machine slept: time that nobody could use doesn't count. */
  slept(now: number): void {
    if (this.#firstTry !== null) this.#firstTry = now;
  }

  /**
   * A try has failed; returns the pause before the next.
   *
   * @throws the error, if it won't pass, or if it goes on for too long
   */
  failed(now: number, error: TokencastError, atLeast = 0): number {
    const pause = Math.max(Math.round(this.#retry.next()), atLeast);
    this.#firstTry ??= now;
    if (!error.transient || now + pause > this.#firstTry + this.#within) throw error;
    this.due = now + pause;
    return pause;
  }

  /** The server has it, or nobody wants it any more. */
  done(): void {
    this.due = Infinity;
    this.#prompt = null;
  }
}
