/** A WebSocket API that refuses: handshakes, tokens and actions. */

import { afterEach, expect, test } from 'vitest';

import { errorOfType, TokencastError } from '../../src/errors.js';
import { completed, FAST } from '../support/deliveries.js';
import { all, closeServer, ID, serve, types } from '../support/web_socket_client.js';

afterEach(closeServer);

test.each([
  ['INVALID_PROMPT', { kind: 'refused', errorType: 'INVALID_PROMPT' }],
  ['UNAUTHORIZED', { kind: 'unauthorized' }],
])('an action that is refused as %s is final', async (code, expected) => {
  const { client, sockets } = await serve((_, socket) => {
    socket.refuse('stream', code);
  });
  await expect(all(client.streamPrompt(' '))).rejects.toMatchObject(expected);
  expect(sockets).toHaveLength(1);
});

test('a passing trouble of the gateway’s is tried again', async () => {
  const { client } = await serve(({ action }, socket, connection) => {
    if (connection === 1) {
      socket.send({ message: 'Internal server error', connectionId: 'c', requestId: 'r' });
    } else {
      socket.answer(action === 'stream' ? 'started' : 'resumed', 'QUEUED');
      socket.events(completed(1));
    }
  });
  expect(types(await all(client.streamPrompt('Why?'))).at(-1)).toBe('completed');
});

test('a handshake that is refused is tried with a new token', async () => {
  const { client, tokensSeen } = await serve(
    (_, socket) => {
      socket.answer('started', 'QUEUED');
      socket.events(completed(1));
    },
    { accept: (shown) => shown === 'new' },
  );
  const events = await all(client.streamPrompt('Why?'));
  expect(types(events).at(-1)).toBe('completed');
  expect(tokensSeen.slice(0, 2)).toEqual(['jwt', 'new']);
});

test.each(['start', 'resume', 'stop'])(
  'a %s whose new token GraphQL refuses as well is over at once',
  async (what) => {
    const asked: string[] = [];
    const { client, tokensSeen } = await serve(() => undefined, {
      accept: () => false,
      getStream: (sessionId) => {
        asked.push(sessionId);
        return Promise.reject(errorOfType('UnauthorizedException', 'Token has expired.'));
      },
    });
    const calls: Record<string, () => Promise<unknown>> = {
      start: () => all(client.streamPrompt('Why?', { sessionId: ID })),
      resume: () => all(client.resumeStream(ID)),
      // A stop is tried once, and the next one has a new token.
      stop: async () => {
        await expect(client.stopStream(ID)).rejects.toMatchObject({ kind: 'connection' });
        await client.stopStream(ID);
      },
    };
    const refusal = { kind: 'unauthorized', errorType: 'UnauthorizedException' };
    await expect(calls[what]?.()).rejects.toMatchObject(refusal);
    expect([tokensSeen, asked]).toEqual([['jwt', 'new'], [ID]]);
  },
);

test.each([
  ['refuses for something else', () => Promise.reject(errorOfType('INVALID_PROMPT', 'no'))],
  ['can’t be reached', () => Promise.reject(new TokencastError('connection', 'reset'))],
  ['accepts the token', () => Promise.resolve(null)],
])('a handshake that fails is tried again where GraphQL %s', async (_, getStream) => {
  let connections = 0;
  const { client } = await serve(
    (_, socket) => {
      socket.answer('started', 'QUEUED');
      socket.events(completed(1));
    },
    { accept: () => (connections += 1) > 2, getStream },
  );
  expect(types(await all(client.streamPrompt('Why?'))).at(-1)).toBe('completed');
});

test('somebody else’s session isn’t there', async () => {
  const { client } = await serve((_, socket) => {
    socket.refuse('resume', 'UNAUTHORIZED');
  });
  await expect(all(client.resumeStream(ID))).rejects.toMatchObject({
    kind: 'notFound',
    errorType: null,
  });
});

test('a handshake that is never accepted is given up', async () => {
  const timing = { ...FAST, startWithin: 100 };
  const { client } = await serve(() => undefined, { timing, accept: () => false });
  await expect(all(client.streamPrompt('Why?'))).rejects.toMatchObject({ kind: 'connection' });
});
