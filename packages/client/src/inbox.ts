/** Messages for one reader, in their order, with a time limit for each wait. */

import type { Environment } from './environment.js';

/** `setTimeout` fires at once when it is told to wait longer. */
const LONGEST_WAIT_MS = 0x7fff_ffff;

export class Inbox<T> {
  readonly #environment: Environment;
  readonly #messages: T[] = [];
  #wake: (() => void) | null = null;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  push(message: T): void {
    this.#messages.push(message);
    this.#wake?.();
  }

  /** The next message, or `null` when `until` has come first. */
  async next(until: number): Promise<T | null> {
    if (this.#messages.length === 0) await this.#wait(until);
    return this.#messages.shift() ?? null;
  }

  #wait(until: number): Promise<void> {
    const { now, after } = this.#environment;
    return new Promise((resolve) => {
      const wait = Math.min(Math.max(0, until - now()), LONGEST_WAIT_MS);
      const done = (): void => {
        cancel();
        this.#wake = null;
        resolve();
      };
      const cancel = after(wait, done);
      this.#wake = done;
    });
  }
}
