// ws, the WebSocket client of Node: answers over the WebSocket API, from the real functions.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';

import WebSocket from 'ws';

import { Inbox } from './inbox.mjs';
import { tokens } from './sign-in.mjs';
import { alice, bob, lastModelCall, stack } from './stack.mjs';

const limit = { timeout: 120_000 };

const { AccessToken: aliceToken, IdToken: aliceIdToken } = await tokens(alice);
const { AccessToken: bobToken } = await tokens(bob);

/** A socket that is open, and the frames that it received. */
async function connect(url, options) {
  const socket = new WebSocket(url, options);
  const frames = new Inbox();
  socket.on('message', (data) => frames.push(JSON.parse(data.toString())));
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  const send = (message) => socket.send(JSON.stringify(message));
  return { socket, frames, send };
}

const inQuery = (token) => connect(`${stack.webSocketUrl}?token=${token}`);
const inHeader = (token) => connect(stack.webSocketUrl, { headers: { Authorization: `Bearer ${token}` } });

/** The events of a session up to its last, once that is there. */
function wholeAnswer({ frames }, sessionId) {
  return frames.until('end of the session', (all) => {
    const events = all.filter((frame) => frame.sessionId === sessionId && 'sequence' in frame);
    return events.at(-1)?.isComplete ? events : undefined;
  });
}

/** Each event begins where the one before ended; their text. */
function assertInOrder(events) {
  let last = 0;
  for (const event of events) {
    assert.equal(event.firstSequence ?? event.sequence, last + 1);
    last = event.sequence;
  }
  return events.map(({ token }) => token).join('');
}

test('an answer, with the token in the query string or in a header', limit, async () => {
  for (const [how, token] of [
    [inQuery, aliceToken],
    [inQuery, aliceIdToken],
    [inHeader, aliceToken],
  ]) {
    const client = await how(token);
    const sessionId = randomUUID();
    client.send({ action: 'stream', prompt: 'Why do rivers meander?', sessionId });
    const events = await wholeAnswer(client, sessionId);
    const started = client.frames.items.find(({ type }) => type === 'started');
    assert.equal(started.sessionId, sessionId);
    assert.equal(assertInOrder(events), (await lastModelCall()).textSent);
    const end = events.at(-1);
    assert.equal(end.type, 'complete');
    assert.equal(end.status, 'COMPLETED');
    assert.ok(end.usage.outputTokens > 0);
    assert.ok(events.slice(0, -1).every(({ type, isComplete }) => type === 'token' && !isComplete));
    client.socket.close();
  }
});

test('a socket that breaks, resumed on another', limit, async () => {
  const first = await inQuery(aliceToken);
  const sessionId = randomUUID();
  first.send({ action: 'stream', prompt: 'Why do rivers meander?', sessionId });
  const known = await first.frames.until('some events', (all) => {
    const events = all.filter((frame) => 'sequence' in frame);
    return events.length >= 5 ? events : undefined;
  });
  first.socket.terminate();
  const { attempt, sequence } = known.at(-1);
  const second = await inHeader(aliceToken);
  second.send({ action: 'resume', sessionId, attempt, sequence });
  const rest = await wholeAnswer(second, sessionId);
  assert.equal(assertInOrder([...known, ...rest]), (await lastModelCall()).textSent);
  second.socket.close();
});

test('what is refused is a frame, and the socket lives', limit, async () => {
  const hers = await inQuery(aliceToken);
  const sessionId = randomUUID();
  hers.send({ action: 'stream', prompt: 'Mine', sessionId });
  await wholeAnswer(hers, sessionId);
  const his = await inQuery(bobToken);
  for (const [message, code] of [
    ['no JSON', 'INVALID_PROMPT'],
    ['{"action":"dance"}', 'INVALID_PROMPT'],
    [JSON.stringify({ action: 'resume', sessionId }), 'UNAUTHORIZED'],
    [JSON.stringify({ action: 'stop', sessionId }), 'UNAUTHORIZED'],
  ]) {
    const before = his.frames.items.length;
    his.socket.send(message);
    const answer = await his.frames.until('a refusal', (all) => all[before]);
    assert.equal(answer.type, 'error');
    assert.equal(answer.error.code, code, message);
  }
  assert.equal(his.socket.readyState, WebSocket.OPEN);
  his.socket.close();
  hers.socket.close();
});

test('nobody connects without a token of the pool', limit, async () => {
  for (const url of [stack.webSocketUrl, `${stack.webSocketUrl}?token=${aliceToken}x`]) {
    await assert.rejects(connect(url), /401/);
  }
});
