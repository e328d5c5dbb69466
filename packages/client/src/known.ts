/** What is known of a session, where a replay from its first event may take a snapshot's place. */

import { Transcript, type Change } from './transcript.js';
import type { Position } from './transport.js';
import type { Ending, Snapshot, StreamStatus, TokenEvent } from './types.js';

export class Known {
  /**
   * The session is said to be over, or to have less than is known here, though its last event hasn't come. All of it has at
   * least the event that ends it.
   */
  isShort = false;
  readonly #transcript = new Transcript();
  /** The session once more from its first event, where the transcript may not be true. */
  #replay: Transcript | null = null;

  get ending(): Ending | null {
    return this.#transcript.ending;
  }

  get status(): StreamStatus | null {
    return this.#transcript.status;
  }

  get isMissingSome(): boolean {
    return this.isShort || this.#transcript.needsSnapshot;
  }

  /** Whether events are missing that aren't on their way. */
  get hasGap(): boolean {
    return this.#transcript.needsSnapshot && this.#replay === null;
  }

  /** Behind which event to go on. All of the session is asked for if what is known may not be true. */
  resumeFrom(): Position | null {
    const { attempt, sequence, inDoubt } = this.#transcript;
    const isUnsure = this.isShort || inDoubt;
    this.#replay = isUnsure ? new Transcript() : null;
    return isUnsure || sequence === 0 ? null : { attempt, sequence };
  }

  /** Takes an event in. A replay that has come as far as the transcript is as good as a snapshot. */
  event(event: TokenEvent): Change[] {
    const changes = this.#transcript.event(event);
    const replay = this.#replay;
    if (replay === null) return changes;
    replay.event(event);
    const { attempt, sequence } = this.#transcript;
    const hasReached =
      replay.attempt > attempt || (replay.attempt === attempt && replay.sequence >= sequence);
    if (hasReached || replay.ending !== null) {
      this.#replay = null;
      changes.push(...this.#transcript.snapshot(replay.asSnapshot()));
    }
    return changes;
  }

  snapshot(snapshot: Snapshot): Change[] {
    this.isShort = false;
    return this.#transcript.snapshot(snapshot);
  }
}
