/** One session, from the subscription to its last event: subscribes, starts, reassembles, catches up, reconnects. */

import { answerEvent } from './answer_event';
import { CatchUp } from './catch_up';
import { asTokencastError, TokencastError } from './errors';
import { Inbox } from './inbox';
import { Backoff, type Timing } from './timing';
import { Transcript, type Change } from './transcript';
import type { Transport } from './transport';
import type { AnswerEvent, Snapshot, TokenEvent } from './types';

/** How a session begins: with a prompt, or as one that was started elsewhere or before. */
export type Begin = { prompt: string } | 'resume';

export interface SessionOptions {
  sessionId: string;
  begin: Begin;
  transport: Transport;
  timing: Timing;
  /** Aborting it stops the session, not just the listening. */
  signal?: AbortSignal | undefined;
}

/**
 * The events of a session. Ending the iteration early ends the subscription; the answer goes on without a listener.
 *
 * Not the generator itself: its `return` would wait for the event that a pending `next` waits for.
 */
export function sessionEvents(options: SessionOptions): AsyncIterator<AnswerEvent, void> {
  const session = new Session(options);
  const events = session.events();
  return {
    next: () => events.next(),
    return: () => {
      session.leave();
      return events.return();
    },
  };
}

type Message =
  | { type: 'established'; subscription: number }
  | { type: 'event'; event: TokenEvent }
  | { type: 'lost'; subscription: number; error: TokencastError }
  | { type: 'startDone'; error: TokencastError | null }
  | { type: 'stopDone'; error: TokencastError | null }
  | { type: 'snapshot'; snapshot: Snapshot | null; error: TokencastError | null }
  | { type: 'online' }
  | { type: 'left' }
  | { type: 'abort' };

class Session {
  readonly #options: SessionOptions;
  readonly #inbox = new Inbox<Message>();
  readonly #transcript = new Transcript();
  readonly #catchUp: CatchUp;
  readonly #retry: Backoff;
  readonly #callRetry: Backoff;
  readonly #cleanUps: (() => void)[] = [];
  /** What to send once subscribed; taken by the first subscription. */
  #prompt: string | null;
  /** Counts subscriptions, so that what an earlier one says late is known as such. */
  #subscription = 0;
  #unsubscribe: (() => void) | null = null;
  #established = false;
  #everEstablished = false;
  #started = false;
  #said: 'QUEUED' | 'STREAMING' | null = null;
  /** Since when there has been no subscription. */
  #outage: number | null = performance.now();
  #reconnectAt = Infinity;
  #startAt = Infinity;
  #left = false;
  #stop: 'no' | 'wanted' | 'asked' | 'done' = 'no';
  #stopAt = Infinity;
  #stoppedAt = Infinity;

  constructor(options: SessionOptions) {
    const { begin, timing } = options;
    this.#options = options;
    this.#prompt = begin === 'resume' ? null : begin.prompt;
    this.#catchUp = new CatchUp(timing);
    this.#retry = new Backoff(timing.retryFirst, timing.retryMax);
    this.#callRetry = new Backoff(timing.retryFirst, timing.retryMax);
  }

  async *events(): AsyncGenerator<AnswerEvent, void> {
    try {
      yield* this.#untilTheEnd();
    } finally {
      this.#close();
    }
  }

  /** Nobody listens any more. */
  leave(): void {
    this.#left = true;
    this.#inbox.push({ type: 'left' });
    this.#close();
  }

  async *#untilTheEnd(): AsyncGenerator<AnswerEvent, void> {
    const { signal, transport, begin } = this.#options;
    if (signal) {
      const abort = (): void => {
        this.#inbox.push({ type: 'abort' });
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#cleanUps.push(() => {
        signal.removeEventListener('abort', abort);
      });
      if (signal.aborted) yield* this.#onAbort();
    }
    this.#cleanUps.push(
      transport.onOnline(() => {
        this.#inbox.push({ type: 'online' });
      }),
    );
    // Before subscribing, which would claim an id that nobody has used.
    if (begin === 'resume') yield* this.#find();
    if (!this.#over) this.#connect();
    while (!this.#over) {
      const message = await this.#inbox.next(this.#nextTime());
      if (message !== null) yield* this.#handle(message);
      yield* this.#onTime();
    }
  }

  #close(): void {
    this.#disconnect();
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp();
  }

  get #over(): boolean {
    return this.#left || this.#transcript.ending !== null;
  }

  #nextTime(): number {
    const { giveUpAfter, firstConnection } = this.#options.timing;
    const limit = this.#everEstablished ? giveUpAfter : firstConnection;
    const giveUpAt = this.#outage === null ? Infinity : this.#outage + limit;
    return Math.min(
      this.#catchUp.due,
      this.#reconnectAt,
      this.#startAt,
      this.#stopAt,
      this.#stoppedAt,
      giveUpAt,
    );
  }

  *#onTime(): Generator<AnswerEvent> {
    const now = performance.now();
    const { giveUpAfter, firstConnection } = this.#options.timing;
    if (this.#over) return;
    if (now >= this.#stoppedAt) {
      yield* this.#tell(this.#endStopped());
      return;
    }
    if (now >= this.#catchUp.due) this.#ask();
    if (now >= this.#startAt) this.#start();
    if (now >= this.#stopAt) this.#sendStop();
    if (now >= this.#reconnectAt) this.#connect();
    const limit = this.#everEstablished ? giveUpAfter : firstConnection;
    if (this.#outage !== null && now >= this.#outage + limit) {
      throw this.#everEstablished
        ? new TokencastError('gaveUp', 'The connection was lost and did not come back')
        : new TokencastError('connection', 'The real-time connection cannot be established');
    }
  }

  *#handle(message: Message): Generator<AnswerEvent> {
    switch (message.type) {
      case 'established':
        if (message.subscription === this.#subscription) yield* this.#onEstablished();
        return;
      case 'event': {
        this.#retry.reset();
        const changes = this.#transcript.event(message.event);
        this.#catchUp.event(performance.now(), this.#transcript.needsSnapshot);
        yield* this.#tell(changes);
        return;
      }
      case 'lost':
        if (message.subscription === this.#subscription) yield* this.#onLost(message.error);
        return;
      case 'startDone':
        yield* this.#onStartDone(message.error);
        return;
      case 'stopDone':
        this.#onStopDone(message.error);
        return;
      case 'snapshot':
        yield* this.#onSnapshot(message.snapshot, message.error);
        return;
      case 'online':
        if (this.#reconnectAt !== Infinity) this.#reconnectAt = 0;
        this.#catchUp.soon(performance.now());
        return;
      case 'left':
        return;
      case 'abort':
        yield* this.#onAbort();
    }
  }

  /** The session as it stands, before anything else. */
  async *#find(): AsyncGenerator<AnswerEvent, void> {
    const { transport, sessionId } = this.#options;
    const snapshot = await transport.getStream(sessionId);
    if (snapshot === null) {
      throw new TokencastError('notFound', 'There is no such session, or no longer');
    }
    yield* this.#tellSnapshot(snapshot);
  }

  #connect(): void {
    const { transport, sessionId, timing } = this.#options;
    this.#disconnect();
    this.#reconnectAt = Infinity;
    const subscription = (this.#subscription += 1);
    const limit = setTimeout(() => {
      const error = new TokencastError('connection', 'The subscription was not acknowledged');
      this.#inbox.push({ type: 'lost', subscription, error });
    }, timing.subscribe);
    const end = transport.subscribe(sessionId, {
      established: () => {
        clearTimeout(limit);
        this.#inbox.push({ type: 'established', subscription });
      },
      event: (event) => {
        this.#inbox.push({ type: 'event', event });
      },
      lost: (error) => {
        clearTimeout(limit);
        this.#inbox.push({ type: 'lost', subscription, error });
      },
    });
    this.#unsubscribe = () => {
      clearTimeout(limit);
      end();
    };
  }

  #disconnect(): void {
    this.#established = false;
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }

  *#onEstablished(): Generator<AnswerEvent> {
    const again = this.#everEstablished;
    this.#established = true;
    this.#everEstablished = true;
    this.#outage = null;
    if (this.#prompt !== null && !again) this.#start();
    else this.#catchUp.resubscribed(performance.now());
    if (again) yield { type: 'reconnected' };
  }

  *#onLost(error: TokencastError): Generator<AnswerEvent> {
    if (!error.transient) throw error;
    const wasEstablished = this.#established;
    this.#disconnect();
    const now = performance.now();
    this.#outage ??= now;
    if (this.#started && wasEstablished) this.#catchUp.unsubscribed(now);
    const delayMs = Math.round(this.#retry.next());
    this.#reconnectAt = now + delayMs;
    yield { type: 'reconnecting', tries: this.#retry.tries, delayMs, reason: error.message };
  }

  #start(): void {
    const { transport, sessionId } = this.#options;
    this.#startAt = Infinity;
    transport.startStream(sessionId, this.#prompt ?? '').then(
      () => {
        this.#inbox.push({ type: 'startDone', error: null });
      },
      (error: unknown) => {
        this.#inbox.push({ type: 'startDone', error: asTokencastError(error) });
      },
    );
  }

  *#onStartDone(error: TokencastError | null): Generator<AnswerEvent> {
    const limit = (this.#outage ?? performance.now()) + this.#options.timing.giveUpAfter;
    if (error !== null) {
      // Starting again with the same id and prompt starts nothing twice.
      const pause = this.#callRetry.next();
      if (!error.transient || this.#callRetry.tries > 6 || performance.now() > limit) throw error;
      this.#startAt = performance.now() + pause;
      return;
    }
    this.#prompt = null;
    this.#callRetry.reset();
    this.#catchUp.started(performance.now());
    yield* this.#tell([]);
    if (this.#stop === 'wanted') this.#sendStop();
  }

  *#onAbort(): Generator<AnswerEvent> {
    if (this.#stop !== 'no') return;
    this.#stop = 'wanted';
    this.#stoppedAt = performance.now() + this.#options.timing.stop;
    const neverSent = this.#prompt !== null && !this.#everEstablished;
    if (neverSent) yield* this.#tell(this.#endStopped());
    // A start that is under way is awaited, lest it comes after the stop.
    else if (this.#prompt === null) this.#sendStop();
  }

  #sendStop(): void {
    const { transport, sessionId } = this.#options;
    this.#stop = 'asked';
    this.#stopAt = Infinity;
    transport.stopStream(sessionId).then(
      () => {
        this.#inbox.push({ type: 'stopDone', error: null });
      },
      (error: unknown) => {
        this.#inbox.push({ type: 'stopDone', error: asTokencastError(error) });
      },
    );
  }

  #onStopDone(error: TokencastError | null): void {
    const now = performance.now();
    if (error === null) {
      this.#stop = 'done';
      // The terminal event follows; should it be lost, the snapshot says the same.
      this.#catchUp.soon(now, 500);
    } else if (error.transient) {
      this.#stopAt = now + this.#callRetry.next();
    } else {
      throw error;
    }
  }

  #endStopped(): Change[] {
    this.#stoppedAt = Infinity;
    return this.#transcript.event({ token: '', isComplete: true, status: 'CANCELLED' });
  }

  #ask(): void {
    const { transport, sessionId } = this.#options;
    this.#catchUp.asking();
    transport.getStream(sessionId).then(
      (snapshot) => {
        this.#inbox.push({ type: 'snapshot', snapshot, error: null });
      },
      (error: unknown) => {
        this.#inbox.push({ type: 'snapshot', snapshot: null, error: asTokencastError(error) });
      },
    );
  }

  *#onSnapshot(snapshot: Snapshot | null, error: TokencastError | null): Generator<AnswerEvent> {
    if (error?.kind === 'unauthorized') throw error;
    // Before `startStream` has been answered there may be no session yet.
    if (snapshot === null && error === null && this.#started) {
      throw new TokencastError('notFound', 'There is no such session, or no longer');
    }
    if (snapshot === null) {
      this.#catchUp.asked(performance.now(), this.#transcript.needsSnapshot);
    } else {
      // As long as the API answers, the answer goes on by snapshots, if less smoothly.
      if (this.#outage !== null) this.#outage = performance.now();
      yield* this.#tellSnapshot(snapshot);
    }
  }

  *#tellSnapshot(snapshot: Snapshot): Generator<AnswerEvent> {
    const changes = this.#transcript.snapshot(snapshot);
    this.#catchUp.asked(performance.now(), this.#transcript.needsSnapshot);
    // A session that is merely claimed hasn't started.
    if (snapshot.status !== 'CLAIMED') yield* this.#tell(changes);
  }

  *#tell(changes: Change[]): Generator<AnswerEvent> {
    if (!this.#started) {
      this.#started = true;
      yield { type: 'started', sessionId: this.#options.sessionId };
    }
    const status = this.#transcript.status;
    if ((status === 'QUEUED' || status === 'STREAMING') && status !== this.#said) {
      this.#said = status;
      yield { type: 'status', status };
    }
    for (const change of changes) yield answerEvent(change);
  }
}
