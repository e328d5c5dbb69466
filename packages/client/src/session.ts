/** The stream of a session's events: the engine, and what wakes it. */

import { Engine, type EngineOptions } from './engine.js';
import type { StopSignal } from './globals.js';
import { Inbox } from './inbox.js';
import type { Message } from './line.js';
import { loop, type Signal } from './loop.js';
import type { AnswerEvent } from './types.js';

export interface SessionOptions extends EngineOptions {
  /** Aborting it stops the session, not just the listening. */
  signal?: StopSignal | undefined;
}

export function sessionEvents(options: SessionOptions): AsyncIterator<AnswerEvent, void> {
  const { channel, environment, signal } = options;
  const inbox = new Inbox<Message | Signal>(environment);
  const engine = new Engine(options, (message) => {
    inbox.push(message);
  });
  return loop(engine, { inbox, environment, onOnline: channel.onOnline, signal });
}
