/** A subscription that is kept up: connected again when it is lost, with pauses that double, until it is ended or refused. */

import { Backoff } from './backoff.js';
import { LOOK_EVERY_MS, STABLE_AFTER_MS, type Timeouts } from './bounds.js';
import { HERE, type Environment } from './environment.js';
import { TokencastError } from './errors.js';
import type { GraphqlApi, SubscriptionListener } from './graphql_api.js';
import { Wake } from './wake.js';

export interface Watcher {
  /** Connected, for the first time or again. */
  resync: () => void;
  event: (data: unknown) => void;
  /** The connection is lost for now. */
  lost: (error: TokencastError) => void;
  /** Refused for good. Nothing follows. */
  ended: (error: TokencastError) => void;
}

interface WatchOptions {
  api: Pick<GraphqlApi, 'onOnline' | 'freshAfterMs'>;
  timeouts: Timeouts;
  /** Subscribes once. */
  subscribe: (listener: SubscriptionListener) => () => void;
  environment?: Environment;
}

/** Returns how to end it. */
export function watch(
  { api, timeouts, subscribe, environment = HERE }: WatchOptions,
  watcher: Watcher,
): () => void {
  const retry = new Backoff(timeouts.retryFirst, timeouts.retryMax);
  const wake = new Wake(environment);
  let over = false;
  let establishedAt: number | null = null;
  /** Ends the present try or connection. */
  let disconnect: (() => void) | null = null;
  let cancelTimer: () => void = () => undefined;
  let cancelLook: () => void = () => undefined;

  const end = (): void => {
    over = true;
    cancelTimer();
    cancelLook();
    stopOnline();
    disconnect?.();
  };
  /** Whoever is told may end it. */
  const hasEnded = (): boolean => over;

  function connect(): void {
    cancelTimer();
    let current = true;
    const isCurrent = (): boolean => current;
    let unsubscribe: (() => void) | null = null;
    establishedAt = null;
    disconnect = () => {
      current = false;
      cancelTimer();
      unsubscribe?.();
    };
    cancelTimer = environment.after(timeouts.connect, () => {
      lost(new TokencastError('connection', 'AppSync does not answer'));
    });
    const subscribed = subscribe({
      established: () => {
        if (!current) return;
        cancelTimer();
        establishedAt = environment.now();
        watcher.resync();
      },
      event: (data) => {
        if (current && data != null) watcher.event(data);
      },
      lost: (error) => {
        if (current) lost(error);
      },
    });
    // It may have been lost before this function knew how to end it.
    if (isCurrent()) unsubscribe = subscribed;
    else subscribed();
  }

  function lost(error: TokencastError, atLeastMs = 0): void {
    const wasStable =
      establishedAt !== null && environment.now() - establishedAt >= STABLE_AFTER_MS;
    disconnect?.();
    disconnect = null;
    if (!error.transient) {
      end();
      watcher.ended(error);
      return;
    }
    if (wasStable) retry.reset();
    cancelTimer = environment.after(Math.max(retry.next(), atLeastMs), connect);
    watcher.lost(error);
  }

  function look(): void {
    if (wake.look()) {
      // What was connected may be gone without a word.
      retry.reset();
      if (disconnect === null) connect();
      else lost(new TokencastError('connection', 'This machine slept'), api.freshAfterMs);
    }
    if (!hasEnded()) cancelLook = environment.after(LOOK_EVERY_MS, look);
  }

  const stopOnline = api.onOnline(() => {
    if (!over && disconnect === null) connect();
  });
  cancelLook = environment.after(LOOK_EVERY_MS, look);
  connect();
  return end;
}
