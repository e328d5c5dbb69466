/** One session, from the subscription to its last event: subscribes, starts, reassembles, catches up, reconnects. */

import { CatchUp } from './catch_up';
import { asTokencastError, TokencastError } from './errors';
import { Loop } from './loop';
import { Outage } from './outage';
import { notFound, RecordCheck } from './record_check';
import { Start } from './start';
import { Stop } from './stop';
import { Backoff, type Timing } from './timing';
import { Transcript, type Change } from './transcript';
import type { Transport } from './transport';
import type { AnswerEvent, Snapshot, TokenEvent } from './types';
import { within } from './within';

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

export function sessionEvents(options: SessionOptions): AsyncIterator<AnswerEvent, void> {
  return new Session(options).events();
}

type Message =
  | { type: 'established'; subscription: number }
  | { type: 'event'; event: TokenEvent }
  | { type: 'lost'; subscription: number; error: TokencastError }
  | { type: 'startDone' | 'stopDone'; error: TokencastError | null }
  | { type: 'snapshot'; snapshot: Snapshot | null; acknowledged: boolean }
  | { type: 'noSnapshot'; error: TokencastError };

class Session extends Loop<Message> {
  readonly #options: SessionOptions;
  readonly #transcript = new Transcript();
  readonly #catchUp: CatchUp;
  readonly #outage: Outage;
  readonly #record: RecordCheck;
  readonly #retry: Backoff;
  readonly #start: Start;
  readonly #stop: Stop;
  /** A session that is resumed is looked for before anything else. */
  #finding: boolean;
  /** The server is known to have the prompt. */
  #acknowledged = false;
  /** Counts subscriptions, so that what an earlier one says late is known as such. */
  #subscription = 0;
  #unsubscribe: (() => void) | null = null;
  #established = false;
  #everEstablished = false;
  #reconnectAt = Infinity;

  constructor(options: SessionOptions) {
    const { begin, timing, transport, sessionId } = options;
    super({ sessionId, signal: options.signal, onOnline: (back) => transport.onOnline(back) });
    this.#options = options;
    this.#finding = begin === 'resume';
    this.#catchUp = new CatchUp(timing);
    this.#outage = new Outage(timing);
    this.#record = new RecordCheck(begin === 'resume', timing.claimed);
    this.#retry = new Backoff(timing.retryFirst, timing.retryMax);
    this.#start = new Start(begin === 'resume' ? null : begin.prompt, timing);
    const stop = (): Promise<void> => transport.stopStream(sessionId);
    this.#stop = new Stop(stop, timing, (error) => {
      this.push({ type: 'stopDone', error });
    });
  }

  protected override get isOver(): boolean {
    return this.#transcript.ending !== null;
  }

  protected override begin(): void {
    this.#outage.began(performance.now());
    // Subscribing would claim an id that nobody has used.
    if (this.#finding) this.#ask();
    else this.#connect();
  }

  protected override get nextTime(): number {
    const { due, countsAt } = this.#stop;
    const times = [this.#reconnectAt, this.#start.due, due, countsAt, this.#outage.endsAt];
    return Math.min(this.#catchUp.due, ...times);
  }

  protected override *onTime(now: number): Generator<AnswerEvent> {
    if (now >= this.#stop.countsAt) {
      yield* this.#tell(this.#endStopped());
      return;
    }
    if (now >= this.#catchUp.due) this.#ask();
    if (now >= this.#start.due) this.#sendStart();
    if (now >= this.#stop.due) this.#stop.send();
    if (now >= this.#reconnectAt) this.#connect();
    this.#outage.check(now);
  }

  protected override *handle(message: Message): Generator<AnswerEvent> {
    switch (message.type) {
      case 'established':
        if (message.subscription === this.#subscription) yield* this.#onEstablished();
        return;
      case 'event':
        yield* this.#onEvent(message.event);
        return;
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
        yield* this.#onSnapshot(message.snapshot, message.acknowledged);
        return;
      case 'noSnapshot':
        this.#onNoSnapshot(message.error);
    }
  }

  protected override onOnline(now: number): void {
    if (this.#reconnectAt !== Infinity) this.#reconnectAt = 0;
    this.#catchUp.soon(now);
  }

  #connect(): void {
    const { transport, sessionId, timing } = this.#options;
    this.disconnect();
    this.#reconnectAt = Infinity;
    const subscription = (this.#subscription += 1);
    const limit = setTimeout(() => {
      const error = new TokencastError('connection', 'The subscription was not acknowledged');
      this.push({ type: 'lost', subscription, error });
    }, timing.subscribe);
    const end = transport.subscribe(sessionId, {
      established: () => {
        clearTimeout(limit);
        this.push({ type: 'established', subscription });
      },
      event: (event) => {
        this.push({ type: 'event', event });
      },
      lost: (error) => {
        clearTimeout(limit);
        this.push({ type: 'lost', subscription, error });
      },
    });
    this.#unsubscribe = () => {
      clearTimeout(limit);
      end();
    };
  }

  protected override disconnect(): void {
    this.#established = false;
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }

  *#onEstablished(): Generator<AnswerEvent> {
    this.#established = true;
    this.#everEstablished = true;
    this.#outage.connected();
    if (this.#start.prompt !== null && !this.#start.sent) this.#sendStart();
    else this.#catchUp.resubscribed(performance.now());
    yield* this.reconnected();
  }

  *#onEvent(event: TokenEvent): Generator<AnswerEvent> {
    this.#retry.reset();
    this.#outage.ended();
    this.#serverHasIt();
    const changes = this.#transcript.event(event);
    this.#catchUp.event(performance.now(), this.#transcript.needsSnapshot);
    yield* this.#tell(changes);
  }

  *#onLost(error: TokencastError, atLeastMs = 0): Generator<AnswerEvent> {
    if (!error.transient) throw error;
    const wasEstablished = this.#established;
    this.disconnect();
    const now = performance.now();
    this.#outage.began(now, error);
    if (this.wasStarted && wasEstablished) this.#catchUp.unsubscribed(now);
    const delayMs = Math.max(Math.round(this.#retry.next()), atLeastMs);
    this.#reconnectAt = now + delayMs;
    yield* this.reconnecting(this.#retry.tries, delayMs, error.message);
  }

  protected override *onWake(now: number): Generator<AnswerEvent> {
    this.#outage.slept(now);
    this.#start.slept(now);
    if (this.#reconnectAt !== Infinity) this.#reconnectAt = 0;
    if (this.#unsubscribe === null) return;
    const { freshAfterMs } = this.#options.transport;
    yield* this.#onLost(new TokencastError('connection', 'This machine slept'), freshAfterMs);
    if (this.wasStarted) this.#catchUp.soon(now);
  }

  #sendStart(): void {
    const { transport, sessionId, timing } = this.#options;
    this.#start.sending(performance.now());
    const call = transport.startStream(sessionId, this.#start.prompt ?? '');
    within(timing.answer, call, 'The start was not answered').then(
      () => {
        this.push({ type: 'startDone', error: null });
      },
      (error: unknown) => {
        this.push({ type: 'startDone', error: asTokencastError(error) });
      },
    );
  }

  *#onStartDone(error: TokencastError | null): Generator<AnswerEvent> {
    const now = performance.now();
    if (error === null) {
      this.#outage.ended();
      this.#serverHasIt();
      this.#catchUp.started(now);
      yield* this.#tell([]);
    } else if (this.#start.prompt !== null) {
      if (this.#stop.waits) this.#stopStarting();
      else this.#start.failed(now, error);
      // It may have taken effect, and only its answer was lost.
      if (error.kind === 'connection') this.#catchUp.soon(now);
    }
  }

  /** Who has stopped it wants no other try; what may have come of the last is stopped. */
  #stopStarting(): void {
    this.#start.done();
    this.#stop.send();
  }

  /** The server has the prompt, whether or not it has answered the start. */
  #serverHasIt(): void {
    if (this.#start.prompt !== null) {
      this.#start.done();
      this.#acknowledged = true;
    }
    if (this.#stop.waits) this.#stop.send();
  }

  protected override *onAbort(now: number): Generator<AnswerEvent> {
    if (this.#stop.wanted) return;
    this.#stop.want(now);
    const { prompt, sent, due } = this.#start;
    if (prompt !== null && !sent) yield* this.#tell(this.#endStopped());
    // A start that is under way is awaited, lest it comes after the stop.
    else if (prompt === null || due !== Infinity) this.#stopStarting();
  }

  #onStopDone(error: TokencastError | null): void {
    const now = performance.now();
    // The terminal event follows; should it be lost, the snapshot says the same.
    if (error === null) this.#catchUp.soon(now, 500);
    else this.#stop.failed(now, error);
  }

  #endStopped(): Change[] {
    this.#stop.countsAt = Infinity;
    return this.#transcript.event({ token: '', isComplete: true, status: 'CANCELLED' });
  }

  #ask(): void {
    const { transport, sessionId, timing } = this.#options;
    const acknowledged = this.#acknowledged;
    this.#catchUp.asking();
    within(timing.answer, transport.getStream(sessionId), 'The API does not answer').then(
      (snapshot) => {
        this.push({ type: 'snapshot', snapshot, acknowledged });
      },
      (error: unknown) => {
        this.push({ type: 'noSnapshot', error: asTokencastError(error) });
      },
    );
  }

  #onNoSnapshot(error: TokencastError): void {
    if (!error.transient) throw error;
    const now = performance.now();
    this.#outage.began(now, error);
    this.#catchUp.asked(now, this.#transcript.needsSnapshot);
    if (this.#finding) this.#catchUp.soon(now, this.#retry.next());
  }

  *#onSnapshot(snapshot: Snapshot | null, acknowledged: boolean): Generator<AnswerEvent> {
    const now = performance.now();
    // As long as the API answers, the answer goes on by snapshots, if less smoothly.
    this.#outage.ended();
    if (!this.#everEstablished) this.#outage.began(now);
    if (this.#finding && snapshot === null) throw notFound();
    const status = snapshot?.status ?? null;
    this.#record.saw(status, acknowledged, now);
    const waits = status === null || status === 'CLAIMED';
    if (!waits) this.#serverHasIt();
    const changes = snapshot === null ? [] : this.#transcript.snapshot(snapshot);
    const unclear = waits && this.#start.prompt === null;
    this.#catchUp.asked(now, unclear || this.#transcript.needsSnapshot, status);
    // A session that is merely claimed hasn't started.
    if (!waits) yield* this.#tell(changes);
    if (this.isDone()) return;
    if (this.#finding) {
      this.#finding = false;
      this.#connect();
    } else if (this.#established && changes.length > 0 && this.#catchUp.isSilent(now)) {
      // It looks well, but what has come since should have come through it.
      yield* this.#onLost(new TokencastError('connection', 'The subscription brings no events'));
    }
  }

  #tell(changes: Change[]): Generator<AnswerEvent> {
    return this.tell(this.#transcript.status, changes);
  }
}
