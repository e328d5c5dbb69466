/** When to ask for a snapshot: soon after a gap, and now and then in a long silence. */

import { Backoff, type Timing } from './timing';

/** The worker writes the session down about twice a second, so that asking less often than this only delays. */
const GAP_RETRY_MAX_MS = 2_000;
const GAP_RETRY_FIRST_MS = 250;
/** What was sent right before a subscription may be written down only now. */
const SECOND_LOOK_MS = 800;

export class CatchUp {
  /** `Infinity` until something is there to ask for. */
  #due = Infinity;
  #underWay: 'nothing' | 'asked' | 'askedTooEarly' = 'nothing';
  /** Events are known to be missing. */
  #gap = false;
  #subscribed = true;
  #secondLook = false;
  readonly #timing: Timing;
  readonly #gapRetry = new Backoff(GAP_RETRY_FIRST_MS, GAP_RETRY_MAX_MS);
  readonly #idleRetry: Backoff;
  readonly #unsubscribedRetry: Backoff;

  constructor(timing: Timing) {
    this.#timing = timing;
    this.#idleRetry = new Backoff(timing.idle * 2, timing.idle * 6);
    this.#unsubscribedRetry = new Backoff(timing.idleUnsubscribed, timing.idle * 2);
  }

  /** When to ask; `Infinity` while an answer is awaited. */
  get due(): number {
    return this.#underWay === 'nothing' ? this.#due : Infinity;
  }

  /** The session was started: ask before long whether it waits in the queue. */
  started(now: number): void {
    this.#due = Math.min(this.#due, now + this.#timing.firstToken);
  }

  asking(): void {
    this.#underWay = 'asked';
  }

  /** Whatever was sent before now may be missing. */
  resubscribed(now: number): void {
    this.#subscribed = true;
    this.#secondLook = true;
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
    this.#idleRetry.reset();
    if (!gap) {
      this.#gapRetry.reset();
      this.#due = now + this.#timing.idle;
    } else if (!this.#gap) {
      this.#due = now + this.#timing.gap;
    }
    this.#gap = gap;
  }

  /** After a snapshot, or an attempt to get one: is anything still missing? */
  asked(now: number, gap: boolean): void {
    const tooEarly = this.#underWay === 'askedTooEarly';
    this.#underWay = 'nothing';
    this.#gap = gap;
    if (!tooEarly) this.#due = now + this.#pause(gap);
  }

  #pause(gap: boolean): number {
    if (gap) return this.#gapRetry.next();
    if (this.#secondLook) {
      this.#secondLook = false;
      return SECOND_LOOK_MS;
    }
    return this.#subscribed ? this.#idleRetry.next() : this.#unsubscribedRetry.next();
  }
}
