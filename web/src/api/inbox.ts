/** Messages for one reader, in their order, with a time limit for each wait. */

/** `setTimeout` fires at once when it is told to wait longer. */
const LONGEST_WAIT_MS = 0x7fff_ffff;

export class Inbox<T> {
  readonly #messages: T[] = [];
  #wake: (() => void) | null = null;

  push(message: T): void {
    this.#messages.push(message);
    this.#wake?.();
  }

  /** The next message, or `null` when `until` (in `performance.now()`'s milliseconds) has come first. */
  async next(until: number): Promise<T | null> {
    if (this.#messages.length === 0) await this.#wait(until);
    return this.#messages.shift() ?? null;
  }

  #wait(until: number): Promise<void> {
    return new Promise((resolve) => {
      const wait = Math.min(Math.max(0, until - performance.now()), LONGEST_WAIT_MS);
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(done, wait);
      this.#wake = done;
    });
  }
}
