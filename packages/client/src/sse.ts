/**
 * Server-sent events, read as they come: `EventSource` cannot send an `Authorization` header.
 *
 * `eventsource-parser` reads the lines. What it leaves to its user is done here: bytes cut anywhere, and line ends of one
 * kind, since it keeps an event back whose last line ends in CR. An event's `id` isn't read: its data has the same figures.
 */

import { createParser, type EventSourceParser } from 'eventsource-parser';

import { MAX_SERVERS_PAUSE_MS } from './bounds.js';
import { globals } from './globals.js';

export interface ServerSentEvent {
  /** `message` unless the stream says otherwise. */
  name: string;
  data: string;
}

/** Longer events are none of ours: a token event has some 35 KB at most. */
const MAX_LENGTH = 1_048_576;

export class SseParser {
  // Takes bytes cut anywhere, drops a byte order mark.
  readonly #decoder = new globals.TextDecoder();
  readonly #parser: EventSourceParser;
  /** The last byte was CR, so that an LF still belongs to it. */
  #afterCr = false;
  #events: ServerSentEvent[] = [];
  #retryMs: number | null = null;

  constructor() {
    this.#parser = createParser({
      maxBufferSize: MAX_LENGTH,
      onEvent: ({ event = 'message', data }) => {
        this.#events.push({ name: event, data });
      },
      onRetry: (retryMs) => {
        this.#retryMs = Math.min(retryMs, MAX_SERVERS_PAUSE_MS);
      },
      onError: ({ type }) => {
        if (type !== 'max-buffer-size-exceeded') return;
        throw new RangeError('The event stream has an event without end');
      },
    });
  }

  /** What the server wants a client to wait before it reconnects. */
  get retryMs(): number | null {
    return this.#retryMs;
  }

  /** The events that are whole with these bytes. */
  push(bytes: Uint8Array): ServerSentEvent[] {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === '') return [];
    if (this.#afterCr && text.startsWith('\n')) text = text.slice(1);
    this.#afterCr = text === '' ? false : text.endsWith('\r');
    this.#parser.feed(text.replaceAll(/\r\n?/g, '\n'));
    const events = this.#events;
    this.#events = [];
    return events;
  }
}
