/** Notices that the machine slept, or that the page was frozen: what was connected before may be gone without a word. */

/** How often somebody has to look. */
export const LOOK_EVERY_MS = 5_000;
/** Clocks that are set differ by less, mostly. */
const MAX_DRIFT_MS = 5_000;
/** A page in the background is given a turn each minute. */
const MAX_GAP_MS = 90_000;

export class Wake {
  #lookedAt = performance.now();
  #offset = Date.now() - performance.now();

  /**
   * Whether it slept since the last look. The monotonic clock stands still meanwhile on some systems, so that the wall clock
   * is ahead of it; on others it goes on, so that the last look is long ago.
   */
  look(): boolean {
    const now = performance.now();
    const offset = Date.now() - now;
    const slept = offset - this.#offset > MAX_DRIFT_MS || now - this.#lookedAt > MAX_GAP_MS;
    this.#offset = offset;
    this.#lookedAt = now;
    return slept;
  }
}
