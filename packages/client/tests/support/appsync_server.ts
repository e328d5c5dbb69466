/** An AppSync whose answers and frames are a test's, and a user whose tokens are renewed by force only. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Amplify } from 'aws-amplify';
import { decodeJWT } from 'aws-amplify/auth';
import WebSocket, { WebSocketServer } from 'ws';

import { allowLocalWebSocket } from '../../src/amplify/local_websocket.js';
import { watchSockets } from '../../src/amplify/unaddressed.js';
import type { Tokens } from '../../src/tokens.js';

/** A subscription that a client asks for. */
export interface Start {
  id: string;
  query: string;
  variables: Record<string, unknown>;
  token: string;
  send: (frame: object) => void;
  /** Ends its socket without a word. */
  cut: () => void;
  /** Of how many it is, from 1. */
  count: number;
}

export interface Request {
  query: string;
  variables: Record<string, unknown>;
}

export interface AppSync {
  readonly endpoint: string;
  /** How often the user's token was renewed by force. */
  readonly renewals: () => number;
  readonly starts: () => number;
  /** Of the user, for a client without Amplify. */
  readonly tokens: Tokens;
  readonly close: () => Promise<void>;
}

export const SUB = 'e0000000-0000-4000-8000-000000000009';

/** `answer` gives the `data` of a request, `onStart` is told of each subscription. Amplify is configured for it. */
export async function startAppSync(
  answer: (request: Request) => object,
  onStart: (start: Start) => void,
): Promise<AppSync> {
  let renewals = 0;
  let starts = 0;
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const data = answer(JSON.parse(text) as Request);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data }));
    });
  });
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'graphql-ws' });
  sockets.on('connection', (socket) => {
    const send = (frame: object): void => {
      socket.send(JSON.stringify(frame));
    };
    socket.on('message', (data: Buffer) => {
      const { type, id, payload } = JSON.parse(data.toString()) as Frame;
      if (type === 'connection_init') {
        send({ type: 'connection_ack', payload: { connectionTimeoutMs: 300_000 } });
      } else if (type === 'start' && payload !== undefined) {
        starts += 1;
        const token = payload.extensions.authorization.Authorization;
        const cut = (): void => {
          socket.terminate();
        };
        onStart({ id, token, send, cut, count: starts, ...(JSON.parse(payload.data) as Request) });
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const endpoint = `http://localhost:${(server.address() as AddressInfo).port}/graphql`;
  // Node 20 has none of its own, and each test has an endpoint of its own.
  Object.assign(globalThis, { WebSocket });
  allowLocalWebSocket(endpoint);
  watchSockets();
  const tokens: Tokens = (refresh = false) => {
    if (refresh) renewals += 1;
    return Promise.resolve(jwt(renewals));
  };
  Amplify.configure(
    { API: { GraphQL: { endpoint, region: 'us-east-1', defaultAuthMode: 'userPool' } } },
    {
      Auth: {
        tokenProvider: {
          getTokens: async ({ forceRefresh = false } = {}) => ({
            accessToken: decodeJWT(await tokens(forceRefresh)),
          }),
        },
      },
    },
  );
  return {
    endpoint,
    renewals: () => renewals,
    starts: () => starts,
    tokens,
    close: async () => {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Frame {
  type: string;
  id: string;
  payload?: { data: string; extensions: { authorization: { Authorization: string } } };
}

/** `count`: how often it was renewed. Its end is far away, as far as a client can tell. */
export function jwt(count: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { exp: Math.floor(Date.now() / 1_000) + 3_600, count, sub: SUB };
  return `${part({ alg: 'none' })}.${part(claims)}.x`;
}
