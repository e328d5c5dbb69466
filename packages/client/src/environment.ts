/** The clocks and timers of the machine that the client runs on. No other file of the engine reads a clock. */

import { globals } from './globals.js';

export interface Environment {
  /** In milliseconds, by a clock that is never set; it may stand still while the machine sleeps. */
  readonly now: () => number;
  /** In milliseconds, by the clock on the wall. */
  readonly wallClock: () => number;
  /** Calls back after so many milliseconds; returns how to prevent it. */
  readonly after: (ms: number, callback: () => void) => () => void;
  /** Calls back when the network seems to be there again; returns how to end it. */
  readonly onOnline: (callback: () => void) => () => void;
}

/** A browser; or Node and React Native, where nobody tells of the network. */
export const HERE: Environment = {
  now: () => globals.performance.now(),
  wallClock: () => Date.now(),
  after: (ms, callback) => {
    const timer = globals.setTimeout(callback, ms);
    return () => {
      globals.clearTimeout(timer);
    };
  },
  onOnline: (callback) => {
    globals.addEventListener?.('online', callback);
    return () => {
      globals.removeEventListener?.('online', callback);
    };
  },
};
