/** A channel's connections and calls, as messages to the engine. */

import type { Channel } from './channel.js';
import type { Environment } from './environment.js';
import { asTokencastError, type TokencastError } from './errors.js';
import type { Ask, Connection, InConversation, Loss, Position } from './transport.js';
import type { Snapshot, StreamStatus, TokenEvent } from './types.js';
import { within } from './within.js';

export type Message =
  /** Connected, and what was asked is on its way. */
  | { type: 'asked'; connection: number }
  | { type: 'answered'; connection: number; status: StreamStatus | null }
  | { type: 'event'; connection: number; event: TokenEvent }
  | { type: 'lost'; connection: number; error: TokencastError; how: Loss }
  /** `acknowledged`: the start was, before this was asked. */
  | { type: 'snapshot'; snapshot: Snapshot | null; acknowledged: boolean }
  | { type: 'noSnapshot'; error: TokencastError }
  | { type: 'startDone' | 'stopDone'; error: TokencastError | null };

export class Line {
  readonly #channel: Channel;
  readonly #callMs: number;
  readonly #environment: Environment;
  readonly #push: (message: Message) => void;
  #connection: Connection | null = null;
  #count = 0;

  constructor(
    channel: Channel,
    callMs: number,
    environment: Environment,
    push: (message: Message) => void,
  ) {
    this.#channel = channel;
    this.#callMs = callMs;
    this.#environment = environment;
    this.#push = push;
  }

  /** Whether there is a connection, or an attempt to get one. */
  get isConnected(): boolean {
    return this.#connection !== null;
  }

  /** Whether the present connection can be asked again. */
  get canAsk(): boolean {
    return this.#connection?.ask !== undefined;
  }

  /** Whether an earlier connection says it. */
  isLate(message: Message): boolean {
    return 'connection' in message && message.connection !== this.#count;
  }

  connect(ask: Ask): void {
    const push = this.#push;
    const connection = (this.#count += 1);
    this.#connection = this.#channel.connect(ask, {
      asked: () => {
        push({ type: 'asked', connection });
      },
      answered: (status) => {
        push({ type: 'answered', connection, status });
      },
      event: (event) => {
        push({ type: 'event', connection, event });
      },
      lost: (error, how = {}) => {
        push({ type: 'lost', connection, error, how });
      },
    });
  }

  disconnect(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  /** Asks on the present connection. */
  ask(after: Position | null): void {
    this.#connection?.ask?.(after);
  }

  callStart(prompt: string, turn: InConversation): void {
    const start = this.#channel.startStream(prompt, turn);
    this.#answered('startDone', start, 'The start was not answered');
  }

  callStop(): void {
    this.#answered('stopDone', this.#channel.stopStream(), 'The stop was not answered');
  }

  callGet(acknowledged: boolean): void {
    const call = this.#channel.getStream();
    within(this.#callMs, call, 'The API does not answer', this.#environment).then(
      (snapshot) => {
        this.#push({ type: 'snapshot', snapshot, acknowledged });
      },
      (error: unknown) => {
        this.#push({ type: 'noSnapshot', error: asTokencastError(error) });
      },
    );
  }

  #answered(type: 'startDone' | 'stopDone', call: Promise<void>, unanswered: string): void {
    within(this.#callMs, call, unanswered, this.#environment).then(
      () => {
        this.#push({ type, error: null });
      },
      (error: unknown) => {
        this.#push({ type, error: asTokencastError(error) });
      },
    );
  }
}
