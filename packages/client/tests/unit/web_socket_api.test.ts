/** A session over a WebSocket API: frames joined, repeated and out of order, and connections that are cut. */

import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';

import { clientOverReplay } from '../../src/client.js';
import { errorOfType, TokencastError } from '../../src/errors.js';
import type { AnswerEvent } from '../../src/types.js';
import { webSocketTransport } from '../../src/web_socket_api.js';
import {
  cancelled,
  completed,
  failed,
  FAST,
  joined,
  startWebSocketApi,
  token,
  tokens,
  type Action,
  type Socket,
} from '../support/deliveries.js';

beforeAll(() => {
  // Node 20 has none of its own.
  Object.assign(globalThis, { WebSocket });
});

let close: (() => Promise<unknown>) | null = null;

afterEach(async () => {
  await close?.();
  close = null;
});

async function serve(
  handle: (action: Action, socket: Socket, connection: number) => void,
  {
    timing = FAST,
    accept,
    startStream,
    getStream,
  }: {
    timing?: typeof FAST;
    accept?: (token: string | null) => boolean;
    startStream?: (sessionId: string, prompt: string) => Promise<void>;
    getStream?: (sessionId: string) => Promise<unknown>;
  } = {},
) {
  const server = await startWebSocketApi(handle, accept);
  close = server.close;
  const transport = webSocketTransport(server.url, tokens, {
    ...(startStream && { startStream }),
    ...(getStream && { getStream }),
  });
  const client = clientOverReplay(transport, () => Promise.resolve(null), timing);
  return { ...server, client };
}

async function all(stream: AsyncIterable<AnswerEvent>): Promise<AnswerEvent[]> {
  const events: AnswerEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

function textOf(events: AnswerEvent[]): string {
  return events.reduce((text, event) => {
    if (event.type === 'restarted') return '';
    return event.type === 'text' ? text + event.text : text;
  }, '');
}

const types = (events: AnswerEvent[]): string[] => events.map(({ type }) => type);
const ID = '7d1c3a6e-6f1c-4b3c-9a55-0f6d3f0d6f11';

test('it connects with its token, and sends the prompt', async () => {
  const { client, actions, tokensSeen } = await serve((_, socket) => {
    socket.answer('started', 'QUEUED');
    socket.events(token(1, 'Ri'), token(2, 'vers'), completed(3));
  });
  const events = await all(client.streamPrompt('Why?', { sessionId: ID }));
  expect(types(events)).toEqual(['started', 'status', 'text', 'text', 'completed']);
  expect(textOf(events)).toBe('Rivers');
  expect(tokensSeen).toEqual(['jwt']);
  expect(actions).toEqual([{ action: 'stream', sessionId: ID, prompt: 'Why?' }]);
});

test.each([
  ['out of order', [token(2, 'b'), token(2, 'b'), completed(4), token(1, 'a'), token(3, 'c')]],
  ['joined', [joined(1, 2, 'ab'), joined(1, 3, 'abc'), completed(4)]],
  ['joined after a gap', [token(1, 'a'), joined(3, 3, 'c'), joined(1, 2, 'ab'), completed(4)]],
])('events %s make the same text', async (_, sent) => {
  const { client } = await serve(({ action }, socket) => {
    if (action === 'stream') socket.answer('started', 'QUEUED');
    else socket.answer('resumed', 'STREAMING');
    socket.events(...sent);
  });
  expect(textOf(await all(client.streamPrompt('Why?')))).toBe('abc');
});

test('a connection that is cut after any frame is resumed behind it', async () => {
  const sent = [token(1, 'a'), joined(2, 3, 'bc'), token(4, 'd'), completed(5)];
  let cut = 0;
  const { client, actions } = await serve(({ action }, socket) => {
    if (action === 'resume') {
      socket.answer('resumed', 'STREAMING');
      // With one that was there already.
      socket.events(...sent.slice(Math.max(0, cut - 1)));
      return;
    }
    socket.answer('started', 'QUEUED');
    socket.events(...sent.slice(0, cut));
    socket.socket.close();
  });
  for (cut = 0; cut < sent.length; cut += 1) {
    const events = await all(client.streamPrompt('Why?'));
    expect(textOf(events), `cut after ${cut}`).toBe('abcd');
    expect(types(events)).toContain('reconnected');
  }
  const resumed = actions.filter(({ action }) => action === 'resume');
  expect(resumed.map(({ attempt, sequence }) => [attempt, sequence])).toEqual([
    [0, 0],
    [1, 1],
    [1, 3],
    [1, 4],
  ]);
});

test('a start whose answer is lost is sent again, and followed from where it is', async () => {
  const { client, actions } = await serve(({ action }, socket, connection) => {
    if (connection === 1) {
      socket.socket.terminate();
    } else if (action === 'stream') {
      socket.answer('started', 'QUEUED');
    } else {
      // What was pushed to the lost connection is asked for.
      socket.answer('resumed', 'STREAMING');
      socket.events(joined(1, 2, 'ab'), completed(3));
    }
  });
  expect(textOf(await all(client.streamPrompt('Why?', { sessionId: ID })))).toBe('ab');
  expect(actions.map(({ action }) => action)).toEqual(['stream', 'stream', 'resume']);
});

test('a lost frame is asked for on the same connection', async () => {
  const { client, actions, sockets } = await serve(({ action }, socket) => {
    if (action === 'stream') {
      socket.answer('started', 'QUEUED');
      socket.events(token(1, 'a'), token(3, 'c'));
    } else {
      socket.answer('resumed', 'STREAMING');
      socket.events(joined(2, 3, 'bc'), completed(4));
    }
  });
  expect(textOf(await all(client.streamPrompt('Why?')))).toBe('abc');
  expect(actions[1]).toMatchObject({ action: 'resume', attempt: 1, sequence: 1 });
  expect(sockets).toHaveLength(1);
});

test('a lost last frame is found out in the silence', async () => {
  const { client } = await serve(
    ({ action }, socket) => {
      if (action === 'stream') {
        socket.answer('started', 'QUEUED');
        socket.events(token(1, 'a'));
      } else {
        socket.answer('resumed', 'COMPLETED');
        socket.events(completed(2));
      }
    },
    { timing: { ...FAST, idle: 20 } },
  );
  expect(types(await all(client.streamPrompt('Why?'))).at(-1)).toBe('completed');
});

test('a session that ended before what is known is settled by all of it', async () => {
  const { client, actions } = await serve(({ action }, socket) => {
    if (action === 'stream') {
      socket.answer('started', 'QUEUED');
      socket.events(token(1, 'a'), token(2, 'b'), cancelled(2));
    } else {
      socket.answer('resumed', 'CANCELLED');
      socket.events(token(1, 'a'), cancelled(2));
    }
  });
  const events = await all(client.streamPrompt('Why?'));
  expect(textOf(events)).toBe('a');
  expect(types(events).at(-1)).toBe('cancelled');
  expect(actions[1]).toMatchObject({ attempt: 0, sequence: 0 });
});

test('a server that knows of less is asked for all', async () => {
  const { client } = await serve(({ action, sequence }, socket) => {
    if (action === 'stream') {
      socket.answer('started', 'QUEUED');
      socket.events(token(1, 'a'), token(2, 'b'), token(3, 'c'));
      socket.socket.close();
      return;
    }
    socket.answer('resumed', 'FAILED');
    if (sequence === 0) socket.events(token(1, 'a'), failed(2));
  });
  const events = await all(client.streamPrompt('Why?'));
  expect(textOf(events)).toBe('a');
  expect(types(events).at(-1)).toBe('failed');
});

test('waiting in the queue is told to whoever comes later', async () => {
  const { client } = await serve((_, socket) => {
    socket.answer('resumed', 'QUEUED');
    socket.events(token(1, 'a'), completed(2));
  });
  const events = await all(client.resumeStream(ID));
  expect(events.filter(({ type }) => type === 'status')).toEqual([
    { type: 'status', status: 'QUEUED' },
    { type: 'status', status: 'STREAMING' },
  ]);
});

test('a session that nobody has started is said to be missing', async () => {
  const { client, actions } = await serve((_, socket) => {
    socket.answer('resumed', 'CLAIMED');
  });
  const expected = { kind: 'notFound', errorType: 'CLAIMED' };
  await expect(all(client.resumeStream(ID))).rejects.toMatchObject(expected);
  expect(actions.length).toBeGreaterThan(1);
});

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

test('frames of other sessions, and of kinds that are not known, are passed over', async () => {
  const { client } = await serve((action, socket) => {
    socket.answer('started', 'QUEUED');
    socket.sessionId = '00000000-0000-4000-8000-000000000000';
    socket.events(completed(1));
    socket.sessionId = action.sessionId;
    socket.send({ type: 'later', more: true });
    socket.events(token(1, 'a'), completed(2));
  });
  expect(textOf(await all(client.streamPrompt('Why?')))).toBe('a');
});

test('empty frames are passed over', async () => {
  const { client, sockets } = await serve((_, socket) => {
    socket.socket.send('');
    socket.answer('started', 'QUEUED');
    socket.socket.send('');
    socket.events(token(1, 'a'), completed(2));
  });
  expect(textOf(await all(client.streamPrompt('Why?')))).toBe('a');
  expect(sockets).toHaveLength(1);
});

/** How long a message may be in one frame, and a browser sends no other. */
const FRAME_BYTES = 32_768;
const LENGTHS = [20, 31, 33, 40, 60, 80, 99].map((kilobytes) => kilobytes * 1_000);
const ENVELOPE = JSON.stringify({ action: 'stream', sessionId: ID, prompt: '' }).length;
const LONG: [what: string, prompt: string][] = [
  ...LENGTHS.map((length): [string, string] => [`${length} letters`, 'x'.repeat(length)]),
  ['what fits exactly', 'x'.repeat(FRAME_BYTES - ENVELOPE)],
  ['one more than fits', 'x'.repeat(FRAME_BYTES - ENVELOPE + 1)],
  ['characters of three bytes', '語'.repeat(20_000)],
  ['characters that JSON makes six times as long', '\u0001'.repeat(10_000)],
];

describe('a long prompt', () => {
  const fits = (prompt: string): boolean => {
    const message = JSON.stringify({ action: 'stream', sessionId: ID, prompt });
    return Buffer.byteLength(message) <= FRAME_BYTES;
  };

  test.each(LONG)('of %s is sent whole, by another way where it has to be', async (_, prompt) => {
    const started: string[] = [];
    const { client, actions } = await serve(
      (action, socket) => {
        expect(Buffer.byteLength(JSON.stringify(action))).toBeLessThanOrEqual(FRAME_BYTES);
        socket.answer(action.action === 'stream' ? 'started' : 'resumed', 'QUEUED');
        socket.events(token(1, 'a'), completed(2));
      },
      {
        startStream: (_sessionId, sent) => {
          started.push(sent);
          return Promise.resolve();
        },
      },
    );
    const events = await all(client.streamPrompt(prompt, { sessionId: ID }));
    expect(textOf(events)).toBe('a');
    expect(actions.map(({ action }) => action)).toEqual([fits(prompt) ? 'stream' : 'resume']);
    expect(fits(prompt) ? [actions[0]?.prompt] : started).toEqual([prompt]);
  });

  test.each(LONG.filter(([, prompt]) => !fits(prompt)))(
    'of %s is refused at once where there is no other way',
    async (_, prompt) => {
      const { client, actions } = await serve(() => undefined);
      await expect(all(client.streamPrompt(prompt, { sessionId: ID }))).rejects.toMatchObject({
        kind: 'refused',
        errorType: 'INVALID_PROMPT',
        message: expect.stringMatching(/32768 .* AppSync or the Function URL/) as string,
      });
      expect(actions).toEqual([]);
    },
  );

  test('is started again where that fails in passing, and refused with its reason', async () => {
    let tries = 0;
    const { client } = await serve(
      (_, socket) => {
        socket.answer('resumed', 'QUEUED');
        socket.events(completed(1));
      },
      {
        startStream: () => {
          tries += 1;
          return tries < 3 ? Promise.reject(new TypeError('network')) : Promise.resolve();
        },
      },
    );
    const events = await all(client.streamPrompt('x'.repeat(40_000)));
    expect(types(events).at(-1)).toBe('completed');
    expect(tries).toBe(3);
  });
});

test('aborting says stop on a connection of its own, and the text is kept', async () => {
  const { client, actions } = await serve(({ action }, socket) => {
    if (action === 'stop') {
      socket.answer('stopping', 'STREAMING');
      streaming?.events(cancelled(2));
    } else {
      streaming = socket;
      socket.answer('started', 'QUEUED');
      socket.events(token(1, 'a'));
    }
  });
  let streaming: Socket | undefined;
  const stop = new AbortController();
  const events: AnswerEvent[] = [];
  for await (const event of client.streamPrompt('Why?', { sessionId: ID, signal: stop.signal })) {
    events.push(event);
    if (event.type === 'text') stop.abort();
  }
  expect(textOf(events)).toBe('a');
  expect(types(events).at(-1)).toBe('cancelled');
  expect(actions[1]).toEqual({ action: 'stop', sessionId: ID });
});

test('leaving closes the connection at once', async () => {
  let gone: Promise<unknown> | undefined;
  const { client } = await serve((_, socket) => {
    gone = new Promise((resolve) => socket.socket.once('close', resolve));
    socket.answer('started', 'QUEUED');
    socket.events(token(1, 'a'));
  });
  for await (const event of client.streamPrompt('Why?')) if (event.type === 'text') break;
  await gone;
});
