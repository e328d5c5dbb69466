/** A function's URL and a WebSocket API whose every byte and frame is a test's. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { WebSocketServer, type WebSocket } from 'ws';

import type { Timeouts } from '../../src/bounds.js';
import type { TokenEvent } from '../../src/types.js';

/** Waits as little as a test can, and gives up on no server that is merely slow. */
export const FAST: Partial<Timeouts> = {
  firstConnection: 60_000,
  connect: 60_000,
  call: 60_000,
  startWithin: 60_000,
  giveUpAfter: 60_000,
  retryFirst: 1,
  retryMax: 5,
  gap: 5,
  firstToken: 60_000,
  idle: 60_000,
  claimed: 300,
};

export const tokens = (refresh = false): Promise<string> =>
  Promise.resolve(refresh ? 'new' : 'jwt');

export const token = (sequence: number, text: string, attempt = 1): TokenEvent => ({
  token: text,
  isComplete: false,
  attempt,
  sequence,
});

export const joined = (first: number, sequence: number, text: string): TokenEvent => ({
  ...token(sequence, text),
  firstSequence: first,
});

export const completed = (sequence: number, attempt = 1): TokenEvent => ({
  token: '',
  isComplete: true,
  status: 'COMPLETED',
  attempt,
  sequence,
});

export const cancelled = (sequence: number): TokenEvent => ({
  ...completed(sequence),
  status: 'CANCELLED',
});

export const failed = (sequence: number): TokenEvent => ({
  ...completed(sequence),
  status: 'FAILED',
  error: { code: 'MODEL_ERROR', message: 'The model failed.', retryable: true },
});

/** An event as the function writes it. */
export function sse(event: TokenEvent): string {
  const { attempt, sequence, isComplete, status } = event;
  const name = isComplete ? (status === 'FAILED' ? 'error' : 'complete') : 'token';
  const id = attempt === 1 ? `${sequence}` : `${attempt}.${sequence}`;
  return `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(event)}\n\n`;
}

export interface Request {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: unknown;
  /** The events that are there already, as said by the request. */
  known: number;
  response: ServerResponse;
  /** Begins a stream with these bytes. */
  stream(text?: string): void;
  refuse(status: number, code: string, retryable?: boolean): void;
}

/** A function whose requests go to `handle`, in the order they come. */
export async function startFunction(handle: (request: Request, count: number) => void) {
  const requests: Request[] = [];
  const server = createServer((incoming, response) => {
    void (async () => {
      let text = '';
      for await (const chunk of incoming) text += String(chunk);
      const request: Request = {
        method: incoming.method ?? '',
        path: incoming.url ?? '',
        headers: incoming.headers,
        body: text === '' ? null : JSON.parse(text),
        known: Number(incoming.headers['last-event-id'] ?? 0),
        response,
        stream: (begin) => {
          response.writeHead(200, { 'content-type': 'text/event-stream', connection: 'close' });
          response.flushHeaders();
          if (begin) response.write(begin);
        },
        refuse: (status, code, retryable = false) => {
          response.writeHead(status, { 'content-type': 'application/json' });
          response.end(JSON.stringify({ error: { code, message: 'said the server', retryable } }));
        },
      };
      requests.push(request);
      handle(request, requests.length);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/function-urls/function-url/`,
    requests,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface Action {
  action: string;
  sessionId: string;
  prompt?: string;
  attempt?: number;
  sequence?: number;
}

export class Socket {
  readonly token: string | null;
  readonly socket: WebSocket;
  #sessionId = '';

  constructor(socket: WebSocket, token: string | null) {
    this.socket = socket;
    this.token = token;
  }

  /** Of the session that the client's last action was about. */
  set sessionId(sessionId: string) {
    this.#sessionId = sessionId;
  }

  send(frame: object): void {
    this.socket.send(JSON.stringify(frame));
  }

  answer(type: 'started' | 'resumed' | 'stopping', status: string): void {
    this.send({ type, sessionId: this.#sessionId, status, timestamp: 't' });
  }

  events(...events: TokenEvent[]): void {
    for (const event of events) {
      const end = event.status === 'FAILED' ? 'error' : 'complete';
      const type = event.isComplete ? end : 'token';
      this.send({ type, sessionId: this.#sessionId, ...event });
    }
  }

  refuse(action: string, code: string, retryable = false): void {
    const error = { code, message: 'said the server', retryable };
    this.send({ type: 'error', action, sessionId: this.#sessionId, error });
  }
}

/** A WebSocket API whose messages go to `handle`; `connection` counts from 1. */
export async function startWebSocketApi(
  handle: (action: Action, socket: Socket, connection: number) => void,
  accept: (token: string | null) => boolean = () => true,
) {
  const actions: Action[] = [];
  const sockets: Socket[] = [];
  const tokensSeen: (string | null)[] = [];
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    verifyClient: ({ req }: { req: IncomingMessage }) => {
      const shown = new URL(req.url ?? '', 'ws://localhost').searchParams.get('token');
      tokensSeen.push(shown);
      return accept(shown);
    },
  });
  server.on('connection', (made, request) => {
    const shown = new URL(request.url ?? '', 'ws://localhost').searchParams.get('token');
    const socket = new Socket(made, shown);
    sockets.push(socket);
    const connection = sockets.length;
    made.on('message', (data: Buffer) => {
      const action = JSON.parse(data.toString()) as Action;
      actions.push(action);
      socket.sessionId = action.sessionId;
      handle(action, socket, connection);
    });
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${port}/websocket/dev`,
    actions,
    sockets,
    tokensSeen,
    close: () => {
      for (const client of server.clients) client.terminate();
      return new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
