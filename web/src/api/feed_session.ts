/** One session over a feed, from its start to its last event: connects, reassembles, goes on behind what was lost. */

import { CatchUp } from './catch_up';
import { TokencastError } from './errors';
import type { Ask, Connection, Feed, Loss } from './feed';
import { Loop } from './loop';
import { onOnline } from './online';
import { Outage } from './outage';
import { RecordCheck } from './record_check';
import { Replay } from './replay';
import type { Begin } from './session';
import { Start } from './start';
import { Stop } from './stop';
import { Backoff, type Timing } from './timing';
import type { Change } from './transcript';
import { isTerminal } from './types';
import type { AnswerEvent, Snapshot, StreamStatus, TokenEvent } from './types';
import { within } from './within';

/** A connection that lasted this long, or brought something new, has ended an outage. */
const STABLE_AFTER_MS = 10_000;

export interface FeedSessionOptions {
  sessionId: string;
  begin: Begin;
  feed: Feed;
  /** Reads the record, where the feed itself can't be asked. */
  getStream: (sessionId: string) => Promise<Snapshot | null>;
  timing: Timing;
  /** Aborting it stops the session, not just the listening. */
  signal?: AbortSignal | undefined;
}

export function feedEvents(options: FeedSessionOptions): AsyncIterator<AnswerEvent, void> {
  return new FeedSession(options).events();
}

type Message =
  | { type: 'asked'; connection: number }
  | { type: 'answered'; connection: number; status: StreamStatus | null }
  | { type: 'event'; connection: number; event: TokenEvent }
  | { type: 'lost'; connection: number; error: TokencastError; how: Loss }
  | { type: 'snapshot'; snapshot: Snapshot | null; acknowledged: boolean }
  | { type: 'noSnapshot' }
  | { type: 'stopDone'; error: TokencastError | null };

class FeedSession extends Loop<Message> {
  readonly #options: FeedSessionOptions;
  readonly #known = new Replay();
  readonly #catchUp: CatchUp;
  readonly #outage: Outage;
  readonly #record: RecordCheck;
  readonly #retry: Backoff;
  readonly #start: Start;
  readonly #stop: Stop;
  /** The server is known to have the prompt. */
  #acknowledged = false;
  #connection: Connection | null = null;
  /** Counts connections, so that what an earlier one says late is known as such. */
  #count = 0;
  /** When the present connection had its first answer. */
  #answeredAt: number | null = null;
  /** By when the connection has to be there, or the last question to be answered. */
  #answerBy = Infinity;
  #reconnectAt = Infinity;
  /** The connection was asked to go on behind an event, and has brought nothing since. */
  #broughtNothing = false;

  constructor(options: FeedSessionOptions) {
    const { begin, timing, feed, sessionId } = options;
    super({ sessionId, signal: options.signal, onOnline });
    this.#options = options;
    this.#catchUp = new CatchUp(timing);
    this.#outage = new Outage(timing);
    this.#record = new RecordCheck(begin === 'resume', timing.claimed);
    this.#retry = new Backoff(timing.retryFirst, timing.retryMax);
    this.#start = new Start(begin === 'resume' ? null : begin.prompt, timing);
    const stop = (): Promise<void> => feed.stopStream(sessionId);
    this.#stop = new Stop(stop, timing, (error) => {
      this.push({ type: 'stopDone', error });
    });
  }

  protected override get isOver(): boolean {
    return this.#known.ending !== null;
  }

  /** When to ask: on the present connection, if that can be asked, or by `getStream`. */
  get #askAt(): number {
    if (this.#connection === null) return Infinity;
    const canAsk = this.#connection.ask === undefined || this.#answeredAt !== null;
    return canAsk ? this.#catchUp.due : Infinity;
  }

  protected override get nextTime(): number {
    const { due, countsAt } = this.#stop;
    return Math.min(this.#askAt, this.#answerBy, this.#reconnectAt, due, countsAt);
  }

  protected override *onTime(now: number): Generator<AnswerEvent> {
    if (now >= this.#stop.countsAt) {
      yield* this.#tell(this.#endStopped());
      return;
    }
    if (now >= this.#stop.due) this.#stop.send();
    if (now >= this.#answerBy) {
      const error = new TokencastError('connection', 'The API does not answer');
      yield* this.#onLost(error, { silent: true });
    } else if (now >= this.#askAt) {
      this.#ask();
    }
    if (now >= this.#reconnectAt) this.#connect();
  }

  protected override *handle(message: Message): Generator<AnswerEvent> {
    if ('connection' in message && message.connection !== this.#count) return;
    switch (message.type) {
      case 'asked':
        this.#answerBy = performance.now() + this.#options.timing.answer;
        return;
      case 'answered':
        yield* this.#onAnswered(message.status);
        return;
      case 'event':
        yield* this.#onEvent(message.event);
        return;
      case 'lost':
        yield* this.#onLost(message.error, message.how);
        return;
      case 'snapshot':
        yield* this.#onSnapshot(message.snapshot, message.acknowledged);
        return;
      case 'noSnapshot':
        // The connection has its own bounds.
        this.#catchUp.asked(performance.now(), false);
        return;
      case 'stopDone':
        this.#onStopDone(message.error);
    }
  }

  protected override onOnline(now: number): void {
    if (this.#reconnectAt !== Infinity) this.#reconnectAt = 0;
    this.#catchUp.soon(now);
  }

  protected override begin(): void {
    this.#connect();
  }

  #connect(): void {
    const { feed, sessionId, timing } = this.#options;
    this.disconnect();
    this.#reconnectAt = Infinity;
    const now = performance.now();
    const connection = (this.#count += 1);
    const { prompt, sent } = this.#start;
    const ask: Ask = prompt === null ? { after: this.#known.position() } : { prompt };
    this.#broughtNothing = 'after' in ask && ask.after !== null;
    if (prompt !== null) this.#start.sending(now);
    this.#answerBy = now + timing.subscribe;
    this.#connection = feed.open(sessionId, ask, {
      asked: () => {
        this.push({ type: 'asked', connection });
      },
      answered: (status) => {
        this.push({ type: 'answered', connection, status });
      },
      event: (event) => {
        this.push({ type: 'event', connection, event });
      },
      lost: (error, how = {}) => {
        this.push({ type: 'lost', connection, error, how });
      },
    });
    if (!this.#connection.ask) this.#catchUp.opened(now);
    else if (prompt === null) this.#catchUp.asking();
    // What was said to a connection that was lost.
    else if (sent) this.#catchUp.resubscribed(now);
  }

  protected override disconnect(): void {
    this.#answeredAt = null;
    this.#answerBy = Infinity;
    this.#connection?.close();
    this.#connection = null;
  }

  #ask(): void {
    const { getStream, sessionId, timing } = this.#options;
    const acknowledged = this.#acknowledged;
    this.#catchUp.asking();
    if (this.#connection?.ask) {
      this.#answerBy = performance.now() + timing.answer;
      this.#connection.ask(this.#known.position());
      return;
    }
    within(timing.answer, getStream(sessionId), 'The API does not answer').then(
      (snapshot) => {
        this.push({ type: 'snapshot', snapshot, acknowledged });
      },
      () => {
        this.push({ type: 'noSnapshot' });
      },
    );
  }

  *#onAnswered(status: StreamStatus | null): Generator<AnswerEvent> {
    const now = performance.now();
    this.#answerBy = Infinity;
    this.#known.isShort = status !== null && isTerminal(status);
    const started = this.#start.prompt !== null;
    yield* this.#listening();
    if (started) {
      // Over a response the answer itself is what follows.
      if (this.#connection?.ask) this.#catchUp.started(now);
    } else {
      if (status !== null) this.#record.saw(status, this.#acknowledged, now);
      const claimed = status === 'CLAIMED';
      if (this.#connection?.ask) {
        this.#catchUp.asked(now, claimed || this.#known.isMissingSome, status);
      }
      if (claimed) return;
    }
    // A start is answered before anybody knows whether it has to wait.
    yield* this.tell(started ? this.#known.status : (status ?? this.#known.status), []);
  }

  /** The session is there, and this connection hears of it. */
  *#listening(): Generator<AnswerEvent> {
    this.#serverHasIt();
    if (this.#answeredAt !== null) return;
    this.#answeredAt = performance.now();
    this.#outage.connected();
    yield* this.reconnected();
  }

  /** The server has the prompt, whether or not it has answered the start. */
  #serverHasIt(): void {
    if (this.#start.prompt !== null) {
      this.#start.done();
      this.#acknowledged = true;
    }
    if (this.#stop.waits) this.#stop.send();
  }

  *#onEvent(event: TokenEvent): Generator<AnswerEvent> {
    yield* this.#listening();
    const changes = this.#known.event(event);
    if (changes.length > 0) {
      this.#broughtNothing = false;
      this.#endOutage();
    }
    this.#catchUp.event(performance.now(), this.#known.isMissingSome);
    yield* this.#tell(changes);
    if (this.#known.hasGap && this.#connection && !this.#connection.ask) {
      // Events come in order there, so that what is missing now won't come by itself.
      yield* this.#onLost(new TokencastError('connection', 'Events are missing'), {});
    }
  }

  *#onSnapshot(snapshot: Snapshot | null, acknowledged: boolean): Generator<AnswerEvent> {
    const now = performance.now();
    const status = snapshot?.status ?? null;
    this.#record.saw(status, acknowledged, now);
    this.#catchUp.asked(now, false, status);
    if (snapshot === null || status === 'CLAIMED') return;
    this.#serverHasIt();
    const changes = this.#known.snapshot(snapshot);
    yield* this.#tell(changes);
    if (this.isDone() || this.#connection === null) return;
    const silent = changes.length > 0 && this.#catchUp.isSilent(now);
    // What has come since should have come through it.
    if (silent) yield* this.#onLost(new TokencastError('connection', 'No events come'), {});
  }

  *#onLost(error: TokencastError, how: Loss): Generator<AnswerEvent> {
    const now = performance.now();
    const answeredFor = this.#answeredAt === null ? 0 : now - this.#answeredAt;
    if (how.silent !== true && answeredFor >= STABLE_AFTER_MS) this.#endOutage();
    // Over, as far as the server knows, which is less far than was heard of it here.
    if (how.inOrder === true || how.silent === true) this.#known.isShort = this.#broughtNothing;
    this.disconnect();
    const tries = this.#start.tries + 1;
    if (this.#start.prompt !== null && !this.#stop.waits) {
      const delayMs = this.#start.failed(now, error, how.retryMs ?? 0);
      this.#reconnectAt = now + delayMs;
      yield* this.reconnecting(tries, delayMs, error.message);
      return;
    }
    if (this.#stop.waits) this.#stopStarting();
    if (error.kind === 'notFound' && this.#acknowledged) this.#record.saw(null, true, now);
    else if (!error.transient) throw error;
    const delayMs = Math.max(Math.round(this.#retry.next()), how.retryMs ?? 0);
    this.#outage.began(now, error);
    this.#outage.check(now + delayMs);
    this.#reconnectAt = now + delayMs;
    yield* this.reconnecting(this.#retry.tries, delayMs, error.message);
  }

  protected override *onWake(now: number): Generator<AnswerEvent> {
    this.#outage.slept(now);
    this.#start.slept(now);
    if (this.#reconnectAt !== Infinity) this.#reconnectAt = 0;
    if (this.#connection === null) return;
    yield* this.#onLost(new TokencastError('connection', 'This machine slept'), {});
  }

  #endOutage(): void {
    this.#outage.ended();
    this.#retry.reset();
  }

  protected override *onAbort(now: number): Generator<AnswerEvent> {
    if (this.#stop.wanted) return;
    this.#stop.want(now);
    const { prompt, sent } = this.#start;
    if (prompt !== null && !sent) yield* this.#tell(this.#endStopped());
    // A start that is under way is awaited, lest it comes after the stop.
    else if (prompt === null || this.#connection === null) this.#stopStarting();
  }

  /** Who has stopped it wants no other try; what may have come of the last is stopped. */
  #stopStarting(): void {
    this.#start.done();
    this.#stop.send();
  }

  #onStopDone(error: TokencastError | null): void {
    const now = performance.now();
    // The terminal event follows; should it be lost, it is asked for.
    if (error === null) this.#catchUp.soon(now, 500);
    else this.#stop.failed(now, error);
  }

  #endStopped(): Change[] {
    this.#stop.countsAt = Infinity;
    return this.#known.event({ token: '', isComplete: true, status: 'CANCELLED' });
  }

  #tell(changes: Change[]): Generator<AnswerEvent> {
    return this.tell(this.#known.status, changes);
  }
}
