// `fetch` and an `EventSource` (npm's, which can send headers) against the function URL.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';

import { EventSource } from 'eventsource';

import { cognito, tokens } from './sign-in.mjs';
import { alice, bob, lastModelCall, script, stack } from './stack.mjs';

const limit = { timeout: 120_000 };
const said = Array.from({ length: 60 }, (_, number) => `${number} `);
after(() => cognito.destroy());

const { AccessToken, IdToken } = await tokens(alice);
const authorization = `Bearer ${AccessToken}`;

const ask = (question, headers = {}) =>
  fetch(stack.streamUrl, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(question),
  });

/** Everything that an `EventSource` hears until it is closed, by the server or because it can't go on. */
function hear(url, fetchWith = fetch) {
  const source = new EventSource(url, {
    fetch: (input, init) => fetchWith(input, { ...init, headers: { ...init.headers, authorization } }),
  });
  const heard = { events: [], opened: 0, source };
  for (const kind of ['token', 'complete', 'error']) {
    source.addEventListener(kind, (event) => {
      // An `error` without data is the connection's own.
      if (event.data) heard.events.push({ kind, id: event.lastEventId, ...JSON.parse(event.data) });
    });
  }
  source.addEventListener('open', () => (heard.opened += 1));
  heard.closed = new Promise((resolve) => {
    source.addEventListener('error', () => source.readyState === source.CLOSED && resolve(heard));
  });
  return heard;
}

function assertWhole({ events }) {
  assert.deepEqual(
    events.map(({ sequence, attempt }) => [attempt, sequence]),
    events.map((_, index) => [1, index + 1]),
  );
  assert.equal(events.map(({ token }) => token).join(''), said.join(''));
  assert.equal(events.at(-1).kind, 'complete');
  assert.equal(events.at(-1).status, 'COMPLETED');
}

test('fetch reads a text as it comes', limit, async () => {
  await script({ tokens: said, msBetweenTokens: 20 });
  const response = await ask({ prompt: 'Why do rivers meander?' }, { accept: 'text/plain' });
  assert.equal(response.status, 200);
  const pieces = [];
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) pieces.push(piece);
  assert.equal(pieces.join(''), said.join(''));
  assert.ok(pieces.length > 10, `${pieces.length} pieces`);
});

test('an EventSource hears an answer, and is told when it is over', limit, async () => {
  await script({ tokens: said, msBetweenTokens: 20 });
  const response = await ask({ prompt: 'Why do rivers meander?' });
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  const id = response.headers.get('x-tokencast-session-id');
  const reader = response.body.getReader();
  await reader.read();
  // Leaving is not stopping.
  await reader.cancel();
  const heard = await hear(stack.streamUrl + id).closed;
  assertWhole(heard);
  assert.equal(heard.opened, 1, 'the 204 that ends it is no opening');
  assert.equal((await lastModelCall()).ended, 'completed');
});

test('an EventSource whose connection breaks goes on where it was', limit, async () => {
  await script({ tokens: said, msBetweenTokens: 20 });
  const id = randomUUID();
  await (await ask({ prompt: 'Why do rivers meander?', sessionId: id })).body.cancel();
  let connections = 0;
  const asked = [];
  const heard = await hear(stack.streamUrl + id, async (input, init) => {
    asked.push(init.headers['Last-Event-ID'] ?? init.headers['last-event-id']);
    const response = await fetch(input, init);
    connections += 1;
    return connections > 1 || !response.body ? response : broken(response, 3);
  }).closed;
  assertWhole(heard);
  assert.ok(asked.length > 2 && asked[0] === undefined && Number(asked[1]) > 0, `${asked}`);
});

/** The response, whose body breaks after a few chunks. */
function broken(response, chunks) {
  const reader = response.body.getReader();
  const body = new ReadableStream({
    async pull(controller) {
      const { value, done } = await reader.read();
      if (done) return controller.close();
      controller.enqueue(value);
      chunks -= 1;
      if (chunks === 0) {
        await reader.cancel();
        controller.error(new TypeError('terminated'));
      }
    },
  });
  const { status, headers } = response;
  return { status, headers, body, url: response.url, redirected: false };
}

test('a stop is heard by who listens', limit, async () => {
  await script({ tokens: Array(2_000).fill('x '), msBetweenTokens: 10 });
  const response = await ask({ prompt: 'Why do rivers meander?' });
  const id = response.headers.get('x-tokencast-session-id');
  const heard = hear(stack.streamUrl + id);
  await new Promise((resolve) => heard.source.addEventListener('token', resolve, { once: true }));
  const stopped = await fetch(stack.streamUrl + id, { method: 'DELETE', headers: { authorization } });
  assert.equal(stopped.status, 200);
  assert.equal((await stopped.json()).status, 'stopping');
  const { events } = await heard.closed;
  assert.equal(events.at(-1).kind, 'complete');
  assert.equal(events.at(-1).status, 'CANCELLED');
  const text = await response.text();
  assert.match(text, /\nevent: complete\n/);
});

test('an ID token serves as well; none, another pool’s or another user’s does not', limit, async () => {
  await script({ tokens: ['x'] });
  const response = await ask({ prompt: 'x' }, { authorization: IdToken });
  assert.equal(response.status, 200);
  const id = response.headers.get('x-tokencast-session-id');
  await response.text();
  const status = async (headers) => {
    const refused = await fetch(stack.streamUrl + id, { headers });
    const { error } = await refused.json();
    return [refused.status, error.code];
  };
  assert.deepEqual(await status({}), [401, 'UNAUTHORIZED']);
  assert.deepEqual(await status({ authorization: `${AccessToken.slice(0, -6)}AAAAAA` }), [401, 'UNAUTHORIZED']);
  const { AccessToken: other } = await tokens(bob);
  // A read doesn't say whether others have an id.
  assert.deepEqual(await status({ authorization: other }), [404, 'INVALID_PROMPT']);
});

test('a browser of any origin may ask', limit, async () => {
  const preflight = await fetch(stack.streamUrl, {
    method: 'OPTIONS',
    headers: {
      origin: 'http://localhost:5173',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    },
  });
  assert.equal(preflight.status, 200);
  assert.equal(preflight.headers.get('access-control-allow-origin'), '*');
  assert.match(preflight.headers.get('access-control-allow-headers'), /authorization/);
  const refused = await fetch(stack.streamUrl, { method: 'POST', headers: { origin: 'http://localhost:5173' } });
  assert.equal(refused.status, 401);
  assert.equal(refused.headers.get('access-control-allow-origin'), '*');
  assert.match(refused.headers.get('access-control-expose-headers'), /x-tokencast-session-id/);
});
