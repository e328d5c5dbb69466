/**
 * Server-sent events, read as they come: `EventSource` cannot send an `Authorization` header.
 *
 * By the rules of the HTML standard, "Interpreting an event stream": lines end in CRLF, LF or CR; a byte order mark may stand
 * first; whatever isn't whole at the end of the stream is dropped.
 */

export interface ServerSentEvent {
  /** `message` unless the stream says otherwise. */
  name: string;
  data: string;
  /** The last id that the stream gave, to this event or to one before. */
  id: string;
}

/** Longer events are none of ours: a token event has some 35 KB at most. */
const MAX_LENGTH = 1_048_576;

export class SseParser {
  // Takes bytes cut anywhere, drops a byte order mark.
  readonly #decoder = new TextDecoder();
  #line = '';
  /** The last line ended in CR, so that an LF still belongs to it. */
  #afterCr = false;
  #name = '';
  /** Each line of the data with a line feed behind it. */
  #data = '';
  #id = '';
  #retryMs: number | null = null;

  /** What the server wants a client to wait before it reconnects. */
  get retryMs(): number | null {
    return this.#retryMs;
  }

  /** The events that are whole with these bytes. */
  push(bytes: Uint8Array): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    let text = this.#decoder.decode(bytes, { stream: true });
    while (text !== '') {
      if (this.#afterCr && text.startsWith('\n')) text = text.slice(1);
      if (text === '') {
        this.#afterCr = false;
        break;
      }
      this.#afterCr = false;
      const end = text.search(/[\r\n]/);
      this.#line += end < 0 ? text : text.slice(0, end);
      if (this.#line.length + this.#data.length > MAX_LENGTH) {
        throw new RangeError('The event stream has an event without end');
      }
      if (end < 0) break;
      this.#afterCr = text.charAt(end) === '\r';
      text = text.slice(end + 1);
      this.#endLine(events);
    }
    return events;
  }

  #endLine(events: ServerSentEvent[]): void {
    const line = this.#line;
    this.#line = '';
    if (line === '') {
      this.#dispatch(events);
      return;
    }
    const colon = line.indexOf(':');
    // A comment.
    if (colon === 0) return;
    const value = colon < 0 ? '' : line.slice(colon + 1);
    this.#field(
      colon < 0 ? line : line.slice(0, colon),
      value.startsWith(' ') ? value.slice(1) : value,
    );
  }

  #field(name: string, value: string): void {
    switch (name) {
      case 'event':
        this.#name = value;
        return;
      case 'data':
        this.#data += `${value}\n`;
        return;
      case 'id':
        if (!value.includes('\0')) this.#id = value;
        return;
      case 'retry':
        if (/^[0-9]+$/.test(value)) this.#retryMs = Number(value);
    }
  }

  #dispatch(events: ServerSentEvent[]): void {
    const [name, data] = [this.#name, this.#data];
    this.#name = '';
    this.#data = '';
    if (data === '') return;
    events.push({ name: name === '' ? 'message' : name, data: data.slice(0, -1), id: this.#id });
  }
}
