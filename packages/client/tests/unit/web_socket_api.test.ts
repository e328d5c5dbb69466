/** A session over a WebSocket API: frames joined, repeated and out of order, and connections that are cut. */

import { afterEach, expect, test, vi } from 'vitest';

import type { WebSocketConstructor } from '../../src/globals.js';
import type { AnswerEvent } from '../../src/types.js';
import { webSocketTransport } from '../../src/web_socket_api.js';
import {
  cancelled,
  completed,
  failed,
  FAST,
  joined,
  token,
  type Socket,
} from '../support/deliveries.js';
import { all, closeServer, ID, serve, textOf, types } from '../support/web_socket_client.js';

afterEach(closeServer);

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

test('who leaves before the token is there opens no socket', async () => {
  const Socket = vi.fn();
  let give: (token: string) => void = () => undefined;
  const asked = new Promise<string>((resolve) => (give = resolve));
  const transport = webSocketTransport('ws://localhost/', () => asked, {
    WebSocket: Socket as unknown as WebSocketConstructor,
  });
  const lost = vi.fn();
  const listener = { asked: lost, answered: lost, event: lost, lost };
  transport.open(ID, { after: null }, listener).close();
  give('jwt');
  await asked;
  await new Promise((resolve) => setImmediate(resolve));
  expect(Socket).not.toHaveBeenCalled();
  expect(lost).not.toHaveBeenCalled();
});
