/** Servers of each delivery that do what a script says, by a clock that a test moves. */

import { vi } from 'vitest';

import { clientOver, clientOverReplay, type TokencastClient } from '../../src/client.js';
import type { Delivery } from '../../src/outputs.js';
import { errorOfType, TokencastError } from '../../src/errors.js';
import { functionUrlTransport } from '../../src/function_url.js';
import type { Listener, Transport } from '../../src/transport.js';
import type { AnswerEvent, Snapshot, TokenEvent } from '../../src/types.js';
import { webSocketTransport } from '../../src/web_socket_api.js';
import { completed, sse, token, tokens, type Action } from './deliveries.js';

/** No answer at all, or a connection that breaks off. */
export type Silence = 'hang' | 'reset';
export interface Refusal {
  code: string;
  retryable: boolean;
}

export interface Script {
  /** How a connection comes about: a subscription, a socket, a response to `GET`. */
  connect?: (count: number) => 'ok' | Silence;
  start?: (count: number) => 'ok' | Silence | Refusal;
  /** What the record says, each time it is asked for. */
  record?: (count: number) => Snapshot | null | Silence;
  /** What follows a start that went well, and each connection behind it. */
  events?: (connection: number) => TokenEvent[];
  /** What a stop is answered with. */
  stop?: () => 'ok' | Silence;
}

/** What a server was asked for, in its order, and when, in milliseconds from the beginning. */
export type Log = { what: 'connect' | 'start' | 'record' | 'stop'; atMs: number }[];

export const record = (status: Snapshot['status'], text = ''): Snapshot => ({
  status,
  text,
  sequence: text.length,
  attempt: text === '' ? 0 : 1,
});

export const WHOLE = [token(1, 'a'), token(2, 'b'), completed(3)];

export class Server {
  readonly log: Log = [];
  readonly prompts: string[] = [];
  readonly script: Required<Script>;
  readonly #from = performance.now();

  constructor(script: Script) {
    this.script = {
      connect: () => 'ok',
      start: () => 'ok',
      record: () => record('QUEUED'),
      events: () => [],
      stop: () => 'ok',
      ...script,
    };
  }

  note(what: Log[number]['what']): number {
    this.log.push({ what, atMs: Math.round(performance.now() - this.#from) });
    return this.count(what);
  }

  count(what: Log[number]['what']): number {
    return this.log.filter((entry) => entry.what === what).length;
  }

  /** When it was asked for something, in whole seconds. */
  seconds(what: Log[number]['what']): number[] {
    return this.log
      .filter((entry) => entry.what === what)
      .map(({ atMs }) => Math.round(atMs / 1_000));
  }

  async getStream(): Promise<Snapshot | null> {
    const said = this.script.record(this.note('record'));
    return typeof said === 'string' ? silence(said) : Promise.resolve(said);
  }

  async stopStream(): Promise<void> {
    this.note('stop');
    const said = this.script.stop();
    if (said !== 'ok') await silence(said);
  }

  client(delivery: Delivery): TokencastClient {
    const getStream = () => this.getStream();
    switch (delivery) {
      case 'appsync':
        return clientOver(new ScriptedTransport(this));
      case 'url':
        // A hash is made in a thread that knows nothing of the test's clock: as in a page without one.
        vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) });
        vi.stubGlobal('fetch', (url: string, init: RequestInit) => respond(this, url, init));
        return clientOverReplay(functionUrlTransport('http://localhost/', tokens), getStream);
      case 'websocket': {
        const open = (socket: ScriptedSocket): void => {
          socket.server = this;
        };
        class Socket extends ScriptedSocket {
          constructor() {
            super();
            open(this);
          }
        }
        vi.stubGlobal('WebSocket', Socket);
        return clientOverReplay(webSocketTransport('ws://localhost/', tokens), getStream);
      }
    }
  }
}

function silence<T>(how: Silence): Promise<T> {
  if (how === 'hang') return new Promise(() => undefined);
  return Promise.reject(new TokencastError('connection', 'reset'));
}

class ScriptedTransport implements Transport {
  readonly #server: Server;
  #listener: Listener | null = null;

  constructor(server: Server) {
    this.#server = server;
  }

  async startStream(_sessionId: string, prompt: string): Promise<void> {
    this.#server.prompts.push(prompt);
    const said = this.#server.script.start(this.#server.note('start'));
    if (typeof said === 'object') throw errorOfType(said.code, 'said the server');
    if (said !== 'ok') await silence(said);
    this.#say();
  }

  stopStream(): Promise<void> {
    return this.#server.stopStream();
  }

  getStream(): Promise<Snapshot | null> {
    return this.#server.getStream();
  }

  subscribe(_sessionId: string, listener: Listener): () => void {
    const how = this.#server.script.connect(this.#server.note('connect'));
    this.#listener = listener;
    queueMicrotask(() => {
      if (how === 'reset') listener.lost(new TokencastError('connection', 'reset'));
      if (how !== 'ok') return;
      listener.established();
      if (this.#server.count('connect') > 1) this.#say();
    });
    return () => {
      if (this.#listener === listener) this.#listener = null;
    };
  }

  onOnline(): () => void {
    return () => undefined;
  }

  #say(): void {
    const events = this.#server.script.events(this.#server.count('connect'));
    for (const event of events) this.#listener?.event(event);
  }
}

/** A Function URL. A response without events stays open without a byte. */
async function respond(server: Server, url: string, init: RequestInit): Promise<Response> {
  if (init.method === 'DELETE') {
    await server.stopStream();
    return new Response('{}');
  }
  const isStart = init.method === 'POST';
  if (isStart) server.prompts.push((JSON.parse(init.body as string) as Action).prompt ?? '');
  const said = isStart
    ? server.script.start(server.note('start'))
    : server.script.connect(server.note('connect'));
  if (said === 'hang') return new Promise(() => undefined);
  if (said === 'reset') throw new TypeError('network error');
  if (typeof said === 'object') {
    const body = JSON.stringify({ error: { ...said, message: 'said the server' } });
    return new Response(body, { status: said.retryable ? 503 : 400 });
  }
  if (!isStart && server.script.record(0) === null) {
    const error = { code: 'INVALID_PROMPT', message: `no ${url}`, retryable: false };
    return new Response(JSON.stringify({ error }), { status: 404 });
  }
  const events = server.script.events(server.count('connect') + (isStart ? 0 : 1));
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      if (events.length === 0) return;
      controller.enqueue(new TextEncoder().encode(events.map(sse).join('')));
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

class ScriptedSocket {
  static readonly OPEN = 1;
  server: Server | null = null;
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;

  constructor() {
    setTimeout(() => {
      const how = this.#server.script.connect(this.#server.note('connect'));
      if (how === 'reset') this.close();
      if (how !== 'ok' || this.readyState === 3) return;
      this.readyState = ScriptedSocket.OPEN;
      this.onopen?.();
    });
  }

  get #server(): Server {
    if (this.server === null) throw new Error('a socket of no server');
    return this.server;
  }

  close(): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    queueMicrotask(() => this.onclose?.());
  }

  send(text: string): void {
    const { action, sessionId, prompt } = JSON.parse(text) as Action;
    if (prompt !== undefined) this.#server.prompts.push(prompt);
    const say = (frame: object): void => {
      queueMicrotask(() => this.onmessage?.({ data: JSON.stringify({ sessionId, ...frame }) }));
    };
    if (action === 'stop') {
      void this.#server.stopStream().then(() => {
        say({ type: 'stopping' });
      });
      return;
    }
    const isStart = action === 'stream';
    const said = isStart
      ? this.#server.script.start(this.#server.note('start'))
      : this.#server.script.record(this.#server.note('record'));
    if (said === 'hang') return;
    if (said === 'reset') {
      this.close();
    } else if (said !== null && typeof said === 'object' && 'code' in said) {
      say({ type: 'error', error: { ...said, message: 'said the server' } });
    } else {
      // An id that is unknown is claimed by who resumes it.
      const status = said === null || said === 'ok' ? 'CLAIMED' : said.status;
      say(isStart ? { type: 'started', status: 'QUEUED' } : { type: 'resumed', status });
      const ended = status === 'FAILED' ? [failure()] : [];
      for (const event of [
        ...this.#server.script.events(this.#server.count('connect')),
        ...ended,
      ]) {
        say({ type: event.isComplete ? 'complete' : 'token', ...event });
      }
    }
  }
}

export const DEADLINE = {
  code: 'DEADLINE',
  message: 'The answer did not start in time.',
  retryable: false,
};

function failure(): TokenEvent {
  return { ...completed(1), status: 'FAILED', error: DEADLINE };
}

export interface Outcome {
  events: AnswerEvent[];
  error: unknown;
  /** In whole seconds, by the clock that the test moves. */
  tookS: number;
}

/** Reads a stream to its end, however long it takes; `null` if it has none within an hour. */
export async function outcome(
  stream: AsyncIterable<AnswerEvent>,
  hear: (event: AnswerEvent) => void = () => undefined,
): Promise<Outcome | null> {
  const from = performance.now();
  const events: AnswerEvent[] = [];
  let ended: Outcome | null = null;
  const end = (error: unknown): void => {
    ended = { events, error, tookS: Math.round((performance.now() - from) / 1_000) };
  };
  const read = async (): Promise<void> => {
    for await (const event of stream) {
      events.push(event);
      hear(event);
    }
  };
  read().then(() => {
    end(null);
  }, end);
  const over = (): boolean => ended !== null;
  for (let step = 0; step < 7_200 && !over(); step += 1) await vi.advanceTimersByTimeAsync(500);
  return ended;
}
