// @aws-sdk/client-cognito-identity-provider, and aws-jwt-verify, which checks tokens as a back end would.
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { after, test } from 'node:test';

import {
  CognitoIdentityProviderServiceException,
  GetUserCommand,
  GlobalSignOutCommand,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
  RevokeTokenCommand,
  SignUpCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { JwtVerifier } from 'aws-jwt-verify';
import { validateCognitoJwtFields } from 'aws-jwt-verify/cognito-verifier';
import { CognitoJwtInvalidTokenUseError, JwtInvalidSignatureError } from 'aws-jwt-verify/error';

import { cognito, tokens } from './sign-in.mjs';
import { alice, bob, stack } from './stack.mjs';

const limit = { timeout: 120_000 };
const ClientId = stack.userPoolClientId;
after(() => cognito.destroy());

/** A verifier of this pool's tokens. It fetches keys over HTTPS only, which the stack's port speaks as well. */
const verifier = (tokenUse) =>
  JwtVerifier.create({
    issuer: stack.issuer,
    audience: null,
    jwksUri: `${stack.issuer.replace('http:', 'https:')}/.well-known/jwks.json`,
    customJwtCheck: ({ payload }) => validateCognitoJwtFields(payload, { tokenUse, clientId: ClientId }),
  });

async function assertRefused(command, name, message = /./) {
  await assert.rejects(cognito.send(command), (error) => {
    assert.ok(error instanceof CognitoIdentityProviderServiceException, `${name}: ${error}`);
    assert.equal(error.name, name);
    assert.match(error.message, message);
    assert.equal(error.$metadata.httpStatusCode, 400);
    assert.ok(error.$metadata.requestId);
    return true;
  });
}

const refresh = (REFRESH_TOKEN) =>
  new InitiateAuthCommand({ AuthFlow: 'REFRESH_TOKEN_AUTH', ClientId, AuthParameters: { REFRESH_TOKEN } });

test('a password becomes tokens, and tokens a user', limit, async () => {
  const { AccessToken, IdToken, RefreshToken, ExpiresIn, TokenType } = await tokens(alice);
  assert.equal(TokenType, 'Bearer');
  assert.equal(ExpiresIn, 3600);
  assert.ok(IdToken && RefreshToken);
  const { Username, UserAttributes } = await cognito.send(new GetUserCommand({ AccessToken }));
  assert.equal(Username, 'alice');
  const attributes = Object.fromEntries(UserAttributes.map(({ Name, Value }) => [Name, Value]));
  assert.equal(attributes.email, alice.email);
  assert.match(attributes.sub, /^[0-9a-f-]{36}$/);
});

test('a refresh token becomes new tokens of the same user', limit, async () => {
  const first = await tokens(alice);
  const { AuthenticationResult: second } = await cognito.send(refresh(first.RefreshToken));
  assert.notEqual(second.AccessToken, first.AccessToken);
  assert.equal(second.RefreshToken, undefined);
  const [before, now] = [first, second].map(({ AccessToken }) => claims(AccessToken));
  assert.equal(now.sub, before.sub);
  assert.equal(now.auth_time, before.auth_time);
});

test('what is wrong is refused by name', limit, async () => {
  const signIn = (AuthFlow, AuthParameters, client = ClientId) =>
    new InitiateAuthCommand({ AuthFlow, ClientId: client, AuthParameters });
  const wrong = { USERNAME: 'alice', PASSWORD: 'wrong' };
  const incorrect = /^Incorrect username or password\.$/;
  await assertRefused(signIn('USER_PASSWORD_AUTH', wrong), 'NotAuthorizedException', incorrect);
  await assertRefused(
    signIn('USER_PASSWORD_AUTH', { ...wrong, USERNAME: 'mallory' }),
    'NotAuthorizedException',
    incorrect,
  );
  await assertRefused(
    signIn('USER_PASSWORD_AUTH', wrong, 'nobodysclient'),
    'ResourceNotFoundException',
    /nobodysclient/,
  );
  await assertRefused(signIn('USER_PASSWORD_AUTH', { USERNAME: 'alice' }), 'InvalidParameterException', /PASSWORD/);
  await assertRefused(signIn('NO_SUCH_FLOW', wrong), 'InvalidParameterException', /NO_SUCH_FLOW/);
  await assertRefused(
    signIn('USER_SRP_AUTH', { USERNAME: 'alice', SRP_A: 'not hex' }),
    'InvalidParameterException',
    /SRP_A/,
  );
  await assertRefused(refresh('nonsense'), 'NotAuthorizedException', /Invalid Refresh Token/);
  await assertRefused(new GetUserCommand({ AccessToken: 'nonsense' }), 'NotAuthorizedException');
  const { IdToken } = await tokens(alice);
  await assertRefused(new GetUserCommand({ AccessToken: IdToken }), 'NotAuthorizedException');
  const forged = {
    USERNAME: 'alice',
    PASSWORD_CLAIM_SECRET_BLOCK: 'AAAA',
    PASSWORD_CLAIM_SIGNATURE: 'AAAA',
    TIMESTAMP: 'Thu Jan 1 00:00:00 UTC 2026',
  };
  await assertRefused(
    new RespondToAuthChallengeCommand({ ChallengeName: 'PASSWORD_VERIFIER', ClientId, ChallengeResponses: forged }),
    'NotAuthorizedException',
  );
  await assertRefused(
    new SignUpCommand({ ClientId, Username: 'new', Password: 'New-password-1' }),
    'UnknownOperationException',
    /SignUp/,
  );
});

test('signing out everywhere ends every session of that user, and no other', limit, async () => {
  const [first, second, other] = [await tokens(bob), await tokens(bob), await tokens(alice)];
  await cognito.send(new GlobalSignOutCommand({ AccessToken: first.AccessToken }));
  for (const { AccessToken, RefreshToken } of [first, second]) {
    await assertRefused(new GetUserCommand({ AccessToken }), 'NotAuthorizedException', /revoked/i);
    await assertRefused(refresh(RefreshToken), 'NotAuthorizedException', /revoked/i);
  }
  await cognito.send(new GetUserCommand({ AccessToken: other.AccessToken }));
  await cognito.send(new GetUserCommand({ AccessToken: (await tokens(bob)).AccessToken }));
});

test('revoking a refresh token ends its session alone', limit, async () => {
  const [first, second] = [await tokens(bob), await tokens(bob)];
  await cognito.send(new RevokeTokenCommand({ Token: first.RefreshToken, ClientId }));
  await assertRefused(refresh(first.RefreshToken), 'NotAuthorizedException', /revoked/i);
  await cognito.send(refresh(second.RefreshToken));
});

test('aws-jwt-verify accepts the tokens, each for its use', limit, async () => {
  const { AccessToken, IdToken } = await tokens(alice);
  const access = await verifier('access').verify(AccessToken);
  assert.equal(access.username, 'alice');
  const id = await verifier('id').verify(IdToken);
  assert.equal(id.sub, access.sub);
  await assert.rejects(verifier('id').verify(AccessToken), CognitoJwtInvalidTokenUseError);
  const [header, , signature] = AccessToken.split('.');
  const forged = Buffer.from(JSON.stringify({ ...claims(AccessToken), username: 'bob' })).toString('base64url');
  await assert.rejects(verifier('access').verify([header, forged, signature].join('.')), JwtInvalidSignatureError);
});

test('AppSync and Cognito refuse a token with the right claims and the wrong key', limit, async () => {
  const { AccessToken } = await tokens(alice);
  const [header, payload] = AccessToken.split('.');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const signature = sign('sha256', Buffer.from(`${header}.${payload}`), privateKey).toString('base64url');
  const forged = `${header}.${payload}.${signature}`;
  await assertRefused(new GetUserCommand({ AccessToken: forged }), 'NotAuthorizedException');
  const response = await fetch(stack.graphqlUrl, {
    method: 'POST',
    headers: { authorization: forged, 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ __typename }' }),
  });
  assert.equal(response.status, 401);
  assert.equal((await response.json()).errors[0].errorType, 'UnauthorizedException');
});

test('discovery leads to the keys', limit, async () => {
  const discovery = await (await fetch(`${stack.issuer}/.well-known/openid-configuration`)).json();
  assert.equal(discovery.issuer, stack.issuer);
  const { keys } = await (await fetch(discovery.jwks_uri)).json();
  const { AccessToken } = await tokens(alice);
  const { kid, alg } = JSON.parse(Buffer.from(AccessToken.split('.')[0], 'base64url'));
  assert.equal(alg, 'RS256');
  const key = keys.find((one) => one.kid === kid);
  assert.deepEqual([key.kty, key.alg, key.use], ['RSA', 'RS256', 'sig']);
});

function claims(jwt) {
  return JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'));
}
