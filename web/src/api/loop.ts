/** What a session does over any delivery: takes messages and times in turn, until its last event or until nobody listens. */

import { answerEvent } from './answer_event';
import { Inbox } from './inbox';
import type { Change } from './transcript';
import type { AnswerEvent, StreamStatus } from './types';
import { LOOK_EVERY_MS, Wake } from './wake';

interface LoopOptions {
  sessionId: string;
  signal?: AbortSignal | undefined;
  /** Calls back when the network seems to be there again; returns how to end it. */
  onOnline: (callback: () => void) => () => void;
}

type Signal = 'online' | 'left' | 'abort';

export abstract class Loop<Message extends object> {
  readonly #options: LoopOptions;
  readonly #inbox = new Inbox<Message | Signal>();
  readonly #wake = new Wake();
  readonly #cleanUps: (() => void)[] = [];
  #started = false;
  #said: 'QUEUED' | 'STREAMING' | null = null;
  /** It was told that it reconnects, and not yet that it has. */
  #reconnecting = false;
  #left = false;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  /** Whether the last event was told. */
  protected abstract get isOver(): boolean;
  /** When `onTime` has something to do. */
  protected abstract get nextTime(): number;
  protected abstract begin(): void;
  protected abstract handle(message: Message): Generator<AnswerEvent>;
  protected abstract onTime(now: number): Generator<AnswerEvent>;
  /** The machine slept: what was connected may be gone without a word, and its token may be over. */
  protected abstract onWake(now: number): Generator<AnswerEvent>;
  protected abstract onOnline(now: number): void;
  protected abstract onAbort(now: number): Generator<AnswerEvent>;
  protected abstract disconnect(): void;

  /**
   * The events. Ending the iteration early ends the connection; the answer goes on without a listener. Not the generator
   * itself: its `return` would wait for the event that a pending `next` waits for.
   */
  events(): AsyncIterator<AnswerEvent, void> {
    const events = this.#run();
    return {
      next: () => events.next(),
      return: () => {
        this.#left = true;
        this.#inbox.push('left');
        this.#close();
        return events.return();
      },
    };
  }

  async *#run(): AsyncGenerator<AnswerEvent, void> {
    try {
      yield* this.#turns();
    } finally {
      this.#close();
    }
  }

  async *#turns(): AsyncGenerator<AnswerEvent, void> {
    const { signal, onOnline } = this.#options;
    if (signal) {
      const abort = (): void => {
        this.#inbox.push('abort');
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#cleanUps.push(() => {
        signal.removeEventListener('abort', abort);
      });
      if (signal.aborted) yield* this.onAbort(performance.now());
    }
    this.#cleanUps.push(
      onOnline(() => {
        this.#inbox.push('online');
      }),
    );
    if (!this.isDone()) this.begin();
    while (!this.isDone()) {
      const look = performance.now() + LOOK_EVERY_MS;
      const message = await this.#inbox.next(Math.min(this.nextTime, look));
      if (this.#wake.look()) yield* this.onWake(performance.now());
      if (message === 'online') this.onOnline(performance.now());
      else if (message === 'abort') yield* this.onAbort(performance.now());
      else if (message !== null && message !== 'left') yield* this.handle(message);
      if (!this.isDone()) yield* this.onTime(performance.now());
    }
  }

  #close(): void {
    this.disconnect();
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp();
  }

  protected isDone(): boolean {
    return this.#left || this.isOver;
  }

  /** Whether the session was told to have started. */
  protected get wasStarted(): boolean {
    return this.#started;
  }

  protected *reconnecting(tries: number, delayMs: number, reason: string): Generator<AnswerEvent> {
    this.#reconnecting = true;
    yield { type: 'reconnecting', tries, delayMs, reason };
  }

  protected *reconnected(): Generator<AnswerEvent> {
    if (!this.#reconnecting) return;
    this.#reconnecting = false;
    yield { type: 'reconnected' };
  }

  protected push(message: Message): void {
    this.#inbox.push(message);
  }

  /** Tells what has changed, and before all else that the session has started. */
  protected *tell(status: StreamStatus | null, changes: Change[]): Generator<AnswerEvent> {
    if (!this.#started) {
      this.#started = true;
      yield { type: 'started', sessionId: this.#options.sessionId };
    }
    if ((status === 'QUEUED' || status === 'STREAMING') && status !== this.#said) {
      this.#said = status;
      yield { type: 'status', status };
    }
    for (const change of changes) yield answerEvent(change);
  }
}
