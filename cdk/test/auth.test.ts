import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Deployment, only } from './deployment';

const POOL = 'AWS::Cognito::UserPool';
const CLIENT = 'AWS::Cognito::UserPoolClient';

describe('the user pool', () => {
  const template = new Deployment().template('Auth');

  test('asks for long passwords, verified e-mail, and offers a second factor', () => {
    template.hasResourceProperties(POOL, {
      UsernameAttributes: ['email'],
      AutoVerifiedAttributes: ['email'],
      UsernameConfiguration: { CaseSensitive: false },
      MfaConfiguration: 'OPTIONAL',
      EnabledMfas: ['SOFTWARE_TOKEN_MFA'],
      AccountRecoverySetting: { RecoveryMechanisms: [{ Name: 'verified_email', Priority: 1 }] },
      Policies: {
        PasswordPolicy: {
          MinimumLength: 12,
          RequireLowercase: true,
          RequireUppercase: true,
          RequireNumbers: true,
          RequireSymbols: true,
          TemporaryPasswordValidityDays: 3,
        },
      },
    });
  });

  test('lets nobody sign up unless told to', () => {
    template.hasResourceProperties(POOL, { AdminCreateUserConfig: { AllowAdminCreateUserOnly: true } });
    new Deployment({ selfSignUp: 'true' })
      .template('Auth')
      .hasResourceProperties(POOL, { AdminCreateUserConfig: { AllowAdminCreateUserOnly: false } });
  });

  test('has a client without a secret, for SRP and refreshing and nothing else', () => {
    const { Properties: client } = only(template, CLIENT);
    assert.deepEqual(client['ExplicitAuthFlows'], ['ALLOW_USER_SRP_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH']);
    assert.equal(client['GenerateSecret'], false);
    assert.equal(client['PreventUserExistenceErrors'], 'ENABLED');
    assert.equal(client['EnableTokenRevocation'], true);
    assert.equal(client['AllowedOAuthFlowsUserPoolClient'], false);
  });

  test('is kept in production, with what was asked for', () => {
    const pool = only(
      new Deployment({ stage: 'prod', mfa: 'required', threatProtection: 'true' }).template('Auth'),
      POOL,
    );
    assert.equal(pool['DeletionPolicy'], 'Retain');
    assert.equal(pool.Properties['DeletionProtection'], 'ACTIVE');
    assert.equal(pool.Properties['MfaConfiguration'], 'ON');
    assert.equal(pool.Properties['UserPoolTier'], 'PLUS');
    assert.deepEqual(pool.Properties['UserPoolAddOns'], { AdvancedSecurityMode: 'ENFORCED' });
  });

  test('and its client are in the outputs', () => {
    template.hasOutput('UserPoolId', {});
    template.hasOutput('UserPoolClientId', {});
  });
});

describe('a pool that is there already', () => {
  test('gets an app client, and the API takes its tokens, from its own Region', () => {
    const deployment = new Deployment({ userPoolId: 'eu-west-1_AbCdEfGhI' });
    const auth = deployment.template('Auth');
    auth.resourceCountIs(POOL, 0);
    auth.hasResourceProperties(CLIENT, { UserPoolId: 'eu-west-1_AbCdEfGhI', GenerateSecret: false });
    deployment.template('Streaming').hasResourceProperties('AWS::AppSync::GraphQLApi', {
      UserPoolConfig: { UserPoolId: 'eu-west-1_AbCdEfGhI', AwsRegion: 'eu-west-1' },
    });
  });

  test('with an app client needs no stack at all', () => {
    const userPoolClientId = '1example23456789';
    const deployment = new Deployment({ userPoolId: 'us-east-1_AbCdEfGhI', userPoolClientId });
    assert.deepEqual(deployment.names, ['Streaming', 'Observability']);
    const streaming = deployment.template('Streaming');
    streaming.hasOutput('UserPoolId', { Value: 'us-east-1_AbCdEfGhI' });
    streaming.hasOutput('UserPoolClientId', { Value: userPoolClientId });
  });
});
