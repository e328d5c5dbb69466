/** What a page, or React Native, or a server tells of itself; each has only some of it, and no types are needed for it. */

import type { StopSignal } from '@tokencast/client';

interface Globals {
  readonly navigator?: { readonly onLine?: boolean };
  readonly document?: { readonly visibilityState: string };
  readonly performance: { now(): number };
  readonly AbortController: new () => AbortLike;
  addEventListener?(type: 'online', listener: () => void): void;
  removeEventListener?(type: 'online', listener: () => void): void;
  requestAnimationFrame?(callback: () => void): unknown;
  cancelAnimationFrame?(frame: unknown): void;
  setTimeout(callback: () => void, ms?: number): unknown;
  clearTimeout(timer: unknown): void;
}

export interface AbortLike {
  readonly signal: StopSignal;
  abort(): void;
}

const globals = globalThis as unknown as Globals;

/** How often a page in the background, which gets no frames, is told. */
const HIDDEN_INTERVAL_MS = 250;

/** Whether there may be a network. */
export function isOnline(): boolean {
  return globals.navigator?.onLine !== false;
}

/** Calls back when the network seems to be there again; returns how to end it. */
export function onOnline(callback: () => void): () => void {
  globals.addEventListener?.('online', callback);
  return () => {
    globals.removeEventListener?.('online', callback);
  };
}

/** In milliseconds, by a clock that is never set. */
export function now(): number {
  return globals.performance.now();
}

export function abortController(): AbortLike {
  return new globals.AbortController();
}

/** Calls back once the page has been drawn; returns how to prevent it. */
export function afterNextFrame(callback: () => void): () => void {
  const isHidden = globals.document?.visibilityState === 'hidden';
  if (globals.requestAnimationFrame === undefined || isHidden) {
    const timer = globals.setTimeout(callback, HIDDEN_INTERVAL_MS);
    return () => {
      globals.clearTimeout(timer);
    };
  }
  let timer: unknown;
  const frame = globals.requestAnimationFrame(() => {
    // In a task of its own: a click may come between it and the layout of what it changes.
    timer = globals.setTimeout(callback);
  });
  return () => {
    globals.cancelAnimationFrame?.(frame);
    globals.clearTimeout(timer);
  };
}

/** Calls back after so many milliseconds; returns how to prevent it. */
export function afterMs(ms: number, callback: () => void): () => void {
  const timer = globals.setTimeout(callback, ms);
  return () => {
    globals.clearTimeout(timer);
  };
}
