/** What a session's record says that no event follows from. */

import { TokencastError } from './errors.js';
import type { StreamStatus } from './types.js';

export class SessionRecord {
  #unknown = 0;
  #claimedSince: number | null = null;
  readonly #resumed: boolean;
  readonly #claimedFor: number;

  constructor(resumed: boolean, claimedFor: number) {
    this.#resumed = resumed;
    this.#claimedFor = claimedFor;
  }

  /**
   * Takes in an answer; `null` if the session is unknown. `acknowledged` tells whether the start was, before it was asked.
   *
   * @throws `notFound` if there is nothing to wait for
   */
  saw(status: StreamStatus | null, acknowledged: boolean, now: number): void {
    // A start that is under way has a bound of its own.
    if (!acknowledged && !this.#resumed) return;
    this.#unknown = status === null ? this.#unknown + 1 : 0;
    if (this.#unknown > 1) throw notFound();
    if (status === 'CLAIMED') {
      this.#claimedSince ??= now;
      if (acknowledged || now - this.#claimedSince >= this.#claimedFor) throw neverStarted();
    } else if (status !== null) {
      this.#claimedSince = null;
    }
  }
}

export function notFound(): TokencastError {
  return new TokencastError('notFound', 'There is no such session, or no longer');
}

function neverStarted(): TokencastError {
  return new TokencastError('notFound', 'The session was never started', { errorType: 'CLAIMED' });
}
