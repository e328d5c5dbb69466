// `ws` against the WebSocket API.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ask, connect, refusal, stack } from './deliveries.mjs';

const limit = { timeout: 120_000 };

test('messages take their routes, and answers come back', limit, async () => {
  const client = await connect('grace');
  const echoed = await ask(client, 'echo', { text: 'größer' });
  assert.equal(echoed.requestContext.routeKey, 'echo');
  assert.equal(echoed.requestContext.eventType, 'MESSAGE');
  assert.equal(echoed.requestContext.authorizer.owner, 'grace');
  assert.equal(JSON.parse(echoed.body).text, 'größer');
  const other = await ask(client, 'unknown');
  assert.equal(other.requestContext.routeKey, '$default');
  assert.equal(other.requestContext.connectionId, echoed.requestContext.connectionId);
  client.socket.close(4000, 'bye');
  assert.deepEqual(await client.closed, { code: 4000, reason: 'bye' });
});

test('what fails is answered as API Gateway does, and the connection stays', limit, async () => {
  const client = await connect();
  const failed = await ask(client, 'fail');
  assert.deepEqual(Object.keys(failed), ['message', 'connectionId', 'requestId']);
  assert.equal(failed.message, 'Internal server error');
  const echoed = await ask(client, 'echo');
  assert.equal(echoed.requestContext.connectionId, failed.connectionId);
});

test('a refused handshake has a status', limit, async () => {
  const unauthorized = await refusal(stack.webSocketUrl);
  assert.equal(unauthorized.status, 401);
  assert.equal(unauthorized.body.message, 'Unauthorized');
  const denied = await refusal(`${stack.webSocketUrl}?token=denied`);
  assert.equal(denied.status, 403);
  assert.match(denied.body.message, /explicit deny/);
});

test('a frame of more than 32 KB closes the connection', limit, async () => {
  const client = await connect();
  client.socket.send('x'.repeat(32 * 1024));
  await client.texts.until('answer', (items) => items[0]);
  client.socket.send('x'.repeat(32 * 1024 + 1));
  const { code } = await client.closed;
  assert.equal(code, 1009);
});

test('a message of several frames may have 128 KB', limit, async () => {
  const client = await connect();
  const part = 'x'.repeat(32 * 1024);
  for (const number of [1, 2, 3, 4]) client.socket.send(part, { fin: number === 4 });
  const text = await client.texts.until('answer', (items) => items[0]);
  // Its event is larger than a message may be.
  assert.equal(JSON.parse(text).message, 'Internal server error');
  for (const number of [1, 2, 3, 4, 5]) client.socket.send(part, { fin: number === 5 });
  const { code } = await client.closed;
  assert.equal(code, 1009);
});

test('pings are answered', limit, async () => {
  const client = await connect();
  const pong = new Promise((resolve) => client.socket.on('pong', (data) => resolve(data.toString())));
  client.socket.ping('are you there');
  assert.equal(await pong, 'are you there');
});
