// Clients that sign with an access key: Amplify's signer and that of AppSync's links, over HTTP and on the socket.
//
// A key may publish, as the worker does, and nothing else.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { before, test } from 'node:test';

import { Amplify } from 'aws-amplify';

import { client, config, open, signInAs, subscribe } from './amplify.mjs';
import { Inbox } from './inbox.mjs';
import { EVENTS, READ, START, ended } from './session.mjs';
import { accessKey, alice, stack } from './stack.mjs';

// The signer of the links' ES modules fails in Node ("Sha256 is not a constructor"); that of their CommonJS doesn't.
const require = createRequire(import.meta.url);
const { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } = require('@apollo/client');
const { AUTH_TYPE, createAuthLink } = require('aws-appsync-auth-link');
const { createSubscriptionHandshakeLink } = require('aws-appsync-subscription-link');

const limit = { timeout: 120_000 };
const iam = { authMode: 'iam' };

const PUBLISH_ALL = /* GraphQL */ `
  mutation Publish($sessionId: String!, $token: String!, $isComplete: Boolean!, $sequence: Int) {
    publishToken(
      sessionId: $sessionId
      token: $token
      isComplete: $isComplete
      sequence: $sequence
      attempt: 1
      status: STREAMING
      usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 }
    ) {
      sessionId
      token
      isComplete
      timestamp
      sequence
      attempt
      status
      usage {
        inputTokens
        outputTokens
        totalTokens
      }
    }
  }
`;

let key;

/** Amplify with a key of its own, as with those of an identity pool. */
function useKey(credentials) {
  const credentialsProvider = {
    getCredentialsAndIdentityId: async () => ({ credentials }),
    clearCredentialsAndIdentityId() {},
  };
  Amplify.configure(config, { Auth: { credentialsProvider } });
}

/** Apollo with a key. */
function apollo(credentials) {
  const options = { url: stack.graphqlUrl, region: stack.region, auth: { type: AUTH_TYPE.AWS_IAM, credentials } };
  // Apollo 4 adds extensions to the body and types to `accept`, after the auth link has signed both: AWS refuses it, too.
  const asSigned = (url, init) => fetch(url, { ...init, headers: { ...init.headers, accept: '*/*' } });
  const http = new HttpLink({ uri: options.url, includeExtensions: false, fetch: asSigned });
  const link = ApolloLink.from([createAuthLink(options), createSubscriptionHandshakeLink(options, http)]);
  return new ApolloClient({ link, cache: new InMemoryCache() });
}

before(async () => {
  key = await accessKey();
  await signInAs(alice);
});

test('what a key publishes reaches the subscriber, by both clients', limit, async () => {
  const sessionId = randomUUID();
  const { events, close } = await subscribe(sessionId);

  useKey(key);
  const token = 'one — 川 "quoted" \\ 🏞️ ';
  const variables = { sessionId, token, isComplete: false, sequence: 1 };
  const { data } = await client.graphql({ query: PUBLISH_ALL, variables, ...iam });
  assert.equal(data.publishToken.token, token);
  assert.equal(data.publishToken.usage.totalTokens, 3);

  const { data: second } = await apollo(key).mutate({
    mutation: gql(PUBLISH_ALL),
    variables: { sessionId, token: 'two', isComplete: true, sequence: 2 },
  });
  assert.equal(second.publishToken.token, 'two');

  await events.until('last event', ended);
  const [first, last] = events.items;
  assert.equal(events.items.length, 2);
  assert.equal(first.token, token);
  assert.deepEqual(first.usage, data.publishToken.usage);
  assert.equal(first.timestamp, data.publishToken.timestamp);
  assert.equal(last.token, 'two');
  // What the mutation did not select is null to subscribers.
  assert.equal(last.stopReason, null);
  assert.equal(last.error, null);
  close();
});

test('a key may do nothing else', limit, async () => {
  useKey(key);
  const sessionId = randomUUID();
  for (const [query, variables, field, type] of [
    [READ, { sessionId }, 'getStream', 'Query'],
    [START, { prompt: 'hello' }, 'startStream', 'Mutation'],
  ]) {
    const refused = await client.graphql({ query, variables, ...iam }).then(assert.fail, (error) => error.errors[0]);
    assert.equal(refused.errorType, 'Unauthorized');
    assert.equal(refused.message, `Not Authorized to access ${field} on type ${type}`);
  }
});

test('nor subscribe, though the socket opens', limit, async () => {
  useKey(key);
  const { events, errors } = open(randomUUID(), EVENTS, iam);
  const [error] = await errors.until('refusal', (items) => items.length > 0 && items);
  assert.match(error.errors[0].message, /Not Authorized to access onTokenReceived on type Subscription/);
  assert.deepEqual(events.items, []);

  assert.match(await refusalOfLink(key), /Not Authorized to access onTokenReceived on type Subscription/);
});

test('a wrong secret, and a key without its session token, are refused', limit, async () => {
  const variables = { sessionId: randomUUID(), token: 'forged', isComplete: false };
  for (const [wrong, name] of [
    [{ ...key, secretAccessKey: 'another' }, 'InvalidSignatureException'],
    [{ ...key, sessionToken: 'another' }, 'UnrecognizedClientException'],
    [{ ...key, sessionToken: undefined }, 'UnrecognizedClientException'],
    [{ ...key, accessKeyId: 'AKIANOBODY' }, 'UnrecognizedClientException'],
  ]) {
    useKey(wrong);
    const { errors } = await client.graphql({ query: PUBLISH_ALL, variables, ...iam }).then(assert.fail, (it) => it);
    assert.equal(errors[0].originalError.name, name);
    await assert.rejects(apollo(wrong).mutate({ mutation: gql(PUBLISH_ALL), variables }), (failed) => {
      assert.equal(failed.statusCode, 403);
      assert.equal(JSON.parse(failed.bodyText).errors[0].errorType, name);
      return true;
    });
  }
  assert.equal(await refusalOfLink({ ...key, secretAccessKey: 'another' }), 'Connection failed: BadRequestException');
});

/** What AppSync's link says about a subscription that must fail. */
async function refusalOfLink(credentials) {
  const errors = new Inbox();
  const options = { query: gql(EVENTS), variables: { sessionId: randomUUID() } };
  apollo(credentials)
    .subscribe(options)
    .subscribe(({ error }) => errors.push(error));
  const error = await errors.until('refusal', (items) => items[0]);
  return error.cause.errors[0].message;
}
