/** When to ask for a snapshot: soon after a gap, and now and then in a long silence. */

import { Backoff } from './backoff.js';
import { GAP_RETRY_FIRST_MS, GAP_RETRY_MAX_MS, SECOND_LOOK_MS, type Timeouts } from './bounds.js';
import type { StreamStatus } from './types.js';

export class CatchUp {
  /** `Infinity` until something is there to ask for. */
  #due = Infinity;
  #underWay: 'nothing' | 'asked' | 'askedTooEarly' = 'nothing';
  /** Events are known to be missing. */
  #gap = false;
  #subscribed = true;
  #secondLook = false;
  readonly #timeouts: Timeouts;
  readonly #gapRetry = new Backoff(GAP_RETRY_FIRST_MS, GAP_RETRY_MAX_MS);
  readonly #unsubscribedRetry: Backoff;
  /** Of the silence: it doubles while the session waits in the queue. */
  #idlePause: number;
  #heardAt: number;

  constructor(timeouts: Timeouts, now: number) {
    this.#timeouts = timeouts;
    this.#heardAt = now;
    this.#idlePause = timeouts.idle;
    this.#unsubscribedRetry = new Backoff(timeouts.idleUnsubscribed, timeouts.retryMax);
  }

  /** When to ask; `Infinity` while an answer is awaited. */
  get due(): number {
    return this.#underWay === 'nothing' ? this.#due : Infinity;
  }

  /** The session was started: ask before long whether it waits in the queue. */
  started(now: number): void {
    this.#heardAt = now;
    this.#due = Math.min(this.#due, now + this.#timeouts.firstToken);
  }

  /** A connection that may stay without a byte was opened: the record knows more after a silence. */
  opened(now: number): void {
    this.#heardAt = now;
    this.#due = Math.min(this.#due, now + this.#timeouts.idle);
  }

  asking(): void {
    this.#underWay = 'asked';
  }

  /** No event came for so long that what a snapshot has beyond it should have come by itself. */
  isSilent(now: number): boolean {
    return now - this.#heardAt >= this.#timeouts.idle;
  }

  /** Whatever was sent before now may be missing. */
  resubscribed(now: number): void {
    this.#subscribed = true;
    this.#secondLook = true;
    this.#heardAt = now;
    this.soon(now);
  }

  /** Ask at once: something has happened that no event may tell of. */
  soon(now: number, after = 0): void {
    this.#due = now + after;
    if (this.#underWay === 'asked') this.#underWay = 'askedTooEarly';
  }

  /** No events will come for now; snapshots take their place. */
  unsubscribed(now: number): void {
    this.#subscribed = false;
    this.#unsubscribedRetry.reset();
    this.#due = now + this.#unsubscribedRetry.next();
  }

  /** After an event: is anything missing? */
  event(now: number, gap: boolean): void {
    this.#idlePause = this.#timeouts.idle;
    this.#heardAt = now;
    if (!gap) {
      this.#gapRetry.reset();
      this.#due = now + this.#timeouts.idle;
    } else if (!this.#gap) {
      this.#due = now + this.#timeouts.gap;
    }
    this.#gap = gap;
  }

  /** After a snapshot, or an attempt to get one: is anything still missing? */
  asked(now: number, gap: boolean, status: StreamStatus | null = null): void {
    const tooEarly = this.#underWay === 'askedTooEarly';
    this.#underWay = 'nothing';
    this.#gap = gap;
    if (!tooEarly) this.#due = now + this.#pause(gap, status);
  }

  #pause(gap: boolean, status: StreamStatus | null): number {
    if (gap) return this.#gapRetry.next();
    if (this.#secondLook) {
      this.#secondLook = false;
      return SECOND_LOOK_MS;
    }
    if (!this.#subscribed) return this.#unsubscribedRetry.next();
    const pause = this.#idlePause;
    const { idle, idleQueued } = this.#timeouts;
    this.#idlePause = status === 'QUEUED' ? Math.min(pause * 2, idleQueued) : idle;
    return pause;
  }
}
