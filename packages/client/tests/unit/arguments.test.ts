/** What a program in plain JavaScript may hand in by mistake is refused by its name. */

import { describe, expect, test } from 'vitest';

import { TokencastChatTransport } from '../../src/ai-sdk/index.js';
import { configure, createAmplifyClient } from '../../src/amplify/index.js';
import * as exported from '../../src/index.js';

/** As there is no compiler. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any arguments
type Untyped = any;

/* eslint-disable @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-assignment -- as untyped as what is tested */
const ID = '7d1c3a6e-6f1c-4b3c-9a55-0f6d3f0d6f11';
const tokens = () => Promise.resolve('jwt');
const api = { graphqlUrl: 'https://api.example.com/graphql', tokens };
const client = exported.createClient({
  ...api,
  fetch: () => Promise.reject(new Error('nothing is to be sent')),
}) as Untyped;
const { conversations } = client;
const { apiOf, createClient, loadOutputs, clientOver, clientOverReplay } = exported as Untyped;
const { appSyncTransport, functionUrlTransport, webSocketTransport } = exported as Untyped;
const chats = new TokencastChatTransport(client as exported.TokencastClient) as Untyped;

const CASES: [call: () => unknown, message: string][] = [
  [() => client.streamPrompt(undefined), '`prompt` is undefined, expected a string'],
  [() => client.streamPrompt(5), '`prompt` is 5, expected a string'],
  [() => client.streamPrompt('Why?', 'secret'), '`options` is a string, expected an object'],
  [() => client.streamPrompt('Why?', { signal: 'x' }), '`signal` is a string, expected an `Abort'],
  [() => client.streamPrompt('Why?', { sessionId: 5 }), '`sessionId` is 5, expected a UUID'],
  [() => client.streamPrompt('Why?', { parentId: {} }), '`parentId` is an object, expected a UUID'],
  [() => client.streamPrompt('Why?', { conversationId: 5 }), '`conversationId` is 5, expected'],
  [() => client.streamPrompt('Why?', { assistant: [] }), '`assistant` is an array, expected the'],
  [() => client.resumeStream(), '`sessionId` is undefined, expected a UUID'],
  [
    () => client.resumeStream(ID, { signal: {} }),
    '`signal` is an object, expected an `AbortSignal',
  ],
  [() => client.stopStream(), '`sessionId` is undefined, expected a UUID'],
  [() => client.getStream(null), '`sessionId` is null, expected a UUID'],
  [() => conversations.get(), '`conversationId` is undefined, expected a UUID'],
  [() => conversations.getAll(5), '`conversationId` is 5, expected a UUID'],
  [() => conversations.get(ID, { limit: '5' }), '`limit` is a string, expected a whole number'],
  [() => conversations.list({ limit: 'x' }), '`limit` is a string, expected a whole number'],
  [() => conversations.list({ nextToken: 5 }), '`nextToken` is 5, expected a string'],
  [() => conversations.list(null), '`options` is null, expected an object'],
  [() => conversations.rename(ID), '`title` is undefined, expected a string'],
  [() => conversations.rename(undefined, 'x'), '`conversationId` is undefined, expected a UUID'],
  [() => conversations.delete(), '`conversationId` is undefined, expected a UUID'],
  [() => conversations.export(ID, 'XML'), '`format` is "XML", expected `MARKDOWN` or `JSON`'],
  [() => conversations.export(ID), '`format` is undefined, expected `MARKDOWN` or `JSON`'],
  [() => conversations.onUpdated(ID), '`listener` is undefined, expected an object with `resync`'],
  [() => conversations.onUpdated(undefined, {}), '`conversationId` is undefined, expected a UUID'],
  [() => conversations.onAllUpdated({}), '`listener` is an object, expected an object with'],
  [() => createClient(), '`options` is undefined, expected an object with `graphqlUrl`'],
  [() => createClient({ tokens }), '`graphqlUrl` is undefined, expected an address with `https:'],
  [() => createClient({ ...api, graphqlUrl: 'nope' }), '`graphqlUrl` is "nope", expected an addr'],
  [() => createClient({ ...api, timeouts: { foo: 1 } }), '`timeouts.foo` is unknown, expected one'],
  [() => createClient({ ...api, timeouts: { call: '1' } }), '`timeouts.call` is a string, expect'],
  [() => createClient({ ...api, timeouts: { idle: -1 } }), '`timeouts.idle` is -1, expected mill'],
  [() => createClient({ ...api, timeouts: { stop: NaN } }), '`timeouts.stop` is NaN, expected mi'],
  [() => createClient({ ...api, timeouts: 5 }), '`timeouts` is 5, expected an object'],
  [() => createClient({ ...api, fetch: 'x' }), '`fetch` is a string, expected a function'],
  [() => createClient({ ...api, WebSocket: {} }), '`WebSocket` is an object, expected a constr'],
  [
    () => createClient({ ...api, delivery: 'url', streamUrl: 'stream' }),
    '`streamUrl` is "stream", expected an address with `https://` or `http://`',
  ],
  [
    () => createClient({ ...api, delivery: 'websocket', webSocketUrl: 'https://x' }),
    '`webSocketUrl` is "https://x", expected an address with `wss://` or `ws://`',
  ],
  [() => appSyncTransport('https://x'), '`tokens` is undefined, expected a function'],
  [() => functionUrlTransport('https://x'), '`tokens` is undefined, expected a function'],
  [() => webSocketTransport('wss://x'), '`tokens` is undefined, expected a function'],
  [() => clientOver(), '`transport` is undefined, expected a `Transport`'],
  [() => clientOverReplay(null), '`transport` is null, expected a `ReplayTransport`'],
  [() => clientOverReplay({}), '`getStream` is undefined, expected a function'],
  [() => apiOf(null), '`outputs` is null, expected what `loadOutputs` gives'],
  [() => loadOutputs(5), '`url` is 5, expected an address, or in Node a path'],
  [() => (configure as Untyped)(), '`outputs` is undefined, expected what `loadOutputs` gives'],
  [() => (createAmplifyClient as Untyped)(), '`api` is undefined, expected what `configure` gives'],
  [() => new (TokencastChatTransport as Untyped)(), '`client` is undefined, expected what `create'],
  [() => chats.messages(undefined), '`chatId` is undefined, expected a string'],
  [() => chats.conversationId(5), '`chatId` is 5, expected a string'],
];
/* eslint-enable */

describe('refused with its name, what it is, and what was expected', () => {
  test.each(CASES.map(([call, message]) => ({ message, call })))(
    '$message',
    async ({ message, call }) => {
      // What gives a promise says it there.
      const thrown = await new Promise((resolve) => {
        resolve(call());
      }).catch((error: unknown) => error);
      expect(thrown).toBeInstanceOf(TypeError);
      expect((thrown as TypeError).message).toContain(message);
    },
  );
});

test('what is left out, or `undefined`, is as the default', () => {
  const timeouts = { call: undefined } as object;
  expect(() => exported.createClient({ ...api, timeouts, delivery: undefined })).not.toThrow();
  const none = {
    sessionId: undefined,
    parentId: undefined,
    assistant: undefined,
    signal: undefined,
  };
  expect(() => exported.createClient(api).streamPrompt('Why?', none)).not.toThrow();
});

test('a Function URL may be a path of the server that a page comes from', () => {
  const behind = { ...api, delivery: 'url', streamUrl: '/stream' } as const;
  expect(() => exported.createClient(behind)).not.toThrow();
});
