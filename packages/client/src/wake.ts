/** Notices that the machine slept, or that the page was frozen: what was connected before may be gone without a word. */

import { MAX_DRIFT_MS, MAX_GAP_MS } from './bounds.js';
import type { Environment } from './environment.js';

export class Wake {
  readonly #environment: Environment;
  #lookedAt: number;
  #offset: number;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#lookedAt = environment.now();
    this.#offset = environment.wallClock() - this.#lookedAt;
  }

  /**
   * Whether it slept since the last look. The monotonic clock stands still meanwhile on some systems, so that the wall clock
   * is ahead of it; on others it goes on, so that the last look is long ago.
   */
  look(): boolean {
    const now = this.#environment.now();
    const offset = this.#environment.wallClock() - now;
    const slept = offset - this.#offset > MAX_DRIFT_MS || now - this.#lookedAt > MAX_GAP_MS;
    this.#offset = offset;
    this.#lookedAt = now;
    return slept;
  }
}
