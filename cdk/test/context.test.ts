import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RemovalPolicy } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { App } from 'aws-cdk-lib';

import { Config, readConfig } from '../lib/config';
import { Deployment } from './deployment';
import { toolkitContext } from '../scripts/templates';

function read(context: Record<string, unknown>): Config {
  return readConfig(new App({ context: { ...toolkitContext(), ...context } }).node);
}

describe('the context', () => {
  test('is read as it comes from the command line', () => {
    const config = read({
      name: 'Chat',
      stage: 'prod',
      architecture: 'arm64',
      otherModelIds: 'amazon.nova-micro-v1:0, amazon.nova-pro-v1:0',
      flushIntervalMs: '50',
      temperature: '0.5',
      introspection: 'true',
      logRetentionDays: '7',
      workerTimeoutSeconds: '600',
      deliveries: 'url, websocket',
      allowedOrigins: 'https://a.example,https://b.example',
      urlTimeoutSeconds: '900',
    });
    assert.equal(config.name, 'Chat');
    assert.equal(config.removalPolicy, RemovalPolicy.RETAIN);
    assert.equal(config.architecture.name, 'arm64');
    assert.deepEqual(config.otherModels, [{ id: 'amazon.nova-micro-v1:0' }, { id: 'amazon.nova-pro-v1:0' }]);
    assert.equal(config.settings.flushIntervalMs, 50);
    assert.equal(config.settings.temperature, 0.5);
    assert.equal(config.introspection, true);
    assert.equal(config.logRetention, RetentionDays.ONE_WEEK);
    assert.equal(config.workerTimeout?.toSeconds(), 600);
    assert.deepEqual(config.url?.allowedOrigins, ['https://a.example', 'https://b.example']);
    assert.equal(config.url.timeout?.toSeconds(), 900);
    assert.deepEqual(config.webSocket, { logRole: false });
  });

  test('is read as it is in cdk.json', () => {
    const config = read({ otherModelIds: ['amazon.nova-micro-v1:0'], flushIntervalMs: 50, introspection: false });
    assert.deepEqual(config.otherModels, [{ id: 'amazon.nova-micro-v1:0' }]);
    assert.equal(config.settings.flushIntervalMs, 50);
    assert.equal(config.introspection, false);
  });

  test('may be left out, or empty', () => {
    for (const config of [read({}), read({ userPoolId: '', flushIntervalMs: '', introspection: '', stage: '' })]) {
      assert.equal(config.name, 'Tokencast');
      assert.equal(config.removalPolicy, RemovalPolicy.DESTROY);
      assert.equal(config.architecture.name, 'x86_64');
      assert.equal(config.users.poolId, undefined);
      assert.equal(config.settings.flushIntervalMs, undefined);
      assert.deepEqual([config.url, config.webSocket], [undefined, undefined]);
    }
  });
});

describe('is refused with its name, what it is and what was expected:', () => {
  const check = (context: Record<string, unknown>, ...expected: string[]): void => {
    test(JSON.stringify(context), () => {
      assert.throws(() => read(context), { message: expected.join('; ') });
    });
  };

  check({ architecture: 'arm' }, '`architecture` is `arm`, expected `x86_64` or `arm64`');
  check({ stage: 'production' }, '`stage` is `production`, expected `dev` or `prod`');
  check({ flushIntervalMs: 'fast' }, '`flushIntervalMs` is `fast`, expected 0 to 1000');
  check({ flushIntervalMs: '1001' }, '`flushIntervalMs` is `1001`, expected 0 to 1000');
  check({ maxConcurrency: '2.5' }, '`maxConcurrency` is `2.5`, expected 2 to 1000');
  check({ workerTimeoutSeconds: '901' }, '`workerTimeoutSeconds` is `901`, expected 30 to 900');
  check({ introspection: 'yes' }, '`introspection` is `yes`, expected `true` or `false`');
  check({ logLevel: 'INFO' }, '`logLevel` is `INFO`, expected `error` or `warn` or `info` or `debug` or `trace`');
  check({ otherModelIds: 'a,,b' }, '`otherModelIds` is `a,,b`, expected names separated by commas');
  check({ systemPrompt: 5 }, '`systemPrompt` is `5`, expected a text');
  check({ name: '1st' }, '`name` is `1st`, expected letters, digits and hyphens, a letter first');
  check({ userPoolId: 'pool' }, "`userPoolId` is `pool`, expected a user pool's id, such as `us-east-1_AbCdEfGhI`");
  check({ userPoolClientId: 'abc' }, '`userPoolClientId` is set, but `userPoolId` is not');
  check(
    { deliveries: 'url,sse' },
    '`deliveries` has `sse`, expected `url`, `websocket` or both: AppSync is always there',
  );
  check({ urlTimeoutSeconds: '29' }, '`urlTimeoutSeconds` is `29`, expected 30 to 900');
  check({ urlReservedConcurrency: '0' }, '`urlReservedConcurrency` is `0`, expected 1 to 100000');
  check(
    { deliveries: 'websocket', graphqlApiId: 'abc', graphqlUrl: 'https://abc/graphql' },
    '`deliveries` is set beside `graphqlApiId`, so `userPoolId` must say whose tokens are taken',
  );
  check({ graphqlApiId: 'abc' }, '`graphqlApiId` and `graphqlUrl` need each other');
  check(
    { graphqlApiId: 'abc', graphqlUrl: 'http://abc/graphql' },
    '`graphqlUrl` is `http://abc/graphql`, expected the GraphQL endpoint of the API, with https',
  );
  check(
    { alarmTopicArn: 'arn:aws:sns:us-east-1:123456789012:a', alarmEmail: 'a@example.com' },
    '`alarmTopicArn` and `alarmEmail` exclude each other',
  );
  check(
    { modleId: 'a', batchSize: 0 },
    '`batchSize` is `0`, expected 1 to 10',
    '`modleId` is no context value of this app: see cdk/README.md',
  );

  test('a retention that CloudWatch does not offer', () => {
    assert.throws(
      () => read({ logRetentionDays: '31' }),
      /`logRetentionDays` is `31`, expected one of 1, 3, 5, 7, 14, 30/,
    );
  });
});

test('a name is that of every stack', () => {
  const { app } = new Deployment({ name: 'Chat' });
  const names = app.node.children.flatMap((child) => ('stackName' in child ? [child.stackName] : []));
  assert.deepEqual(names, ['Chat-Auth', 'Chat-Streaming', 'Chat-Observability']);
});
