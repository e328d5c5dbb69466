/** How long a model reasons, by when the pieces of its answer come. */

export class ReasoningTime {
  /** Of the stretches that are over; `null` before the first. */
  #sumMs: number | null = null;
  #since: number | null = null;

  /** `null` while the first stretch goes on, and if there is none. */
  get ms(): number | null {
    return this.#sumMs;
  }

  /** A piece has come, of reasoning or of something else; or the end. */
  piece(isReasoning: boolean, nowMs: number): void {
    if (isReasoning) this.#since ??= nowMs;
    else if (this.#since !== null) {
      this.#sumMs = (this.#sumMs ?? 0) + Math.round(nowMs - this.#since);
      this.#since = null;
    }
  }
}
