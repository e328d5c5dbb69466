/** The turns of a state machine: messages and times, until its last event or until nobody listens. */

import { LOOK_EVERY_MS } from './bounds.js';
import type { Environment } from './environment.js';
import type { StopSignal } from './globals.js';
import type { Inbox } from './inbox.js';
import type { AnswerEvent } from './types.js';
import { Wake } from './wake.js';

export interface Machine<Message> {
  /** Whether the last event was told. */
  readonly isOver: boolean;
  /** When `onTime` has something to do. */
  readonly nextTime: number;
  begin(): void;
  handle(message: Message): Iterable<AnswerEvent>;
  onTime(now: number): Generator<AnswerEvent>;
  /** The machine slept: what was connected may be gone without a word, and its token may be over. */
  onWake(now: number): Generator<AnswerEvent>;
  onOnline(now: number): void;
  onAbort(now: number): Generator<AnswerEvent>;
  disconnect(): void;
}

export interface LoopOptions<Message extends object> {
  inbox: Inbox<Message | Signal>;
  environment: Environment;
  onOnline: Environment['onOnline'];
  signal?: StopSignal | undefined;
}

export type Signal = 'online' | 'left' | 'abort';

/**
 * The events. Ending the iteration early ends the connection; the answer goes on without a listener. Not the generator
 * itself: its `return` would wait for the event that a pending `next` waits for.
 */
export function loop<Message extends object>(
  machine: Machine<Message>,
  { inbox, environment, onOnline, signal }: LoopOptions<Message>,
): AsyncIterator<AnswerEvent, void> {
  const cleanUps: (() => void)[] = [];
  let left = false;

  const close = (): void => {
    machine.disconnect();
    for (const cleanUp of cleanUps.splice(0)) cleanUp();
  };
  const isDone = (): boolean => left || machine.isOver;

  function listen(): void {
    const abort = (): void => {
      inbox.push('abort');
    };
    signal?.addEventListener('abort', abort, { once: true });
    const offline = onOnline(() => {
      inbox.push('online');
    });
    cleanUps.push(offline, () => signal?.removeEventListener('abort', abort));
  }

  async function* turns(): AsyncGenerator<AnswerEvent, void> {
    const { now } = environment;
    const wake = new Wake(environment);
    listen();
    if (signal?.aborted === true) yield* machine.onAbort(now());
    if (!isDone()) machine.begin();
    while (!isDone()) {
      const message = await inbox.next(Math.min(machine.nextTime, now() + LOOK_EVERY_MS));
      if (wake.look()) yield* machine.onWake(now());
      if (message === 'online') machine.onOnline(now());
      else if (message === 'abort') yield* machine.onAbort(now());
      else if (message !== null && message !== 'left') yield* machine.handle(message);
      if (!isDone()) yield* machine.onTime(now());
    }
  }

  async function* run(): AsyncGenerator<AnswerEvent, void> {
    try {
      yield* turns();
    } finally {
      close();
    }
  }

  const events = run();
  return {
    next: () => events.next(),
    return: () => {
      left = true;
      inbox.push('left');
      close();
      return events.return();
    },
  };
}
