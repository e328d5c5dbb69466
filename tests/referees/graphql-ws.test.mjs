// graphql-ws, the client of many playgrounds: the `graphql-transport-ws` protocol, which the local AppSync speaks where
// it was asked to (`tokencast dev --graphql-transport-ws`), and AWS's never.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';

import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

import { EVENTS, READ, START, assertWholeAnswer } from './session.mjs';
import { tokens } from './sign-in.mjs';
import { alice, bob, stack } from './stack.mjs';

const limit = { timeout: 120_000 };

const { AccessToken: aliceToken } = await tokens(alice);

function connect(Authorization) {
  return createClient({
    url: `${stack.graphqlUrl}/realtime`.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { Authorization },
    retryAttempts: 0,
  });
}

async function once(client, query, variables) {
  const { value } = await client.iterate({ query, variables }).next();
  return value;
}

test('an answer arrives token by token', limit, async () => {
  const client = connect(aliceToken);
  const sessionId = randomUUID();
  // There is no acknowledgement in this protocol: whoever subscribes late asks getStream for the rest.
  const events = [];
  const subscription = client.iterate({ query: EVENTS, variables: { sessionId } });
  const reading = (async () => {
    for await (const { data, errors } of subscription) {
      assert.equal(errors, undefined);
      events.push(data.onTokenReceived);
      if (data.onTokenReceived.isComplete) return;
    }
  })();
  await claimed(sessionId);
  const started = await post(START, { prompt: 'Why do rivers meander?', sessionId });
  assert.equal(started.data.startStream.status, 'streaming_started');
  await reading;
  const { data } = await post(READ, { sessionId });
  assertWholeAnswer(events, data.getStream, { sessionId, atLeast: 20 });
  await client.dispose();
});

test('a refusal is an error of that operation alone', limit, async () => {
  const { AccessToken } = await tokens(bob);
  const client = connect(AccessToken);
  const sessionId = randomUUID();
  await post(START, { prompt: 'Mine', sessionId });
  await assert.rejects(once(client, EVENTS, { sessionId }), ([error]) => {
    assert.match(JSON.stringify(error), /UNAUTHORIZED/);
    return true;
  });
  await assert.rejects(once(client, EVENTS, { sessionId: 'no-uuid' }), ([error]) => {
    assert.match(JSON.stringify(error), /INVALID_PROMPT/);
    return true;
  });
  await client.dispose();
});

test('queries are not for the socket, and that is said', limit, async () => {
  const client = connect(aliceToken);
  await assert.rejects(once(client, READ, { sessionId: randomUUID() }), ([error]) => {
    assert.equal(error.message, 'query not supported through the realtime channel');
    return true;
  });
  await client.dispose();
});

test('a wrong token is refused', limit, async () => {
  const client = connect('nonsense');
  await assert.rejects(once(client, EVENTS, { sessionId: randomUUID() }), ([error]) => {
    assert.equal(error.extensions.errorType, 'UnauthorizedException');
    return true;
  });
  await client.dispose();
});

/** The id is the caller's as soon as the subscription is admitted. */
async function claimed(sessionId) {
  let answer;
  do {
    answer = await post(READ, { sessionId });
  } while (answer.data.getStream?.status !== 'CLAIMED');
}

async function post(query, variables) {
  const response = await fetch(stack.graphqlUrl, {
    method: 'POST',
    headers: { authorization: aliceToken, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  assert.equal(response.status, 200);
  return response.json();
}
