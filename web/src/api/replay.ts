/** What is known of a session whose delivery goes on behind any event, but has no snapshots: the whole session takes their place. */

import type { Position } from './feed';
import { Transcript, type Change } from './transcript';
import type { Ending, Snapshot, StreamStatus, TokenEvent } from './types';

export class Replay {
  /** The session is said to be over, or to have less than is known here, though its last event hasn't come. */
  isShort = false;
  readonly #transcript = new Transcript();
  /** The session once more from its first event, where the transcript is in doubt. */
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

  /** Events are missing that aren't on their way. */
  get hasGap(): boolean {
    return this.#transcript.needsSnapshot && this.#replay === null;
  }

  /** Behind which event to go on; from the first, if what there is may not be true. */
  position(): Position | null {
    const { attempt, sequence, inDoubt } = this.#transcript;
    if (!this.isShort && !inDoubt) return sequence === 0 ? null : { attempt, sequence };
    this.#replay = new Transcript();
    return null;
  }

  /** A replay that has come as far as the transcript is as good as a snapshot. */
  event(event: TokenEvent): Change[] {
    const changes = this.#transcript.event(event);
    const replay = this.#replay;
    if (replay === null) return changes;
    replay.event(event);
    const { attempt, sequence } = this.#transcript;
    const reached =
      replay.attempt > attempt || (replay.attempt === attempt && replay.sequence >= sequence);
    if (reached || replay.ending !== null) {
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
