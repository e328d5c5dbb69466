/** What the client takes from the machine that it runs on. No other file of the engine reads a clock or a global. */

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

/** A browser, or Node, where nobody tells of the network. */
export const HERE: Environment = {
  now: () => performance.now(),
  wallClock: () => Date.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => {
      clearTimeout(timer);
    };
  },
  onOnline: (callback) => {
    if (typeof window === 'undefined') return () => undefined;
    window.addEventListener('online', callback);
    return () => {
      window.removeEventListener('online', callback);
    };
  },
};
