/**
 * One session, from its start to its last event, over any channel: connects, starts, reassembles, catches up, connects again.
 *
 * The engine takes the channel's messages and its own times in turn. All that docs/PROTOCOL.md says of waiting is decided
 * here, with the bounds of `bounds.ts`.
 */

import { Backoff } from './backoff.js';
import { STABLE_AFTER_MS, STOPPED_LOOK_MS, type Timeouts } from './bounds.js';
import { CatchUp } from './catch_up.js';
import type { Channel } from './channel.js';
import type { Environment } from './environment.js';
import { TokencastError } from './errors.js';
import { Known } from './known.js';
import { Line, type Message } from './line.js';
import type { Machine } from './loop.js';
import { Outage } from './outage.js';
import { Reader } from './reader.js';
import { notFound, SessionRecord } from './record.js';
import { Start } from './start.js';
import { Stop } from './stop.js';
import type { Change } from './transcript.js';
import type { Ask, InConversation, Loss } from './transport.js';
import { isTerminal } from './types.js';
import type { AnswerEvent, Snapshot, StreamStatus, TokenEvent } from './types.js';

/** How a session begins: with a prompt, or as one that was started elsewhere or before. */
export type Begin = ({ prompt: string } & InConversation) | 'resume';

export interface EngineOptions {
  sessionId: string;
  begin: Begin;
  channel: Channel;
  timeouts: Timeouts;
  environment: Environment;
}

export class Engine implements Machine<Message> {
  readonly #timeouts: Timeouts;
  readonly #environment: Environment;
  readonly #line: Line;
  /** Whether the channel goes on behind any event; otherwise it catches up by snapshots. */
  readonly #replays: boolean;
  readonly #freshAfterMs: number;
  readonly #reader: Reader;
  readonly #known = new Known();
  readonly #catchUp: CatchUp;
  readonly #outage: Outage;
  readonly #record: SessionRecord;
  readonly #retry: Backoff;
  readonly #start: Start;
  readonly #stop: Stop;
  readonly #turn: InConversation;
  /** A session that is resumed by snapshots is looked for before anything else. */
  #finding: boolean;
  /** The server is known to have the prompt. */
  #acknowledged = false;
  /** When the present connection had its first answer. */
  #answeredAt: number | null = null;
  /** By when the connection has to be there, or the last question on it to be answered. */
  #answerBy = Infinity;
  #reconnectAt = Infinity;
  /** The connection was asked to go on behind an event, and has brought nothing since. */
  #broughtNothing = false;

  constructor(options: EngineOptions, push: (message: Message) => void) {
    const { sessionId, begin, channel, timeouts, environment } = options;
    const { prompt, ...turn } = begin === 'resume' ? { prompt: null } : begin;
    this.#turn = turn;
    this.#timeouts = timeouts;
    this.#environment = environment;
    this.#line = new Line(channel, timeouts.call, environment, push);
    this.#freshAfterMs = channel.freshAfterMs;
    this.#replays = channel.flavour === 'replay';
    this.#finding = prompt === null && !this.#replays;
    this.#reader = new Reader(sessionId);
    this.#catchUp = new CatchUp(timeouts, environment.now());
    this.#outage = new Outage(timeouts);
    this.#record = new SessionRecord(prompt === null, timeouts.claimed);
    this.#retry = new Backoff(timeouts.retryFirst, timeouts.retryMax);
    this.#start = new Start(prompt, timeouts);
    this.#stop = new Stop(() => {
      this.#line.callStop();
    }, timeouts);
  }

  get isOver(): boolean {
    return this.#known.ending !== null;
  }

  get nextTime(): number {
    const { due, countsAt } = this.#stop;
    const times = [this.#askAt, this.#answerBy, this.#reconnectAt, due, countsAt];
    // A connection that replays brings the start, and has bounds of its own.
    if (!this.#replays) times.push(this.#start.due, this.#outage.endsAt);
    return Math.min(...times);
  }

  /** When to ask for what is missing: on the present connection, if that can be asked, or by `getStream`. */
  get #askAt(): number {
    if (!this.#replays) return this.#catchUp.due;
    // A connection takes no second question before the first is answered.
    const mayAsk = this.#line.canAsk ? this.#answeredAt !== null : this.#line.isConnected;
    return mayAsk ? this.#catchUp.due : Infinity;
  }

  begin(): void {
    if (!this.#replays) this.#outage.began(this.#environment.now());
    // Subscribing would claim an id that nobody has used.
    if (this.#finding) this.#ask();
    else this.#connect();
  }

  *onTime(now: number): Generator<AnswerEvent> {
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
    if (!this.#replays && now >= this.#start.due) this.#callStart();
    if (now >= this.#reconnectAt) this.#connect();
    if (!this.#replays) this.#outage.check(now);
  }

  handle(message: Message): Iterable<AnswerEvent> {
    if (this.#line.isLate(message)) return [];
    switch (message.type) {
      case 'asked':
        this.#answerBy = this.#environment.now() + this.#timeouts.call;
        return [];
      case 'answered':
        return this.#onAnswered(message.status);
      case 'event':
        return this.#onEvent(message.event);
      case 'lost':
        return this.#onLost(message.error, message.how);
      case 'startDone':
        return this.#onStartDone(message.error);
      case 'stopDone':
        this.#onStopDone(message.error);
        return [];
      case 'snapshot':
        return this.#onSnapshot(message.snapshot, message.acknowledged);
      case 'noSnapshot':
        this.#onNoSnapshot(message.error);
        return [];
    }
  }

  onOnline(now: number): void {
    if (this.#reconnectAt !== Infinity) this.#reconnectAt = 0;
    this.#catchUp.soon(now);
  }

  *onWake(now: number): Generator<AnswerEvent> {
    this.#outage.slept(now);
    this.#start.slept(now);
    if (this.#reconnectAt !== Infinity) this.#reconnectAt = 0;
    if (!this.#line.isConnected) return;
    const how = { retryMs: this.#freshAfterMs };
    yield* this.#onLost(new TokencastError('connection', 'This machine slept'), how);
    if (!this.#replays && this.#reader.hasStarted) this.#catchUp.soon(now);
  }

  *onAbort(now: number): Generator<AnswerEvent> {
    if (this.#stop.wanted) return;
    this.#stop.want(now);
    const { prompt, sent, due } = this.#start;
    if (prompt !== null && !sent) yield* this.#tell(this.#endStopped());
    // A start that is under way is awaited, lest it comes after the stop.
    else if (prompt === null || due !== Infinity) this.#stopStarting();
  }

  disconnect(): void {
    this.#answeredAt = null;
    this.#answerBy = Infinity;
    this.#line.disconnect();
  }

  #connect(): void {
    this.disconnect();
    this.#reconnectAt = Infinity;
    const now = this.#environment.now();
    const { prompt, sent } = this.#start;
    const after = this.#replays && prompt === null ? this.#known.resumeFrom() : null;
    const ask: Ask = prompt === null ? { after } : { prompt, ...this.#turn };
    this.#broughtNothing = after !== null;
    this.#answerBy = now + this.#timeouts.connect;
    this.#line.connect(ask);
    if (!this.#replays) return;
    if (prompt !== null) this.#start.sending(now);
    if (!this.#line.canAsk) this.#catchUp.opened(now);
    else if (prompt === null) this.#catchUp.asking();
    // What was said to a connection that was lost.
    else if (sent) this.#catchUp.resubscribed(now);
  }

  *#onAnswered(status: StreamStatus | null): Generator<AnswerEvent> {
    const now = this.#environment.now();
    const { prompt, sent } = this.#start;
    this.#answerBy = Infinity;
    if (!this.#replays) {
      if (prompt !== null && !sent) this.#callStart();
      else this.#catchUp.resubscribed(now);
      yield* this.#connected();
      return;
    }
    this.#known.isShort = status !== null && isTerminal(status);
    this.#serverHasIt();
    yield* this.#connected();
    if (prompt !== null) {
      // Over a response the answer itself is what follows.
      if (this.#line.canAsk) this.#catchUp.started(now);
      // A start is answered before anybody knows whether it has to wait.
      yield* this.#tell([]);
      return;
    }
    if (status !== null) this.#record.saw(status, this.#acknowledged, now);
    const claimed = status === 'CLAIMED';
    const gap = claimed || this.#known.isMissingSome;
    if (this.#line.canAsk) this.#catchUp.asked(now, gap, status);
    if (!claimed) yield* this.#reader.tell(status ?? this.#known.status, []);
  }

  /** The connection is there, and hears of the session. */
  *#connected(): Generator<AnswerEvent> {
    if (this.#answeredAt !== null) return;
    this.#answeredAt = this.#environment.now();
    this.#outage.connected();
    yield* this.#reader.reconnected();
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
    this.#serverHasIt();
    if (this.#replays) yield* this.#connected();
    const changes = this.#known.event(event);
    // A replay may repeat what was there already.
    if (changes.length > 0 || !this.#replays) {
      this.#broughtNothing = false;
      this.#endOutage();
    }
    this.#catchUp.event(this.#environment.now(), this.#known.isMissingSome);
    yield* this.#tell(changes);
    const comesInOrder = this.#replays && this.#line.isConnected && !this.#line.canAsk;
    if (comesInOrder && this.#known.hasGap) {
      // What is missing now won't come by itself.
      yield* this.#onLost(new TokencastError('connection', 'Events are missing'), {});
    }
  }

  /** Connects again after a pause, or says why not. */
  *#onLost(error: TokencastError, how: Loss): Generator<AnswerEvent> {
    const now = this.#environment.now();
    const answeredAt = this.#answeredAt;
    const atLeastMs = how.retryMs ?? 0;
    this.disconnect();
    if (this.#replays) {
      const isStable = answeredAt !== null && now - answeredAt >= STABLE_AFTER_MS;
      if (isStable && how.silent !== true) this.#endOutage();
      // Over, as far as the server knows, which is less far than was heard of it here.
      if (how.inOrder === true || how.silent === true) this.#known.isShort = this.#broughtNothing;
      if (this.#start.prompt !== null && !this.#stop.waits) {
        const delayMs = this.#start.failed(now, error, atLeastMs);
        this.#reconnectAt = now + delayMs;
        yield* this.#reader.reconnecting(this.#start.tries, delayMs, error.message);
        return;
      }
      if (this.#stop.waits) this.#stopStarting();
    }
    if (error.kind === 'notFound' && this.#acknowledged) this.#record.saw(null, true, now);
    else if (!error.transient) throw error;
    const delayMs = Math.max(Math.round(this.#retry.next()), atLeastMs);
    this.#outage.began(now, error);
    if (this.#replays) this.#outage.check(now + delayMs);
    else if (this.#reader.hasStarted && answeredAt !== null) this.#catchUp.unsubscribed(now);
    this.#reconnectAt = now + delayMs;
    yield* this.#reader.reconnecting(this.#retry.tries, delayMs, error.message);
  }

  #endOutage(): void {
    this.#outage.ended();
    this.#retry.reset();
  }

  /** Sends the start beside the connection. */
  #callStart(): void {
    this.#start.sending(this.#environment.now());
    this.#line.callStart(this.#start.prompt ?? '', this.#turn);
  }

  *#onStartDone(error: TokencastError | null): Generator<AnswerEvent> {
    const now = this.#environment.now();
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

  /** Asks for what is missing. */
  #ask(): void {
    this.#catchUp.asking();
    if (!this.#line.canAsk) {
      this.#line.callGet(this.#acknowledged);
      return;
    }
    this.#answerBy = this.#environment.now() + this.#timeouts.call;
    this.#line.ask(this.#known.resumeFrom());
  }

  *#onSnapshot(snapshot: Snapshot | null, acknowledged: boolean): Generator<AnswerEvent> {
    const now = this.#environment.now();
    if (!this.#replays) {
      // As long as the API answers, the answer goes on by snapshots, if less smoothly.
      this.#outage.ended();
      if (!this.#outage.hasConnected) this.#outage.began(now);
    }
    if (this.#finding && snapshot === null) throw notFound();
    const status = snapshot?.status ?? null;
    this.#record.saw(status, acknowledged, now);
    // A session that is merely claimed hasn't started.
    const started = status === 'CLAIMED' ? null : snapshot;
    if (started !== null) this.#serverHasIt();
    const changes = started === null ? [] : this.#known.snapshot(started);
    const unclear = started === null && this.#start.prompt === null;
    // Over a connection that replays, what is missing comes by another one.
    const gap = !this.#replays && (unclear || this.#known.isMissingSome);
    this.#catchUp.asked(now, gap, status);
    if (started !== null) yield* this.#tell(changes);
    if (this.isOver) return;
    if (this.#finding) {
      this.#finding = false;
      this.#connect();
      return;
    }
    const isUp = this.#replays ? this.#line.isConnected : this.#answeredAt !== null;
    if (isUp && changes.length > 0 && this.#catchUp.isSilent(now)) {
      // It looks well, but what has come since should have come through it.
      const silent = new TokencastError('connection', 'The connection brings no events');
      yield* this.#onLost(silent, {});
    }
  }

  #onNoSnapshot(error: TokencastError): void {
    const now = this.#environment.now();
    if (this.#replays) {
      // The connection has its own bounds.
      this.#catchUp.asked(now, false);
      return;
    }
    if (!error.transient) throw error;
    this.#outage.began(now, error);
    this.#catchUp.asked(now, this.#known.isMissingSome);
    if (this.#finding) this.#catchUp.soon(now, this.#retry.next());
  }

  /** Who has stopped it wants no other try; what may have come of the last is stopped. */
  #stopStarting(): void {
    this.#start.done();
    this.#stop.send();
  }

  #onStopDone(error: TokencastError | null): void {
    const now = this.#environment.now();
    // The terminal event follows; should it be lost, it is asked for.
    if (error === null) this.#catchUp.soon(now, STOPPED_LOOK_MS);
    else this.#stop.failed(now, error);
  }

  #endStopped(): Change[] {
    this.#stop.countsAt = Infinity;
    return this.#known.event({ token: '', isComplete: true, status: 'CANCELLED' });
  }

  #tell(changes: Change[]): Generator<AnswerEvent> {
    return this.#reader.tell(this.#known.status, changes);
  }
}
