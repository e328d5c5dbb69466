// aws-amplify: subscriptions over TLS, token by token, refused, and cut in the middle of an answer.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { afterEach, before, test } from 'node:test';

import { fetchAuthSession } from 'aws-amplify/auth';

import {
  acknowledged,
  ask,
  connectionStates,
  hub,
  listen,
  open,
  read,
  remove,
  signInAs,
  start,
  stop,
  subscribe,
} from './amplify.mjs';
import { ALL_CHANGES, assertWholeAnswer, CHANGES, ended } from './session.mjs';
import { alice, bob, connections, dropWebsockets, lastModelCall, script } from './stack.mjs';

const limit = { timeout: 120_000 };

const opened = [];
const watched = async (subscription) => {
  const { events, errors, close } = await subscription;
  opened.push(close);
  return { events, errors };
};

before(() => signInAs(alice));
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

test('an answer arrives token by token', limit, async () => {
  await script({});
  const sessionId = randomUUID();
  const { events } = await watched(subscribe(sessionId));
  const answer = await start('Why do rivers meander?', sessionId);
  assert.equal(answer.status, 'streaming_started');
  await events.until('last event', ended);
  assertWholeAnswer(events.items, await read(sessionId), { sessionId, atLeast: 20 });

  const call = await lastModelCall();
  assert.equal(call.prompt, 'Why do rivers meander?');
  assert.equal(call.ended, 'completed');
  assert.equal(call.textSent, (await read(sessionId)).text);
  const sockets = (await connections()).filter(({ websocket }) => websocket);
  assert.deepEqual(sockets, [{ tls: true, websocket: true }]);
});

test('the first tokens arrive long before the last is made', limit, async () => {
  const tokens = Array.from({ length: 40 }, (_, at) => `word${at} `);
  await script({ tokens, msBetweenTokens: 20 });
  const sessionId = randomUUID();
  const { events } = await watched(subscribe(sessionId));
  await start('Count', sessionId);
  await events.until('first event', (items) => items.length > 0);
  assert.equal((await read(sessionId)).status, 'STREAMING');
  await events.until('last event', ended);
  // Tokens that arrived while one was being published may have come together, but none was cut.
  assert.ok(events.items.length >= 10, `${events.items.length} events`);
  for (const { token } of events.items) assert.match(token, /^(word\d+ )*$/);
  assert.equal(events.items.map(({ token }) => token).join(''), tokens.join(''));
});

test('two subscriptions share a socket and mix nothing', limit, async () => {
  await script({});
  const ids = [randomUUID(), randomUUID()];
  const inboxes = [];
  for (const id of ids) inboxes.push(await watched(subscribe(id)));
  await Promise.all(ids.map((id, at) => start(`What is the number ${at + 1}?`, id)));
  for (const [at, { events }] of inboxes.entries()) {
    await events.until('last event', ended);
    assertWholeAnswer(events.items, await read(ids[at]), { sessionId: ids[at], atLeast: 20 });
  }
  assert.equal((await connections()).filter(({ websocket }) => websocket).length, 1);
});

test('two subscribers of one session see the same', limit, async () => {
  const sessionId = randomUUID();
  const first = await watched(subscribe(sessionId));
  const second = await watched(open(sessionId));
  await acknowledged(sessionId, 2);
  await start('Who is there?', sessionId);
  for (const { events } of [first, second]) await events.until('last event', ended);
  assert.deepEqual(second.events.items, first.events.items);
});

test('both subscriptions to conversations hear of turns and of the end', limit, async () => {
  await script({});
  const owner = (await fetchAuthSession()).tokens.accessToken.payload.sub;
  const all = await watched(listen(ALL_CHANGES, { owner }));
  const conversationId = randomUUID();
  const turns = [randomUUID(), randomUUID()];
  const kinds = ({ events }) => events.items.map(({ kind }) => kind);
  const heard = (of, kind, sessionId = null) =>
    of.events.until(`${kind} of ${sessionId}`, (items) =>
      items.find((event) => event.kind === kind && event.sessionId === sessionId),
    );

  const first = await ask('Why do rivers meander?', conversationId, turns[0]);
  assert.deepEqual([first.status, first.parentId], ['streaming_started', null]);
  const begun = await heard(all, 'TURN_STARTED', turns[0]);
  assert.deepEqual([begun.conversationId, begun.title], [conversationId, 'Why do rivers meander?']);
  assert.equal((await heard(all, 'TURN_ENDED', turns[0])).status, 'COMPLETED');

  // A conversation can be subscribed to from its first turn on.
  const one = await watched(listen(CHANGES, { conversationId }));
  const second = await ask('And glaciers?', conversationId, turns[1]);
  assert.equal(second.parentId, turns[0]);
  for (const listener of [all, one]) await heard(listener, 'TURN_ENDED', turns[1]);
  assert.equal((await remove(conversationId)).conversationId, conversationId);
  for (const listener of [all, one]) await heard(listener, 'DELETED');
  const turn = ['TURN_STARTED', 'TURN_ENDED'];
  assert.deepEqual(kinds(one), [...turn, 'DELETED']);
  assert.deepEqual(kinds(all), [...turn, ...turn, 'DELETED']);
  assert.deepEqual([...one.errors.items, ...all.errors.items], []);
});

test('a subscription has what it selects, under its own names', limit, async () => {
  const sessionId = randomUUID();
  const query = /* GraphQL */ `
    subscription Some($sessionId: String!) {
      onTokenReceived(sessionId: $sessionId) {
        ...Text
        isComplete
        __typename
      }
    }
    fragment Text on TokenEvent {
      sessionId
      token
    }
  `;
  const { events } = await watched(subscribe(sessionId, query));
  await start('Only the text, please', sessionId);
  await events.until('last event', ended);
  for (const event of events.items) {
    assert.deepEqual(Object.keys(event).sort(), ['__typename', 'isComplete', 'sessionId', 'token']);
    assert.equal(event.__typename, 'TokenEvent');
  }
  assert.equal(events.items.map(({ token }) => token).join(''), (await read(sessionId)).text);
});

test('stopping keeps the text so far', limit, async () => {
  const tokens = Array.from({ length: 2_000 }, (_, at) => `${at} `);
  await script({ tokens, msBetweenTokens: 20 });
  const sessionId = randomUUID();
  const { events } = await watched(subscribe(sessionId));
  await start('Count for ever', sessionId);
  await events.until('five events', (items) => items.length >= 5);
  assert.equal((await stop(sessionId)).sessionId, sessionId);
  const last = await events.until('last event', ended);
  assert.equal(last.status, 'CANCELLED');
  const snapshot = await read(sessionId);
  assert.equal(snapshot.status, 'CANCELLED');
  assert.equal(snapshot.text, events.items.map(({ token }) => token).join(''));
  assert.ok(tokens.join('').startsWith(snapshot.text) && snapshot.text !== '');
  const call = await lastModelCall();
  assert.equal(call.ended, 'clientGone', "the model's stream is dropped");
  assert.equal((await stop(sessionId)).status, 'CANCELLED', 'stopping again changes nothing');
});

test('an answer that fails says why, and keeps its text', limit, async () => {
  const fault = { kind: 'fail', exception: 'validation', afterTokens: 3 };
  await script({ tokens: ['one ', 'two ', 'three ', 'four '], msBetweenTokens: 50, fault });
  const sessionId = randomUUID();
  const { events, errors } = await watched(subscribe(sessionId));
  await start('Fail', sessionId);
  const last = await events.until('last event', ended);
  assert.equal(last.status, 'FAILED');
  assert.equal(last.error.code, 'INVALID_PROMPT', 'the model refused what it was asked');
  assert.equal(last.error.retryable, false);
  assert.doesNotMatch(last.error.message, /Exception/);
  assert.deepEqual(errors.items, []);
  const snapshot = await read(sessionId);
  assert.equal(snapshot.status, 'FAILED');
  assert.equal(snapshot.text, 'one two three ');
  assert.equal(snapshot.text, events.items.map(({ token }) => token).join(''));
  assert.deepEqual(snapshot.error, last.error);
});

test('an answer that is tried again starts anew as the next attempt', limit, async () => {
  const fault = { kind: 'fail', exception: 'modelStreamError', afterTokens: 2 };
  await script({ tokens: ['one ', 'two ', 'three '], msBetweenTokens: 20, fault });
  const sessionId = randomUUID();
  const { events } = await watched(subscribe(sessionId));
  await start('Try again', sessionId);
  const last = await events.until('last event', ended);
  assert.equal(last.status, 'COMPLETED');
  assert.equal(last.attempt, 2);
  const text = (attempt) =>
    events.items
      .filter((event) => event.attempt === attempt)
      .map(({ token }) => token)
      .join('');
  assert.ok('one two '.startsWith(text(1)));
  assert.equal(text(2), 'one two three ');
  const second = events.items.filter(({ attempt }) => attempt === 2).map(({ sequence }) => sequence);
  assert.deepEqual(
    second,
    second.map((_, at) => at + 1),
  );
  assert.equal((await read(sessionId)).text, 'one two three ');
});

test('a cut socket is opened again, and getStream fills the gap', limit, async () => {
  // Amplify waits five seconds before it connects again: the answer must not end before it is told to.
  const tokens = Array.from({ length: 5_000 }, (_, at) => `token${at} `);
  await script({ tokens, msBetweenTokens: 20 });
  const sessionId = randomUUID();
  const { events, errors } = await watched(subscribe(sessionId));
  await start('Take your time', sessionId);
  await events.until('ten events', (items) => items.length >= 10);

  const before = hub.items.length;
  assert.equal(await dropWebsockets(), 1);
  await acknowledged(sessionId, 2);
  assert.deepEqual(connectionStates(hub.items.slice(before)), ['ConnectionDisrupted', 'Connecting', 'Connected']);

  const afterGap = (items) => items.findIndex(({ sequence }, at) => sequence !== at + 1);
  await events.until(
    'five events after the gap',
    (items) => afterGap(items) > 0 && items.length >= afterGap(items) + 5,
  );
  await stop(sessionId);
  const last = await events.until('last event', ended);
  const gap = afterGap(events.items);
  const numbers = events.items.map(({ sequence }) => sequence);
  assert.ok(gap >= 10 && numbers[gap] > gap + 1, `a gap after the cut, in ${numbers}`);
  assert.deepEqual(
    numbers.slice(gap),
    numbers.slice(gap).map((_, at) => numbers[gap] + at),
    'whole after the gap',
  );
  assert.deepEqual(errors.items, []);

  const snapshot = await read(sessionId);
  assert.equal(snapshot.sequence, last.sequence);
  assert.ok(tokens.join('').startsWith(snapshot.text));
  const [head, tail] = [events.items.slice(0, gap), events.items.slice(gap)].map((part) =>
    part.map(({ token }) => token).join(''),
  );
  assert.ok(snapshot.text.startsWith(head) && snapshot.text.endsWith(tail));
  assert.ok(snapshot.text.length > head.length + tail.length, 'getStream has what the socket missed');
});

test('bob may not subscribe to a session of alice', limit, async () => {
  await script({});
  const sessionId = randomUUID();
  const mine = await watched(subscribe(sessionId));
  await signInAs(bob);
  const { events, errors } = await watched(open(sessionId));
  const [error] = await errors.until('refusal', (items) => items.length > 0 && items);
  assert.match(error.errors[0].message, /^Connection failed: .*"errorType":"UNAUTHORIZED"/);

  // Alice's own goes on.
  await signInAs(alice);
  await start('Still mine?', sessionId);
  await mine.events.until('last event', ended);
  assertWholeAnswer(mine.events.items, await read(sessionId), { sessionId, atLeast: 20 });
  assert.deepEqual(events.items, [], 'bob saw nothing');
});

test('a session id that is none is refused', limit, async () => {
  const { errors } = await watched(open('no-uuid'));
  const [error] = await errors.until('refusal', (items) => items.length > 0 && items);
  assert.match(error.errors[0].message, /INVALID_PROMPT.*sessionId is not a UUID/);
});
