/** Tries again what may pass: after a pause that doubles, or once the network is there. */

import { afterMs, onOnline } from './page.js';

const FIRST_MS = 1_000;
const MAX_MS = 30_000;

export class Retry {
  readonly #again: () => void;
  #tries = 0;
  #cancel: (() => void) | null = null;

  constructor(again: () => void) {
    this.#again = again;
  }

  schedule(): void {
    this.cancel();
    const full = Math.min(FIRST_MS * 2 ** Math.min(this.#tries, 16), MAX_MS);
    this.#tries += 1;
    const again = (): void => {
      this.cancel();
      this.#again();
    };
    const cancelTimer = afterMs(full * (0.5 + Math.random() / 2), again);
    const cancelOnline = onOnline(again);
    this.#cancel = () => {
      cancelTimer();
      cancelOnline();
    };
  }

  /** It went well. */
  succeeded(): void {
    this.#tries = 0;
    this.cancel();
  }

  cancel(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
