/** What a page shows of one session at a time: follows its events, and tells at most once per frame. */

import {
  newSessionId,
  TokencastError,
  type AnswerEvent,
  type AnswerStream,
  type StreamError,
  type TokencastClient,
  type TokenUsage,
} from '../api';

export type Phase =
  | 'idle'
  /** Subscribing, or looking for a session that is resumed. */
  | 'connecting'
  | 'queued'
  /** A worker has it, or soon will; no token yet. */
  | 'thinking'
  | 'streaming'
  | 'completed'
  | 'cancelled'
  /** The session failed, or there is no way to it: `error` says why. */
  | 'failed';

export interface AnswerView {
  sessionId: string | null;
  phase: Phase;
  text: string;
  /** The connection is lost for now; the phase is that of before. */
  reconnecting: boolean;
  /** A stop was asked for, and hasn't taken effect yet. */
  stopping: boolean;
  /** The answer started again from nothing this often. */
  restarts: number;
  usage: TokenUsage | null;
  stopReason: string | null;
  error: StreamError | null;
  /** From `ask` to the first text; `null` for a resumed session. */
  timeToFirstTokenMs: number | null;
}

const IDLE: AnswerView = {
  sessionId: null,
  phase: 'idle',
  text: '',
  reconnecting: false,
  stopping: false,
  restarts: 0,
  usage: null,
  stopReason: null,
  error: null,
  timeToFirstTokenMs: null,
};

/** How often a page in the background, which gets no frames, is told. */
const HIDDEN_INTERVAL_MS = 250;

export class AnswerStore {
  #client: TokencastClient;
  readonly #listeners = new Set<() => void>();
  #view = IDLE;
  /** What the next view will be. */
  #next = IDLE;
  #cancelFrame: (() => void) | null = null;
  #stop: AbortController | null = null;
  #leave: (() => void) | null = null;

  constructor(client: TokencastClient) {
    this.#client = client;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly view = (): AnswerView => this.#view;

  /** From now on, over this client; an answer that is followed goes on as it came. */
  use(client: TokencastClient): void {
    this.#client = client;
  }

  /** Sends a prompt, and follows its answer. Returns the new session's id. */
  ask(prompt: string): string {
    const sessionId = newSessionId();
    this.#follow(sessionId, (signal) => this.#client.streamPrompt(prompt, { sessionId, signal }));
    return sessionId;
  }

  /** Follows a session that exists, unless it does so already. */
  resume(sessionId: string): void {
    if (this.#next.sessionId === sessionId) return;
    this.reload(sessionId);
  }

  /** Follows a session from its beginning. */
  reload(sessionId: string): void {
    this.#follow(sessionId, (signal) => this.#client.resumeStream(sessionId, { signal }));
  }

  /** Stops the session, for everybody who listens. */
  stop(): void {
    if (!this.#stop || isOver(this.#next.phase)) return;
    this.#change({ stopping: true });
    this.#tell();
    this.#stop.abort();
  }

  /** Follows nothing any more; the session goes on. */
  leave(): void {
    this.#leave?.();
    this.#leave = null;
    this.#stop = null;
    this.#next = IDLE;
    this.#tell();
  }

  #follow(sessionId: string, open: (signal: AbortSignal) => AnswerStream): void {
    this.#leave?.();
    this.#stop = new AbortController();
    this.#next = { ...IDLE, sessionId, phase: 'connecting' };
    this.#tell();
    const events = open(this.#stop.signal)[Symbol.asyncIterator]();
    const askedAt = performance.now();
    let left = false;
    this.#leave = () => {
      left = true;
      void events.return?.();
    };
    const read = async (): Promise<void> => {
      try {
        for (;;) {
          const next = await events.next();
          if (next.done === true || left) return;
          this.#event(next.value, askedAt);
        }
      } catch (error) {
        if (left) return;
        this.#change({ phase: 'failed', error: asStreamError(error), reconnecting: false });
        this.#tell();
      }
    };
    void read();
  }

  #event(event: AnswerEvent, askedAt: number): void {
    const view = this.#next;
    switch (event.type) {
      case 'started':
        this.#change({ phase: 'thinking' });
        break;
      case 'status':
        if (view.text === '') {
          this.#change({ phase: event.status === 'QUEUED' ? 'queued' : 'thinking' });
        }
        break;
      case 'text':
        this.#text(event.text, askedAt);
        return;
      case 'restarted':
        this.#change({ text: '', phase: 'thinking', restarts: view.restarts + 1 });
        break;
      case 'reconnecting':
        this.#change({ reconnecting: true });
        break;
      case 'reconnected':
        this.#change({ reconnecting: false });
        break;
      case 'completed':
      case 'cancelled': {
        const { type: phase, usage, stopReason } = event;
        this.#change({ phase, usage, stopReason, stopping: false, reconnecting: false });
        break;
      }
      case 'failed': {
        const { code, message, retryable, usage } = event;
        const error = { code, message, retryable };
        this.#change({ phase: 'failed', error, usage, stopping: false, reconnecting: false });
      }
    }
    this.#tell();
  }

  #text(text: string, askedAt: number): void {
    const first = this.#next.text === '';
    this.#change({ text: this.#next.text + text, phase: 'streaming' });
    if (!first) {
      this.#tellSoon();
      return;
    }
    if (this.#next.timeToFirstTokenMs === null) {
      this.#change({ timeToFirstTokenMs: performance.now() - askedAt });
    }
    this.#tell();
  }

  #change(changes: Partial<AnswerView>): void {
    this.#next = { ...this.#next, ...changes };
  }

  #tellSoon(): void {
    if (this.#cancelFrame) return;
    const tell = (): void => {
      this.#tell();
    };
    if (document.visibilityState === 'hidden') {
      const timer = setTimeout(tell, HIDDEN_INTERVAL_MS);
      this.#cancelFrame = () => {
        clearTimeout(timer);
      };
    } else {
      const frame = requestAnimationFrame(tell);
      this.#cancelFrame = () => {
        cancelAnimationFrame(frame);
      };
    }
  }

  #tell(): void {
    this.#cancelFrame?.();
    this.#cancelFrame = null;
    if (this.#view === this.#next) return;
    this.#view = this.#next;
    for (const listener of this.#listeners) listener();
  }
}

export function isOver(phase: Phase): boolean {
  return phase === 'completed' || phase === 'cancelled' || phase === 'failed' || phase === 'idle';
}

function asStreamError(error: unknown): StreamError {
  if (!(error instanceof TokencastError)) {
    return { code: 'INTERNAL', message: 'Something went wrong in this page.', retryable: true };
  }
  switch (error.kind) {
    case 'unauthorized':
      // Of the token, not of the session.
      if (error.errorType === 'SignedOut' || error.errorType === 'UnauthorizedException') {
        const message = 'Your sign-in has expired. Sign in again, and the answer is still there.';
        return { code: 'SIGNED_OUT', message, retryable: false };
      }
      return {
        code: 'UNAUTHORIZED',
        message: 'This answer belongs to another user.',
        retryable: false,
      };
    case 'notFound':
      if (error.errorType === 'CLAIMED') {
        const message =
          'This question was never started: it was refused, or its sending broke off.';
        return { code: 'NOT_STARTED', message, retryable: true };
      }
      return { code: 'NOT_FOUND', message: 'This answer is no longer kept.', retryable: false };
    case 'refused':
      return {
        code: error.errorType ?? 'REFUSED',
        message: error.message,
        retryable: error.transient,
      };
    case 'connection':
    case 'gaveUp':
      return { code: 'CONNECTION', message: 'The connection was lost.', retryable: true };
  }
}
