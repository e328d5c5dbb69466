/** The wrapper that lets Amplify reach a local stack, and the playground's real-time address. */

import { afterEach, beforeEach, expect, test } from 'vitest';

import { allowLocalWebSocket } from '../../src/amplify/local_websocket.js';
import { realtimeUrl } from '../../src/realtime.js';

const original = globalThis.WebSocket;
let opened: string[];

beforeEach(() => {
  opened = [];
  globalThis.WebSocket = function (url: string | URL) {
    opened.push(String(url));
  } as unknown as typeof globalThis.WebSocket;
});

afterEach(() => {
  globalThis.WebSocket = original;
});

test.each([
  [
    'http://localhost:4680/graphql',
    'wss://localhost:4680/graphql/realtime',
    'ws://localhost:4680/graphql/realtime',
  ],
  [
    'http://127.0.0.1:4680/graphql',
    'wss://127.0.0.1:4680/graphql/realtime',
    'ws://127.0.0.1:4680/graphql/realtime',
  ],
  // Another port, another machine, or an API that has TLS, is none of its business.
  [
    'http://localhost:4680/graphql',
    'wss://localhost:9999/graphql/realtime',
    'wss://localhost:9999/graphql/realtime',
  ],
  [
    'http://example.com/graphql',
    'wss://example.com/graphql/realtime',
    'wss://example.com/graphql/realtime',
  ],
  [
    'https://localhost:4680/graphql',
    'wss://localhost:4680/graphql/realtime',
    'wss://localhost:4680/graphql/realtime',
  ],
])('with the API at %s, %s opens %s', (api, asked, expected) => {
  allowLocalWebSocket(api);
  new WebSocket(asked, ['graphql-ws']);
  expect(opened).toEqual([expected]);
});

test.each([
  ['http://localhost:4680/graphql', 'ws://localhost:4680/graphql/realtime'],
  ['https://api.example.com/graphql', 'wss://api.example.com/graphql/realtime'],
  [
    'https://abcdefghijklmnopqrstuvwxyz.appsync-api.eu-west-1.amazonaws.com/graphql',
    'wss://abcdefghijklmnopqrstuvwxyz.appsync-realtime-api.eu-west-1.amazonaws.com/graphql',
  ],
])('the real-time address of %s is %s', (api, realtime) => {
  expect(realtimeUrl(api)).toBe(realtime);
});
