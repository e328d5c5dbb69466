/** A source of tokens that fails, or gives what is none: the same error over each delivery, and soon. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import {
  createClient,
  newSessionId,
  TokencastError,
  type Delivery,
  type TokencastClient,
  type Tokens,
} from '../../src/index.js';
import { outcome } from '../support/scripted.js';

const DELIVERIES: Delivery[] = ['appsync', 'url', 'websocket'];
const ID = newSessionId();

/** What was sent: nothing, where there is no token. */
let sent: string[];

beforeEach(() => {
  sent = [];
  vi.useFakeTimers();
  // A hash is made in a thread that knows nothing of the test's clock: as in a page without one.
  vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function clientOf(delivery: Delivery, tokens: Tokens): TokencastClient {
  const Socket = function (url: string): void {
    sent.push(url);
  };
  return createClient({
    graphqlUrl: 'http://localhost/graphql',
    streamUrl: 'http://localhost/stream/',
    webSocketUrl: 'ws://localhost/socket',
    delivery,
    tokens,
    fetch: (url) => {
      sent.push(url);
      return Promise.resolve(new Response('{"data":{"getStream":null}}'));
    },
    WebSocket: Socket as never,
  });
}

/** What a call comes to, by a clock that runs as far as it is needed. */
async function settled<T>(call: Promise<T>): Promise<T | TokencastError> {
  const result = call.catch((error: unknown) => error as TokencastError);
  await vi.advanceTimersByTimeAsync(2_000);
  return result;
}

const NO_TOKEN = { name: 'TokencastError', kind: 'unauthorized', errorType: 'NoToken' };

const CALLS: [what: string, call: (client: TokencastClient) => Promise<unknown>][] = [
  ['getStream', (client) => client.getStream(ID)],
  ['stopStream', (client) => client.stopStream(ID)],
  ['conversations.list', (client) => client.conversations.list()],
  ['conversations.owner', (client) => client.conversations.owner()],
  ['assistants', (client) => client.assistants()],
];

const NONE: [what: string, given: unknown, said: string][] = [
  ['a line break', 'to\nken', 'a line break'],
  ['a line break at its end', 'token\n', 'a line break'],
  ['other letters', 'tøken', 'beyond ASCII'],
  ['nothing in it', '', 'an empty string'],
  ['no string', undefined, 'undefined'],
];

describe.each(DELIVERIES)('over %s', (delivery) => {
  test.each(['streamPrompt', 'resumeStream'] as const)(
    '%s ends soon where there is no token to be had, and says why',
    async (how) => {
      const cause = new Error('the server of tokens is down');
      const tokens = vi.fn(() => Promise.reject(cause));
      const ended = await outcome(clientOf(delivery, tokens)[how](ID));
      expect(ended?.error).toMatchObject({ ...NO_TOKEN, cause });
      expect(ended?.error).toHaveProperty('message', `\`tokens\` failed: ${cause.message}`);
      expect(ended?.tookS).toBeLessThanOrEqual(2);
      expect(ended?.events).toEqual([]);
      expect([tokens.mock.calls.length, sent]).toEqual([3, []]);
    },
  );

  test.each(CALLS)('%s says the same', async (_, call) => {
    const cause = new Error('down');
    const tokens = vi.fn(() => Promise.reject(cause));
    const error = await settled(call(clientOf(delivery, tokens)));
    expect(error).toMatchObject({ ...NO_TOKEN, cause });
    expect([tokens.mock.calls.length, sent]).toEqual([3, []]);
  });

  test.each(NONE)('a token with %s is refused at once, unshown', async (_, given, said) => {
    const tokens = vi.fn(() => Promise.resolve(given as string));
    const client = clientOf(delivery, tokens);
    const ended = await outcome(client.streamPrompt('Why?'));
    for (const error of [ended?.error, await settled(client.getStream(ID))]) {
      expect(error).toMatchObject({
        ...NO_TOKEN,
        message: expect.stringContaining(said) as string,
      });
      expect(String(error)).not.toMatch(/t.ken\b(?!s)/);
    }
    expect([ended?.tookS, sent]).toEqual([expect.any(Number), []]);
  });

  test('what is no function is a TypeError, unshown', () => {
    for (const [tokens, given] of [
      [undefined, 'undefined'],
      ['secret', 'a string'],
    ]) {
      const make = () => clientOf(delivery, tokens as unknown as Tokens);
      expect(make).toThrow(new TypeError(`\`tokens\` is ${given ?? ''}, expected ${FUNCTION}`));
    }
  });
});

const FUNCTION = 'a function that gives the token of the user';

test('a source that fails for a moment is asked again', async () => {
  const tokens = vi
    .fn<Tokens>()
    .mockRejectedValueOnce(new Error('once'))
    .mockImplementationOnce(() => {
      throw new Error('twice, and not by a promise');
    })
    .mockResolvedValue('jwt');
  expect(await settled(clientOf('appsync', tokens).getStream(ID))).toBeNull();
  expect(tokens).toHaveBeenCalledTimes(3);
});

test('a lost connection that it tells of is told as it is', async () => {
  const error = new TokencastError('connection', 'no way to the server of tokens');
  const tokens = vi.fn(() => Promise.reject(error));
  expect(await settled(clientOf('url', tokens).getStream(ID))).toBe(error);
  expect(tokens).toHaveBeenCalledOnce();
});

test.each(['fetch failed', 'Failed to fetch', 'Load failed'])(
  '%s, of it, is a lost connection',
  async (said) => {
    const cause = new TypeError(said);
    const failed = settled(clientOf('url', () => Promise.reject(cause)).getStream(ID));
    expect(await failed).toMatchObject({ kind: 'connection', transient: true, cause });
  },
);

test('in a page without a network it is a connection that is missing', async () => {
  vi.stubGlobal('navigator', { onLine: false });
  const failed = settled(clientOf('url', () => Promise.reject(new Error('down'))).getStream(ID));
  expect(await failed).toMatchObject({ kind: 'connection', transient: true });
});
