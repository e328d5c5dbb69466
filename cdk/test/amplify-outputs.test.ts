import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { amplifyOutputs, StackOutputs } from '../scripts/amplify-outputs';
import { scratch } from './deployment';

const STREAMING = {
  Region: 'us-east-1',
  GraphqlUrl: 'https://abc.appsync-api.us-east-1.amazonaws.com/graphql',
  UserPoolId: 'eu-west-1_AbCdEfGhI',
  UserPoolClientId: '1example23456789',
  QueueUrl: 'https://sqs.us-east-1.amazonaws.com/123456789012/jobs',
};
const OUTPUTS: StackOutputs = {
  'Tokencast-Auth': { UserPoolId: STREAMING.UserPoolId, UserPoolClientId: STREAMING.UserPoolClientId },
  'Tokencast-Streaming': STREAMING,
  'Tokencast-Observability': { DashboardName: 'Overview' },
};
const EXPECTED = {
  version: '1.4',
  auth: {
    aws_region: 'eu-west-1',
    user_pool_id: 'eu-west-1_AbCdEfGhI',
    user_pool_client_id: '1example23456789',
  },
  data: {
    aws_region: 'us-east-1',
    url: 'https://abc.appsync-api.us-east-1.amazonaws.com/graphql',
    default_authorization_type: 'AMAZON_COGNITO_USER_POOLS',
    authorization_types: ['AWS_IAM'],
  },
};

test('the outputs of a deployment make a file that Amplify reads', () => {
  assert.deepEqual(amplifyOutputs(OUTPUTS), EXPECTED);
  assert.deepEqual(amplifyOutputs(OUTPUTS, 'Tokencast-Streaming'), EXPECTED);
});

test('other deliveries are told of where they were deployed', () => {
  const streamUrl = 'https://abc.lambda-url.us-east-1.on.aws/';
  const webSocketUrl = 'wss://abc.execute-api.us-east-1.amazonaws.com/dev';
  const check = (more: Record<string, string>, custom: Record<string, string>): void => {
    assert.deepEqual(amplifyOutputs({ A: { ...STREAMING, ...more } }), { ...EXPECTED, custom });
  };
  check({ StreamUrl: streamUrl, WebSocketUrl: webSocketUrl }, { streamUrl, webSocketUrl });
  check({ StreamUrl: streamUrl }, { streamUrl });
  check({ WebSocketUrl: webSocketUrl }, { webSocketUrl });
});

describe('is told what is missing:', () => {
  const check = (name: string, outputs: StackOutputs, stack: string | undefined, expected: RegExp): void => {
    test(name, () => {
      assert.throws(() => amplifyOutputs(outputs, stack), expected);
    });
  };
  const { UserPoolId: poolId, ...withoutPool } = STREAMING;
  check('an unknown stack', OUTPUTS, 'Other', /no stack `Other` in the outputs, only `Tokencast-Auth`, /);
  check('two stacks to choose from', { A: STREAMING, B: STREAMING }, undefined, /2 stacks .* one of `A`, `B`/);
  check('none', { A: { UserPoolId: poolId } }, undefined, /0 stacks with an API: name one of nothing/);
  check('a stack without an API', OUTPUTS, 'Tokencast-Auth', /has no output `Region`/);
  check('no pool', { A: withoutPool }, 'A', /no output `UserPoolId`: an API of yours .*-c userPoolId=/);
});

test('the command writes the file, and says clearly what went wrong', () => {
  const folder = scratch();
  const script = join(__dirname, '..', 'scripts', 'amplify-outputs.js');
  const run = (...given: string[]): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, [script, ...given], { cwd: folder, encoding: 'utf8' });
  const missing = run();
  assert.equal(missing.status, 1);
  assert.match(String(missing.stderr), /outputs\.json/);
  writeFileSync(join(folder, 'outputs.json'), JSON.stringify(OUTPUTS));
  const written = run('--stack', 'Tokencast-Streaming', '--out', 'amplify.json');
  assert.deepEqual([written.status, written.stderr], [0, '']);
  assert.deepEqual(JSON.parse(readFileSync(join(folder, 'amplify.json'), 'utf8')), EXPECTED);
});
