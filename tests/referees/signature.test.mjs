// @smithy/signature-v4: AppSync verifies signatures, so one made with a key that it doesn't know is worth nothing.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';

import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import WebSocket from 'ws';

import { Inbox } from './inbox.mjs';
import { EVENTS, PUBLISH } from './session.mjs';
import { stack } from './stack.mjs';

const limit = { timeout: 120_000 };
const url = new URL(stack.graphqlUrl);
const credentials = { accessKeyId: 'AKIASTRANGER', secretAccessKey: 'a-secret-that-nobody-gave-out' };

async function signed(path, body, { signingDate = new Date(), service = 'appsync' } = {}) {
  const signer = new SignatureV4({ credentials, region: stack.region, service, sha256: Sha256 });
  const request = {
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    port: Number(url.port),
    path,
    headers: { host: url.host, 'content-type': 'application/json' },
    body,
  };
  return (await signer.sign(request, { signingDate })).headers;
}

const publish = JSON.stringify({ query: PUBLISH, variables: { sessionId: randomUUID(), token: 'forged' } });

async function post(headers, body = publish) {
  const { host: _, ...others } = headers;
  const response = await fetch(url, { method: 'POST', headers: others, body });
  const { data, errors } = await response.json();
  assert.equal(data ?? null, null);
  assert.ok(response.headers.get('x-amzn-requestid'));
  return { status: response.status, header: response.headers.get('x-amzn-errortype'), ...errors[0] };
}

test('an unknown key is refused', limit, async () => {
  const refused = await post(await signed('/graphql', publish));
  assert.equal(refused.status, 403);
  assert.equal(refused.header, 'UnrecognizedClientException');
  assert.equal(refused.errorType, 'UnrecognizedClientException');
  assert.equal(refused.message, 'The security token included in the request is invalid.');
});

test('so is an old signature', limit, async () => {
  const refused = await post(await signed('/graphql', publish, { signingDate: new Date(Date.now() - 6 * 60_000) }));
  assert.equal(refused.status, 403);
  assert.equal(refused.errorType, 'InvalidSignatureException');
  assert.match(refused.message, /expired/i);
});

test('and one of another service', limit, async () => {
  const refused = await post(await signed('/graphql', publish, { service: 'sqs' }));
  assert.match(`${refused.status}`, /^4/);
  assert.match(refused.errorType, /Exception$/);
});

test('and a request that is not signed at all', limit, async () => {
  const refused = await post({ 'content-type': 'application/json' });
  assert.equal(refused.status, 401);
  assert.equal(refused.errorType, 'UnauthorizedException');
});

test('a socket that an unknown key signed is refused in the protocol', limit, async () => {
  const headers = await signed('/graphql/connect', '{}');
  const encoded = Buffer.from(JSON.stringify(headers)).toString('base64');
  const realtime = `${stack.graphqlUrl.replace('http', 'ws')}/realtime?header=${encodeURIComponent(encoded)}&payload=e30=`;
  const frames = new Inbox();
  const socket = new WebSocket(realtime, 'graphql-ws');
  socket.on('message', (frame) => frames.push(JSON.parse(frame)));
  socket.on('error', (error) => frames.push({ type: 'failed', error: `${error}` }));
  socket.on('close', (code) => frames.push({ type: 'closed', code }));
  const [refused] = await frames.until('close', (items) => items.at(-1)?.type === 'closed' && items);
  assert.equal(refused.type, 'connection_error');
  const [error] = refused.payload.errors;
  assert.equal(error.errorType, 'UnauthorizedException');
  assert.equal(error.errorCode, 401);
  assert.equal(
    frames.items.some(({ type }) => type === 'connection_ack'),
    false,
  );
  assert.ok(EVENTS.includes('onTokenReceived'));
});
