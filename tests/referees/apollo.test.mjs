// Apollo Client with AWS's own links for AppSync: HTTP and ws://, in plain text.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';

import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { AUTH_TYPE, createAuthLink } from 'aws-appsync-auth-link';
import { CONTROL_EVENTS_KEY, createSubscriptionHandshakeLink } from 'aws-appsync-subscription-link';
import WebSocket from 'ws';

import { Inbox } from './inbox.mjs';
import { EVENTS, READ, START, assertWholeAnswer, ended } from './session.mjs';
import { tokens } from './sign-in.mjs';
import { alice, bob, connections, dropWebsockets, script, stack } from './stack.mjs';

globalThis.WebSocket = WebSocket;

const limit = { timeout: 20_000 };

/** A client as the links' README makes it. `field` says which token it is handed. */
function apollo(jwtToken, region = stack.region) {
  const options = {
    url: stack.graphqlUrl,
    region,
    auth: { type: AUTH_TYPE.AMAZON_COGNITO_USER_POOLS, jwtToken },
  };
  const http = new HttpLink({ uri: options.url });
  const link = ApolloLink.from([createAuthLink(options), createSubscriptionHandshakeLink(options, http)]);
  const noCache = { fetchPolicy: 'no-cache' };
  return new ApolloClient({ link, cache: new InMemoryCache(), defaultOptions: { query: noCache, mutate: noCache } });
}

const { AccessToken, IdToken } = await tokens(alice);
const client = apollo(async () => AccessToken);

async function read(sessionId) {
  const { data } = await client.query({ query: gql(READ), variables: { sessionId } });
  return data.getStream;
}

/** Resolves with the inbox of events once the subscription is acknowledged, which the link tells as a message. */
async function subscribe(by, sessionId) {
  const [messages, errors] = [new Inbox(), new Inbox()];
  by.subscribe({ query: gql(EVENTS), variables: { sessionId, [CONTROL_EVENTS_KEY]: true } }).subscribe({
    next: (message) => (message.error ? errors.push(message.error) : messages.push(message)),
    error: (error) => errors.push(error),
  });
  const isAcknowledged = ({ extensions }) => extensions?.controlMsgType === 'CONNECTED';
  const outcome = new Inbox();
  messages.until('acknowledgement', (items) => items.some(isAcknowledged)).then(() => outcome.push(null), () => {});
  errors.until('error', (items) => items[0]).then((error) => outcome.push(error), () => {});
  const refused = await outcome.until('acknowledgement or error', (items) => items.length > 0 && items).then(([it]) => it);
  const events = () => messages.items.filter((it) => !isAcknowledged(it)).map(({ data }) => data.onTokenReceived);
  const last = () => messages.until('last event', () => ended(events()));
  return { refused, events, last, errors };
}

test('an answer arrives token by token, over ws://', limit, async () => {
  const sessionId = randomUUID();
  const { refused, events, last } = await subscribe(client, sessionId);
  assert.equal(refused, null);
  const variables = { prompt: 'Why do rivers meander?', sessionId };
  const { data } = await client.mutate({ mutation: gql(START), variables });
  assert.equal(data.startStream.status, 'streaming_started');
  await last();
  // Apollo asks for __typename by itself.
  for (const event of events()) assert.equal(event.__typename, 'TokenEvent');
  assertWholeAnswer(events(), await read(sessionId), { sessionId, atLeast: 20 });
  const sockets = (await connections()).filter(({ websocket }) => websocket);
  assert.deepEqual(sockets, [{ tls: false, websocket: true }]);
});

test('an ID token does as well as an access token', limit, async () => {
  const { refused } = await subscribe(apollo(IdToken), randomUUID());
  assert.equal(refused, null);
});

test('bob may neither read nor subscribe', limit, async () => {
  const sessionId = randomUUID();
  await client.mutate({ mutation: gql(START), variables: { prompt: 'Mine', sessionId } });
  const { AccessToken: jwtToken } = await tokens(bob);
  const other = apollo(jwtToken);
  const { refused } = await subscribe(other, sessionId);
  assert.match(JSON.stringify(refused), /UNAUTHORIZED/);
  await assert.rejects(other.query({ query: gql(READ), variables: { sessionId } }), (error) => {
    assert.equal(error.name, 'CombinedGraphQLErrors');
    assert.equal(error.errors[0].errorType, 'UNAUTHORIZED');
    return true;
  });
});

test('a wrong token is refused', limit, async () => {
  const forger = apollo('nonsense');
  const { refused } = await subscribe(forger, randomUUID());
  assert.match(JSON.stringify(refused) + refused?.message, /UnauthorizedException/);
  await assert.rejects(forger.query({ query: gql(READ), variables: { sessionId: randomUUID() } }), (error) => {
    assert.equal(error.statusCode, 401);
    return true;
  });
});

test('a cut socket ends the subscription with an error, and the next one works', limit, async () => {
  await script({ tokens: Array.from({ length: 50 }, (_, at) => `${at} `), msBetweenTokens: 20 });
  const sessionId = randomUUID();
  const cut = await subscribe(client, sessionId);
  await client.mutate({ mutation: gql(START), variables: { prompt: 'Go on', sessionId } });
  assert.ok((await dropWebsockets()) > 0);
  await cut.errors.until('error', (items) => items[0]);
  const again = await subscribe(client, sessionId);
  assert.equal(again.refused, null);
  const last = await again.last();
  assert.equal(last.status, 'COMPLETED');
  assert.equal((await read(sessionId)).sequence, last.sequence);
});
