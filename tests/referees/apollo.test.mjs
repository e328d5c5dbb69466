// Apollo Client with AWS's own links for AppSync: HTTP and ws://, in plain text.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';

import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { AUTH_TYPE, createAuthLink } from 'aws-appsync-auth-link';
import { CONTROL_EVENTS_KEY, createSubscriptionHandshakeLink } from 'aws-appsync-subscription-link';
import { filter } from 'rxjs';
import WebSocket from 'ws';

import { Inbox } from './inbox.mjs';
import { EVENTS, READ, START, STOP, assertWholeAnswer, ended } from './session.mjs';
import { tokens } from './sign-in.mjs';
import { alice, bob, connections, dropWebsockets, script, stack } from './stack.mjs';

globalThis.WebSocket = WebSocket;

const limit = { timeout: 120_000 };

/** The ids of sessions whose subscriptions are acknowledged. The link tells it in a message, before any event. */
const acknowledged = new Inbox();
const takeAcknowledgements = new ApolloLink((operation, forward) =>
  forward(operation).pipe(
    filter(({ extensions }) => {
      const isAcknowledgement = extensions?.controlMsgType === 'CONNECTED';
      if (isAcknowledgement) acknowledged.push(operation.variables.sessionId);
      return !isAcknowledgement;
    }),
  ),
);

/** A client as the links' own documentation makes it. */
function apollo(jwtToken) {
  const auth = { type: AUTH_TYPE.AMAZON_COGNITO_USER_POOLS, jwtToken };
  const options = { url: stack.graphqlUrl, region: stack.region, auth };
  const http = new HttpLink({ uri: options.url });
  const link = ApolloLink.from([
    takeAcknowledgements,
    createAuthLink(options),
    createSubscriptionHandshakeLink(options, http),
  ]);
  const noCache = { fetchPolicy: 'no-cache' };
  return new ApolloClient({ link, cache: new InMemoryCache(), defaultOptions: { query: noCache, mutate: noCache } });
}

const { AccessToken, IdToken } = await tokens(alice);
const client = apollo(async () => AccessToken);

async function read(sessionId) {
  const { data } = await client.query({ query: gql(READ), variables: { sessionId } });
  return data.getStream;
}

/** Subscribes, without waiting. */
function open(by, sessionId) {
  const [events, errors] = [new Inbox(), new Inbox()];
  const context = { controlMessages: { [CONTROL_EVENTS_KEY]: true } };
  by.subscribe({ query: gql(EVENTS), variables: { sessionId }, context }).subscribe(({ data, error }) => {
    if (error) errors.push(error);
    else events.push(data.onTokenReceived);
  });
  return { events, errors };
}

/** Subscribes; resolves once the subscription is acknowledged. */
async function subscribe(by, sessionId) {
  const before = acknowledged.items.length;
  const subscription = open(by, sessionId);
  await acknowledged.until(`acknowledgement of ${sessionId}`, (ids) => ids.indexOf(sessionId, before) >= 0);
  return subscription;
}

/** What the link says about a subscription that must fail. */
async function refusal(by, sessionId) {
  const { events, errors } = open(by, sessionId);
  const error = await errors.until('refusal', (items) => items[0]);
  assert.deepEqual(events.items, []);
  return error.cause.errors[0].message;
}

test('an answer arrives token by token, over ws://', limit, async () => {
  const sessionId = randomUUID();
  const { events } = await subscribe(client, sessionId);
  const variables = { prompt: 'Why do rivers meander?', sessionId };
  const { data } = await client.mutate({ mutation: gql(START), variables });
  assert.equal(data.startStream.status, 'streaming_started');
  await events.until('last event', ended);
  // Apollo asks for __typename by itself.
  for (const event of events.items) assert.equal(event.__typename, 'TokenEvent');
  assertWholeAnswer(events.items, await read(sessionId), { sessionId, atLeast: 20 });
  const sockets = (await connections()).filter(({ websocket }) => websocket);
  assert.deepEqual(sockets, [{ tls: false, websocket: true }]);
});

test('an ID token does as well as an access token', limit, async () => {
  await subscribe(apollo(IdToken), randomUUID());
});

test('bob may neither read nor subscribe', limit, async () => {
  const sessionId = randomUUID();
  await client.mutate({ mutation: gql(START), variables: { prompt: 'Mine', sessionId } });
  const { AccessToken: jwtToken } = await tokens(bob);
  const other = apollo(jwtToken);
  assert.match(await refusal(other, sessionId), /"errorType":"UNAUTHORIZED"/);
  const { data } = await other.query({ query: gql(READ), variables: { sessionId } });
  assert.equal(data.getStream, null, 'as of an unknown id');
});

test('a wrong token is refused', limit, async () => {
  const forger = apollo('nonsense');
  assert.match(await refusal(forger, randomUUID()), /UnauthorizedException/);
  await assert.rejects(forger.query({ query: gql(READ), variables: { sessionId: randomUUID() } }), (error) => {
    assert.equal(error.statusCode, 401);
    return true;
  });
});

test('a cut socket ends the subscription with an error, and the next one works', limit, async () => {
  await script({ tokens: Array.from({ length: 5_000 }, (_, at) => `${at} `), msBetweenTokens: 20 });
  const sessionId = randomUUID();
  const cut = await subscribe(client, sessionId);
  await client.mutate({ mutation: gql(START), variables: { prompt: 'Go on', sessionId } });
  await cut.events.until('three events', (items) => items.length >= 3);
  assert.ok((await dropWebsockets()) > 0);
  await cut.errors.until('error', (items) => items[0]);

  const { events } = await subscribe(client, sessionId);
  await events.until('three events', (items) => items.length >= 3);
  await client.mutate({ mutation: gql(STOP), variables: { sessionId } });
  const last = await events.until('last event', ended);
  assert.equal(last.status, 'CANCELLED');
  assert.equal((await read(sessionId)).sequence, last.sequence);
});
