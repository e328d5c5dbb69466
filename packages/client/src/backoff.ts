/** Pauses that double, with jitter, so that many clients don't come back at once. */

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
