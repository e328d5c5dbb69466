// aws-amplify: sign-in over SRP, sessions, queries and mutations, and what they refuse.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { before, test } from 'node:test';

import { GetUserCommand } from '@aws-sdk/client-cognito-identity-provider';
import { Amplify } from 'aws-amplify';
import { fetchAuthSession, fetchUserAttributes, getCurrentUser, signIn, signOut } from 'aws-amplify/auth';
import {
  buildClientSchema,
  buildSchema,
  getIntrospectionQuery,
  lexicographicSortSchema,
  printType,
  validateSchema,
} from 'graphql';

import { client, config, outputs, read, signInAs, start } from './amplify.mjs';
import { cognito } from './sign-in.mjs';
import { PUBLISH, READ, START, STOP } from './session.mjs';
import { alice, bob, stack } from './stack.mjs';

const limit = { timeout: 120_000 };

/** The first GraphQL error of an operation that must fail. */
async function refusal(query, variables, options = {}) {
  const error = await client.graphql({ query, variables, ...options }).then(
    (answer) => assert.fail(`answered: ${JSON.stringify(answer)}`),
    (failed) => failed,
  );
  assert.ok(Array.isArray(error.errors), `GraphQL errors, not ${error}`);
  return { ...error.errors[0], data: error.data };
}

before(() => signInAs(alice));

test('the outputs are what Amplify expects', () => {
  assert.equal(outputs.data.url, stack.graphqlUrl);
  assert.equal(outputs.data.default_authorization_type, 'AMAZON_COGNITO_USER_POOLS');
  assert.equal(outputs.auth.user_pool_client_id, stack.userPoolClientId);
});

test('signs in with SRP, and knows who that is', limit, async () => {
  const { isSignedIn, nextStep } = await signInAs(alice);
  assert.equal(isSignedIn, true);
  assert.equal(nextStep.signInStep, 'DONE');
  const user = await getCurrentUser();
  assert.equal(user.username, 'alice');
  const attributes = await fetchUserAttributes();
  assert.equal(attributes.email, alice.email);
  assert.equal(attributes.sub, user.userId);
});

test('a wrong password and an unknown user look the same', limit, async () => {
  await signOut();
  for (const credentials of [
    { username: alice.username, password: 'Wrong-password-1' },
    { username: 'mallory', password: 'Wrong-password-1' },
  ]) {
    for (const authFlowType of ['USER_SRP_AUTH', 'USER_PASSWORD_AUTH']) {
      await assert.rejects(signIn({ ...credentials, options: { authFlowType } }), {
        name: 'NotAuthorizedException',
        message: 'Incorrect username or password.',
      });
    }
  }
  await signInAs(alice);
});

test('signs in with a password as well', limit, async () => {
  await signOut();
  const { isSignedIn } = await signIn({ ...alice, options: { authFlowType: 'USER_PASSWORD_AUTH' } });
  assert.equal(isSignedIn, true);
});

test('the session has tokens of this pool, and refreshes them', limit, async () => {
  const { tokens, userSub } = await fetchAuthSession();
  const { accessToken, idToken } = tokens;
  assert.equal(accessToken.payload.iss, stack.issuer);
  assert.equal(accessToken.payload.client_id, stack.userPoolClientId);
  assert.equal(accessToken.payload.token_use, 'access');
  assert.equal(accessToken.payload.username, 'alice');
  assert.equal(accessToken.payload.sub, userSub);
  assert.equal(idToken.payload.aud, stack.userPoolClientId);
  assert.equal(idToken.payload.token_use, 'id');
  assert.equal(idToken.payload['cognito:username'], 'alice');
  assert.equal(idToken.payload.email, alice.email);

  const refreshed = await fetchAuthSession({ forceRefresh: true });
  assert.notEqual(refreshed.tokens.accessToken.toString(), accessToken.toString());
  assert.equal(refreshed.userSub, userSub);
  assert.equal(await read(randomUUID()), null, 'the new token is accepted');
});

test('the API answers over TLS as well', limit, async () => {
  const endpoint = stack.graphqlUrl.replace('http:', 'https:');
  Amplify.configure({ ...config, API: { GraphQL: { ...config.API.GraphQL, endpoint } } });
  try {
    const { status } = await start('Is this secret?');
    assert.equal(status, 'streaming_started');
  } finally {
    Amplify.configure(config);
  }
});

test('starts a session, the same one each time that it is asked', limit, async () => {
  const sessionId = randomUUID();
  const first = await start('Why do rivers meander?', sessionId);
  assert.equal(first.sessionId, sessionId);
  assert.equal(first.status, 'streaming_started');
  assert.equal(first.error, null);
  const again = await start('Why do rivers meander?', sessionId);
  assert.equal(again.sessionId, sessionId);
  const { sessionId: minted } = await start('Why is the sky blue?');
  assert.match(minted, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.notEqual(minted, sessionId);
});

test('the longest prompt is taken', limit, async () => {
  const { status } = await start('é'.repeat(50_000));
  assert.equal(status, 'streaming_started');
});

test('bad input is refused by name, and without an answer', limit, async () => {
  for (const [query, field, variables, message] of [
    [START, 'startStream', { prompt: '' }, /prompt is empty/],
    [START, 'startStream', { prompt: ' \n' }, /prompt is empty/],
    [START, 'startStream', { prompt: 'x'.repeat(100_001) }, /100001 bytes: expected at most 100000/],
    [START, 'startStream', { prompt: 'hello', sessionId: 'no-uuid' }, /sessionId is not a UUID: expected the form x/],
    [READ, 'getStream', { sessionId: '' }, /sessionId is not a UUID/],
  ]) {
    const error = await refusal(query, variables);
    assert.equal(error.errorType, 'INVALID_PROMPT', message.source);
    assert.match(error.message, message);
    assert.deepEqual(error.path, [field]);
    assert.equal(error.data?.[field] ?? null, null);
  }
});

test('an operation that does not fit the schema is refused', limit, async () => {
  const unknownField = await refusal('query { getStream(sessionId: "x") { nonsense } }');
  assert.equal(
    unknownField.message,
    "Validation error of type FieldUndefined: Field 'nonsense' in type 'Stream' is undefined @ 'getStream/nonsense'",
  );
  const missing = await refusal(START, {});
  assert.equal(missing.message, "Variable 'prompt' has coerced Null value for NonNull type 'String!'");
  const number = await refusal(START, { prompt: ['not', 'a', 'text'] });
  assert.match(number.message, /^Variable 'prompt' has an invalid value/);
});

test('bob sees nothing of a session of alice', limit, async () => {
  const { sessionId } = await start('What is mine?');
  await signInAs(bob);
  // A read doesn't say whether somebody has the id.
  for (const id of [sessionId, randomUUID()]) {
    const { data } = await client.graphql({ query: READ, variables: { sessionId: id } });
    assert.equal(data.getStream, null);
  }
  for (const [query, field] of [
    [STOP, 'stopStream'],
    [START, 'startStream'],
  ]) {
    const error = await refusal(query, { sessionId, prompt: 'Whose is it?' });
    assert.equal(error.errorType, 'UNAUTHORIZED', field);
    assert.deepEqual(error.path, [field]);
  }
  await signInAs(alice);
});

test('no user publishes', limit, async () => {
  const error = await refusal(PUBLISH, { sessionId: randomUUID(), token: 'forged' });
  assert.equal(error.errorType, 'Unauthorized');
  assert.equal(error.message, 'Not Authorized to access publishToken on type Mutation');
  assert.deepEqual(error.path, ['publishToken']);
});

test('a token that is none is refused', limit, async () => {
  for (const authToken of ['nonsense', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.']) {
    const error = await refusal(READ, { sessionId: randomUUID() }, { authMode: 'userPool', authToken });
    // What Amplify makes of a 401.
    assert.equal(error.message, 'Unauthorized');
  }
});

test('without a user, nothing is sent', limit, async () => {
  await signOut();
  await assert.rejects(getCurrentUser(), { name: 'UserUnAuthenticatedException' });
  await assert.rejects(read(randomUUID()), { name: 'NoValidAuthTokens' });
  await signInAs(alice);
});

test('the schema that is introspected is the schema in the repository', limit, async () => {
  const { data } = await client.graphql({ query: getIntrospectionQuery() });
  const introspected = buildClientSchema(data);
  assert.deepEqual(validateSchema(introspected), []);
  const source = await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8');
  const ours = buildSchema(source, { assumeValidSDL: true });
  const print = (schema) => {
    const names = Object.keys(ours.getTypeMap()).filter((name) => !name.startsWith('__'));
    return names.toSorted().map((name) => printType(lexicographicSortSchema(schema).getType(name)));
  };
  assert.deepEqual(print(introspected), print(ours));
});

test('signing out everywhere ends every session of the user', limit, async () => {
  const { tokens } = await fetchAuthSession();
  await signOut({ global: true });
  await assert.rejects(getCurrentUser(), { name: 'UserUnAuthenticatedException' });
  const AccessToken = tokens.accessToken.toString();
  await assert.rejects(cognito.send(new GetUserCommand({ AccessToken })), { name: 'NotAuthorizedException' });
});
