/** One session over a feed, from its start to its last event: connects, reassembles, goes on behind what was lost. */

import { answerEvent } from './answer_event';
import { CatchUp } from './catch_up';
import { asTokencastError, TokencastError } from './errors';
import type { Connection, Feed, Loss, Position } from './feed';
import { Inbox } from './inbox';
import { onOnline } from './online';
import type { Begin } from './session';
import { Backoff, type Timing } from './timing';
import { Transcript, type Change } from './transcript';
import { isTerminal, type AnswerEvent, type StreamStatus, type TokenEvent } from './types';

/** A connection that lasted this long, or brought something new, has ended an outage. */
const STABLE_AFTER_MS = 10_000;
/** To resume takes an id that nobody has used. If so many answers say that it was merely taken, nobody will start it. */
const MAX_CLAIMED = 3;

export interface FeedSessionOptions {
  sessionId: string;
  begin: Begin;
  feed: Feed;
  timing: Timing;
  /** Aborting it stops the session, not just the listening. */
  signal?: AbortSignal | undefined;
}

/** The events of a session. Ending the iteration early ends the connection; the answer goes on without a listener. */
export function feedEvents(options: FeedSessionOptions): AsyncIterator<AnswerEvent, void> {
  const session = new FeedSession(options);
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
  | { type: 'answered'; connection: number; status: StreamStatus | null }
  | { type: 'event'; connection: number; event: TokenEvent }
  | { type: 'lost'; connection: number; error: TokencastError; how: Loss }
  | { type: 'stopDone'; error: TokencastError | null }
  | { type: 'online' | 'left' | 'abort' };

class FeedSession {
  readonly #options: FeedSessionOptions;
  readonly #inbox = new Inbox<Message>();
  readonly #transcript = new Transcript();
  readonly #catchUp: CatchUp;
  readonly #retry: Backoff;
  readonly #stopRetry: Backoff;
  readonly #cleanUps: (() => void)[] = [];
  /** The session once more from its first event, where the transcript is in doubt: there is no snapshot here. */
  #replay: Transcript | null = null;
  /** What to start with, until a start was answered. */
  #prompt: string | null;
  /** Whether a start was sent before, whose answer was lost, and events with it. */
  #sent = false;
  #connection: Connection | null = null;
  /** Counts connections, so that what an earlier one says late is known as such. */
  #count = 0;
  /** When the present connection had its first answer. */
  #answeredAt: number | null = null;
  #everAnswered = false;
  /** By when the last question has to be answered. */
  #answerBy = Infinity;
  #reconnectAt = Infinity;
  #outage: number | null = null;
  /** The session is said to be over, or to have less than is known here, though its last event hasn't come. */
  #over = false;
  /** The connection was asked to go on behind an event, and has brought nothing since. */
  #broughtNothing = false;
  #claimed = 0;
  #started = false;
  #said: 'QUEUED' | 'STREAMING' | null = null;
  #left = false;
  #stop: 'no' | 'wanted' | 'asked' | 'done' = 'no';
  #stopAt = Infinity;
  #stoppedAt = Infinity;

  constructor(options: FeedSessionOptions) {
    const { begin, timing } = options;
    this.#options = options;
    this.#prompt = begin === 'resume' ? null : begin.prompt;
    this.#catchUp = new CatchUp(timing);
    this.#retry = new Backoff(timing.retryFirst, timing.retryMax);
    this.#stopRetry = new Backoff(timing.retryFirst, timing.retryMax);
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
    const { signal } = this.#options;
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
      onOnline(() => {
        this.#inbox.push({ type: 'online' });
      }),
    );
    if (!this.#isDone) this.#connect();
    while (!this.#isDone) {
      const message = await this.#inbox.next(this.#nextTime());
      if (message !== null) yield* this.#handle(message);
      yield* this.#onTime();
    }
  }

  #close(): void {
    this.#disconnect();
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp();
  }

  get #isDone(): boolean {
    return this.#left || this.#transcript.ending !== null;
  }

  get #isMissingSome(): boolean {
    return this.#over || this.#transcript.needsSnapshot;
  }

  /** When to ask on the present connection, if that can be asked. */
  get #askAt(): number {
    const canAsk = this.#answeredAt !== null && this.#connection?.ask !== undefined;
    return canAsk ? this.#catchUp.due : Infinity;
  }

  #nextTime(): number {
    const times = [this.#answerBy, this.#reconnectAt, this.#stopAt, this.#stoppedAt];
    return Math.min(this.#askAt, ...times);
  }

  *#onTime(): Generator<AnswerEvent> {
    const now = performance.now();
    if (this.#isDone) return;
    if (now >= this.#stoppedAt) {
      yield* this.#tell(this.#endStopped());
      return;
    }
    if (now >= this.#stopAt) this.#sendStop();
    if (now >= this.#answerBy) {
      yield* this.#onLost(new TokencastError('connection', 'The API does not answer'), {});
    } else if (now >= this.#askAt) {
      this.#ask();
    }
    if (now >= this.#reconnectAt) this.#connect();
  }

  *#handle(message: Message): Generator<AnswerEvent> {
    if ('connection' in message && message.connection !== this.#count) return;
    switch (message.type) {
      case 'answered':
        yield* this.#onAnswered(message.status);
        return;
      case 'event':
        yield* this.#onEvent(message.event);
        return;
      case 'lost':
        yield* this.#onLost(message.error, message.how);
        return;
      case 'stopDone':
        this.#onStopDone(message.error);
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

  #connect(): void {
    const { feed, sessionId, timing } = this.#options;
    this.#disconnect();
    this.#reconnectAt = Infinity;
    const connection = (this.#count += 1);
    const after = this.#known();
    const ask = this.#prompt === null ? { after } : { prompt: this.#prompt };
    this.#broughtNothing = this.#prompt === null && after !== null;
    if (this.#prompt !== null && this.#sent) this.#catchUp.resubscribed(performance.now());
    this.#sent ||= this.#prompt !== null;
    this.#answerBy = performance.now() + timing.answer;
    this.#connection = feed.open(sessionId, ask, {
      answered: (status) => {
        this.#inbox.push({ type: 'answered', connection, status });
      },
      event: (event) => {
        this.#inbox.push({ type: 'event', connection, event });
      },
      lost: (error, how = {}) => {
        this.#inbox.push({ type: 'lost', connection, error, how });
      },
    });
    if (this.#prompt === null && this.#connection.ask) this.#catchUp.asking();
  }

  #disconnect(): void {
    this.#answeredAt = null;
    this.#answerBy = Infinity;
    this.#connection?.close();
    this.#connection = null;
  }

  /** Behind which event to go on; from the first, if what there is may not be true. */
  #known(): Position | null {
    const { attempt, sequence, inDoubt } = this.#transcript;
    if (!this.#over && !inDoubt) return sequence === 0 ? null : { attempt, sequence };
    this.#replay = new Transcript();
    return null;
  }

  #ask(): void {
    this.#answerBy = performance.now() + this.#options.timing.answer;
    this.#catchUp.asking();
    this.#connection?.ask?.(this.#known());
  }

  *#onAnswered(status: StreamStatus | null): Generator<AnswerEvent> {
    this.#answerBy = Infinity;
    this.#over = status !== null && isTerminal(status);
    const started = this.#prompt !== null;
    yield* this.#listening();
    if (!started) {
      const claimed = status === 'CLAIMED' && !this.#started;
      this.#catchUp.asked(performance.now(), claimed || this.#isMissingSome);
      if (claimed) {
        this.#claimed += 1;
        if (this.#claimed < MAX_CLAIMED) return;
        throw new TokencastError('notFound', 'There is no such session, or no longer');
      }
    } else {
      this.#catchUp.started(performance.now());
    }
    yield* this.#tell([]);
    if (!started && (status === 'QUEUED' || status === 'STREAMING')) yield* this.#say(status);
  }

  /** The session is there, and this connection hears of it. */
  *#listening(): Generator<AnswerEvent> {
    this.#prompt = null;
    if (this.#answeredAt !== null) return;
    this.#answeredAt = performance.now();
    const again = this.#everAnswered;
    this.#everAnswered = true;
    if (again) yield { type: 'reconnected' };
    if (this.#stop === 'wanted') this.#sendStop();
  }

  *#onEvent(event: TokenEvent): Generator<AnswerEvent> {
    yield* this.#listening();
    const changes = this.#take(event);
    if (changes.length > 0) {
      this.#broughtNothing = false;
      this.#endOutage();
    }
    this.#catchUp.event(performance.now(), this.#isMissingSome);
    yield* this.#tell(changes);
    const lost = this.#transcript.needsSnapshot && this.#replay === null;
    if (lost && this.#connection && !this.#connection.ask) {
      // Events come in order there, so that what is missing now won't come by itself.
      yield* this.#onLost(new TokencastError('connection', 'Events are missing'), {});
    }
  }

  /** A replay that has come as far as the transcript is as good as a snapshot. */
  #take(event: TokenEvent): Change[] {
    const changes = this.#transcript.event(event);
    const replay = this.#replay;
    if (replay === null) return changes;
    replay.event(event);
    const { attempt, sequence } = this.#transcript;
    const reached =
      replay.attempt > attempt || (replay.attempt === attempt && replay.sequence >= sequence);
    if (reached || replay.ending !== null) {
      this.#replay = null;
      changes.push(...this.#transcript.snapshot(replay.asSnapshot()));
    }
    return changes;
  }

  *#onLost(error: TokencastError, how: Loss): Generator<AnswerEvent> {
    if (!error.transient) throw error;
    const now = performance.now();
    if (this.#answeredAt !== null && now - this.#answeredAt >= STABLE_AFTER_MS) this.#endOutage();
    // Over, as far as the server knows, which is less far than was heard of it here.
    if (how.inOrder) this.#over = this.#broughtNothing;
    this.#disconnect();
    this.#outage ??= now;
    const delayMs = Math.max(Math.round(this.#retry.next()), how.retryMs ?? 0);
    const { giveUpAfter, firstConnection } = this.#options.timing;
    if (now + delayMs > this.#outage + (this.#everAnswered ? giveUpAfter : firstConnection)) {
      if (!this.#everAnswered) throw error;
      const message = 'The connection was lost and did not come back';
      throw new TokencastError('gaveUp', message, { cause: error });
    }
    this.#reconnectAt = now + delayMs;
    yield { type: 'reconnecting', tries: this.#retry.tries, delayMs, reason: error.message };
  }

  #endOutage(): void {
    this.#outage = null;
    this.#retry.reset();
  }

  *#onAbort(): Generator<AnswerEvent> {
    if (this.#stop !== 'no') return;
    this.#stop = 'wanted';
    this.#stoppedAt = performance.now() + this.#options.timing.stop;
    const neverSent = this.#prompt !== null && !this.#sent;
    if (neverSent) yield* this.#tell(this.#endStopped());
    // A start that is under way is awaited, lest it comes after the stop.
    else if (this.#prompt === null) this.#sendStop();
  }

  #sendStop(): void {
    const { feed, sessionId } = this.#options;
    this.#stop = 'asked';
    this.#stopAt = Infinity;
    feed.stopStream(sessionId).then(
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
      // The terminal event follows; should it be lost, it is asked for.
      this.#catchUp.soon(now, 500);
    } else if (error.transient) {
      this.#stopAt = now + this.#stopRetry.next();
    } else {
      throw error;
    }
  }

  #endStopped(): Change[] {
    this.#stoppedAt = Infinity;
    return this.#transcript.event({ token: '', isComplete: true, status: 'CANCELLED' });
  }

  *#tell(changes: Change[]): Generator<AnswerEvent> {
    if (!this.#started) {
      this.#started = true;
      yield { type: 'started', sessionId: this.#options.sessionId };
    }
    if (this.#transcript.status === 'STREAMING') yield* this.#say('STREAMING');
    for (const change of changes) yield answerEvent(change);
  }

  *#say(status: 'QUEUED' | 'STREAMING'): Generator<AnswerEvent> {
    if (status === this.#said) return;
    this.#said = status;
    yield { type: 'status', status };
  }
}
