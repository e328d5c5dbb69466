/** How long a client waits for what, in milliseconds: docs/PROTOCOL.md, "How long a client waits", says what happens then. */

import { mustBeTimes } from './arguments.js';

/** The bounds that a client may be made with. */
export interface Timeouts {
  /** For the first connection, with all tries, where there is no start to be sent again. */
  firstConnection: number;
  /** For one subscription, or one WebSocket, to be established: AppSync's clients wait 15 s. */
  connect: number;
  /** For anything that is asked to be answered: AppSync ends a resolver at 30 s, API Gateway an integration at 29 s. */
  call: number;
  /** From the first try of a start until a failure that may pass is final. */
  startWithin: number;
  /** From when nothing could be reached any more until the stream ends with `gaveUp`. */
  giveUpAfter: number;
  /** The pause before the first reconnection; it doubles. */
  retryFirst: number;
  /** The longest pause. */
  retryMax: number;
  /** How long a gap may stay before the session is asked for: by `getStream`, over a WebSocket API by `resume`. */
  gap: number;
  /** After a start, how long until the session is asked whether it is still in the queue. */
  firstToken: number;
  /** After so long without an event the session is asked for: the last one may be lost, or the server has to end it. */
  idle: number;
  /** The longest pause between two such questions, while the session waits in the queue: it doubles up to there. */
  idleQueued: number;
  /** The same pause while there is no subscription; it doubles up to `retryMax`. */
  idleUnsubscribed: number;
  /** How long a session that is resumed may be merely claimed: its start may be on its way. */
  claimed: number;
  /** After a stop, how long until it counts as stopped even if no event says so. */
  stop: number;
}

export const TIMEOUTS: Timeouts = {
  firstConnection: 20_000,
  connect: 15_000,
  call: 30_000,
  startWithin: 60_000,
  giveUpAfter: 300_000,
  retryFirst: 250,
  retryMax: 10_000,
  gap: 150,
  firstToken: 1_500,
  idle: 15_000,
  idleQueued: 60_000,
  idleUnsubscribed: 1_000,
  claimed: 10_000,
  stop: 10_000,
};

/**
 * The defaults, but for those that are given.
 *
 * @throws `TypeError` for a name that is none of them, or for what is no time
 */
export function timeoutsOf(given: Partial<Timeouts> = {}): Timeouts {
  mustBeTimes('timeouts', given, TIMEOUTS);
  const said = Object.entries(given).filter(([, ms]) => (ms as number | undefined) !== undefined);
  return { ...TIMEOUTS, ...Object.fromEntries(said) };
}

/** A connection that lasted this long, or brought something new, has ended an outage. */
export const STABLE_AFTER_MS = 10_000;
/** The longest silence of a function that streams: it says something each 15 s. */
export const STREAM_SILENCE_MS = 45_000;
/** The longest pause that a server may ask for. */
export const MAX_SERVERS_PAUSE_MS = 60_000;

/** How often a source of tokens is asked that fails, before that is final. */
export const TOKENS_TRIES = 3;
/** The pause before the second try; it doubles. */
export const TOKENS_RETRY_FIRST_MS = 250;
export const TOKENS_RETRY_MAX_MS = 1_000;

/** The pause between two questions about a gap; it doubles. */
export const GAP_RETRY_FIRST_MS = 250;
/** The worker writes the session down about twice a second, so that asking less often than this only delays. */
export const GAP_RETRY_MAX_MS = 2_000;
/** What was sent right before a subscription may be written down only now. */
export const SECOND_LOOK_MS = 800;
/** After a stop was accepted, how long until its event is asked for. */
export const STOPPED_LOOK_MS = 500;

/** How often to look whether the machine slept. */
export const LOOK_EVERY_MS = 5_000;
/** Clocks that are set differ by less, mostly. */
export const MAX_DRIFT_MS = 5_000;
/** A page in the background is given a turn each minute. */
export const MAX_GAP_MS = 90_000;
