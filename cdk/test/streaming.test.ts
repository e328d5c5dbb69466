import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Match, Template } from 'aws-cdk-lib/assertions';

import { PUBLISH_FILE, REQUEST_FUNCTION_FILE, SCHEMA_FILE } from '../lib/assets';
import { Deployment, only, Resource, resources } from './deployment';
import { permissions, SETTLES_QUOTAS, USES_QUOTAS } from './policies';

const template = new Deployment().template('Streaming');
const production = new Deployment({
  stage: 'prod',
  architecture: 'arm64',
  workerTimeoutSeconds: '900',
  maxAttempts: '5',
  batchSize: '4',
  maxConcurrency: '7',
  logRetentionDays: '365',
  logLevel: 'debug',
  introspection: 'true',
}).template('Streaming');

describe('the API', () => {
  test('takes user pool tokens by default and IAM besides', () => {
    template.hasResourceProperties('AWS::AppSync::GraphQLApi', {
      AuthenticationType: 'AMAZON_COGNITO_USER_POOLS',
      AdditionalAuthenticationProviders: [{ AuthenticationType: 'AWS_IAM' }],
      UserPoolConfig: { DefaultAction: 'ALLOW', UserPoolId: Match.anyValue(), AwsRegion: { Ref: 'AWS::Region' } },
    });
  });

  test('has the contract as its schema, to the byte', () => {
    template.hasResourceProperties('AWS::AppSync::GraphQLSchema', { Definition: readFileSync(SCHEMA_FILE, 'utf8') });
  });

  test('logs errors without what was asked or answered, and traces', () => {
    template.hasResourceProperties('AWS::AppSync::GraphQLApi', {
      XrayEnabled: true,
      LogConfig: { FieldLogLevel: 'ERROR', ExcludeVerboseContent: true, CloudWatchLogsRoleArn: Match.anyValue() },
    });
  });

  test('hides its schema and limits depth and resolvers by default', () => {
    template.hasResourceProperties('AWS::AppSync::GraphQLApi', {
      IntrospectionConfig: 'DISABLED',
      QueryDepthLimit: 7,
      ResolverCountLimit: 83,
    });
    production.hasResourceProperties('AWS::AppSync::GraphQLApi', {
      IntrospectionConfig: 'ENABLED',
      QueryDepthLimit: 20,
      ResolverCountLimit: 83,
    });
  });

  test('sends each field to what answers it', () => {
    const attached = resources(template, 'AWS::AppSync::Resolver').map(({ Properties: resolver }) =>
      [resolver['TypeName'], resolver['FieldName'], resolver['DataSourceName'], resolver['Kind']].join(' '),
    );
    assert.deepEqual(attached.sort(), [
      'Mutation deleteConversation TokencastRequest UNIT',
      'Mutation publishConversation TokencastPublish UNIT',
      'Mutation publishToken TokencastPublish UNIT',
      'Mutation renameConversation TokencastRequest UNIT',
      'Mutation startStream TokencastRequest UNIT',
      'Mutation stopStream TokencastRequest UNIT',
      'Query assistants TokencastRequest UNIT',
      'Query conversation TokencastRequest UNIT',
      'Query conversations TokencastRequest UNIT',
      'Query exportConversation TokencastRequest UNIT',
      'Query getStream TokencastRequest UNIT',
      'Query getStreamStatus TokencastRequest UNIT',
      'Query usage TokencastRequest UNIT',
      'Subscription onConversationUpdated TokencastRequest UNIT',
      'Subscription onConversationsUpdated TokencastRequest UNIT',
      'Subscription onTokenReceived TokencastRequest UNIT',
    ]);
    for (const { Properties: resolver } of resources(template, 'AWS::AppSync::Resolver')) {
      const file = String(resolver['FieldName']).startsWith('publish') ? PUBLISH_FILE : REQUEST_FUNCTION_FILE;
      assert.equal(resolver['Code'], readFileSync(file, 'utf8'), String(resolver['FieldName']));
    }
  });

  test('answers what is published by the file that ships, without a data source', () => {
    for (const FieldName of ['publishToken', 'publishConversation']) {
      template.hasResourceProperties('AWS::AppSync::Resolver', {
        FieldName,
        Code: readFileSync(PUBLISH_FILE, 'utf8'),
        Runtime: { Name: 'APPSYNC_JS', RuntimeVersion: '1.0.0' },
      });
    }
    template.hasResourceProperties('AWS::AppSync::DataSource', { Name: 'TokencastPublish', Type: 'NONE' });
    template.hasResourceProperties('AWS::AppSync::DataSource', { Name: 'TokencastRequest', Type: 'AWS_LAMBDA' });
  });
});

describe('the queue', () => {
  for (const [name, found, worker] of [
    ['default', template, 300],
    ['production', production, 900],
  ] as const) {
    test(`hides a message six times as long as a worker may take (${name})`, () => {
      const visibility = Number(jobQueue(found).Properties['VisibilityTimeout']);
      assert.equal(functionNamed(found, 'Worker').Properties['Timeout'], worker);
      assert.equal(visibility, worker);
      assert.ok(visibility <= 43_200, String(visibility));
    });
  }

  test('gives up only after as many receives as SQS allows: the worker counts attempts', () => {
    for (const [found, attempts] of [
      [template, 3],
      [production, 5],
    ] as const) {
      const redrive = jobQueue(found).Properties['RedrivePolicy'] as Record<string, unknown>;
      assert.equal(redrive['maxReceiveCount'], 1000);
      assert.match(JSON.stringify(redrive['deadLetterTargetArn']), /DeadLetterQueue/);
      const worker = environment(found, 'Worker');
      assert.equal(worker['MAX_ATTEMPTS'], String(attempts));
      assert.deepEqual(worker['DEAD_LETTER_QUEUE_URL'], { Ref: 'StreamJobsDeadLetterQueueD9E92531' });
    }
  });

  test('and the one for dead letters are encrypted, refuse plain HTTP, and keep dead letters longest', () => {
    const queues = resources(template, 'AWS::SQS::Queue');
    assert.equal(queues.length, 2);
    for (const { Properties: queue } of queues) {
      assert.equal(queue['SqsManagedSseEnabled'], true);
      assert.equal(queue['MaximumMessageSize'], 1_048_576);
    }
    const retention = queues.map(({ Properties: queue }) => queue['MessageRetentionPeriod']);
    assert.deepEqual(retention, [1_209_600, 345_600]);
    template.resourcePropertiesCountIs(
      'AWS::SQS::QueuePolicy',
      {
        PolicyDocument: {
          Statement: [
            Match.objectLike({
              Effect: 'Deny',
              Action: 'sqs:*',
              Principal: { AWS: '*' },
              Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            }),
          ],
        },
      },
      2,
    );
  });

  test('feeds the worker one message at a time, without a window, and takes back what failed', () => {
    const { Properties: mapping } = only(template, 'AWS::Lambda::EventSourceMapping');
    assert.equal(mapping['BatchSize'], 1);
    assert.equal(mapping['MaximumBatchingWindowInSeconds'], undefined);
    assert.deepEqual(mapping['FunctionResponseTypes'], ['ReportBatchItemFailures']);
    assert.deepEqual(mapping['ScalingConfig'], { MaximumConcurrency: 50 });
    assert.match(JSON.stringify(mapping['EventSourceArn']), /JobsQueue/);
    assert.match(JSON.stringify(mapping['FunctionName']), /Worker/);
    production.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      BatchSize: 4,
      ScalingConfig: { MaximumConcurrency: 7 },
    });
  });
});

describe('the tables', () => {
  const kept = {
    TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
    BillingMode: 'PAY_PER_REQUEST',
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    SSESpecification: { SSEEnabled: true },
  };

  test('of sessions has the key and the TTL that the functions use, is encrypted, and can be restored', () => {
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      ...kept,
      KeySchema: [{ AttributeName: 'sessionId', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'sessionId', AttributeType: 'S' }],
      GlobalSecondaryIndexes: Match.absent(),
    });
  });

  test('of conversations has the same, and an index of each owner by the time of the last turn', () => {
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      ...kept,
      KeySchema: [
        { AttributeName: 'conversationId', KeyType: 'HASH' },
        { AttributeName: 'item', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'conversationId', AttributeType: 'S' },
        { AttributeName: 'item', AttributeType: 'S' },
        { AttributeName: 'listOwner', AttributeType: 'S' },
        { AttributeName: 'listedAt', AttributeType: 'N' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'byOwner',
          KeySchema: [
            { AttributeName: 'listOwner', KeyType: 'HASH' },
            { AttributeName: 'listedAt', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    });
  });

  test('are kept in production, and gone with their stack in development', () => {
    const check = (found: Template, protection: boolean, policy: string): void => {
      const tables = resources(found, 'AWS::DynamoDB::Table');
      assert.equal(tables.length, 3);
      for (const table of tables) {
        assert.equal(table.Properties['DeletionProtectionEnabled'], protection);
        assert.equal(table['DeletionPolicy'], policy);
      }
    };
    check(template, false, 'Delete');
    check(production, true, 'Retain');
  });
});

test('what holds data keeps its id, or a deployment would replace it', () => {
  const auth = new Deployment().template('Auth');
  const check = (found: Template, type: string, ...ids: string[]): void => {
    assert.deepEqual(Object.keys(found.findResources(type)), ids);
  };
  check(auth, 'AWS::Cognito::UserPool', 'UsersPoolBFC35D3B');
  check(auth, 'AWS::Cognito::UserPoolClient', 'UsersClient3B43F2CF');
  check(
    template,
    'AWS::DynamoDB::Table',
    'StreamSessionsTable151CF694',
    'StreamConversationsTableD7C53381',
    'StreamQuotasTableC1EE7578',
  );
  check(template, 'AWS::SQS::Queue', 'StreamJobsDeadLetterQueueD9E92531', 'StreamJobsQueue763C7EFE');
  check(template, 'AWS::AppSync::GraphQLApi', 'StreamApi7C70979F');
});

describe('the functions', () => {
  for (const [found, architecture] of [
    [template, 'x86_64'],
    [production, 'arm64'],
  ] as const) {
    test(`run on ${architecture}, trace, and log JSON to a group of their own`, () => {
      const functions = resources(found, 'AWS::Lambda::Function');
      assert.equal(functions.length, 2);
      for (const { Properties: definition } of functions) {
        assert.deepEqual(definition['Architectures'], [architecture]);
        assert.equal(definition['Runtime'], 'provided.al2023');
        assert.equal(definition['Handler'], 'bootstrap');
        assert.deepEqual(definition['TracingConfig'], { Mode: 'Active' });
        assert.equal(definition['RecursiveLoop'], 'Terminate');
        const logging = definition['LoggingConfig'] as Record<string, unknown>;
        assert.equal(logging['LogFormat'], 'JSON');
        assert.ok(logging['LogGroup']);
      }
    });
  }

  test('have the time and memory that they need', () => {
    const check = (name: string, timeout: number, memory: number): void => {
      const { Properties: definition } = functionNamed(template, name);
      assert.deepEqual([definition['Timeout'], definition['MemorySize']], [timeout, memory]);
    };
    check('Request', 10, 256);
    check('Worker', 300, 512);
  });

  test('are not asked to log less than Lambda lets through', () => {
    const check = (found: Template, ours: string, lambda: string): void => {
      for (const { Properties: definition } of resources(found, 'AWS::Lambda::Function')) {
        const logging = definition['LoggingConfig'] as Record<string, unknown>;
        assert.equal(logging['ApplicationLogLevel'], lambda);
      }
      assert.equal(environment(found, 'Worker')['LOG_LEVEL'], ours);
    };
    check(template, 'info', 'INFO');
    check(production, 'debug', 'DEBUG');
    // Metrics are lines without a level, which count as INFO.
    check(new Deployment({ logLevel: 'error' }).template('Streaming'), 'error', 'INFO');
  });

  test('start after their policies are there', () => {
    for (const name of ['Request', 'Worker']) {
      assert.match(JSON.stringify(functionNamed(template, name)['DependsOn']), new RegExp(`${name}RoleDefaultPolicy`));
    }
  });
});

test('every log is kept for a while, and no custom resource sees to it', () => {
  for (const [found, days] of [
    [template, 30],
    [production, 365],
  ] as const) {
    const groups = resources(found, 'AWS::Logs::LogGroup');
    assert.equal(groups.length, 3);
    assert.ok(groups.every(({ Properties: group }) => group['RetentionInDays'] === days));
    found.resourceCountIs('AWS::Lambda::Function', 2);
    found.resourceCountIs('Custom::LogRetention', 0);
  }
});

describe('what the roles may do', () => {
  const sessionsTable = '{"Fn::GetAtt":["StreamSessionsTable151CF694","Arn"]}';
  const conversationsTable = '{"Fn::GetAtt":["StreamConversationsTableD7C53381","Arn"]}';
  const ownerIndex = `{"Fn::Join":["",[${conversationsTable},"/index/byOwner"]]}`;
  const queue = '{"Fn::GetAtt":["StreamJobsQueue763C7EFE","Arn"]}';
  const field = (name: string): string =>
    `{"Fn::Join":["",[{"Fn::GetAtt":["StreamApi7C70979F","Arn"]},"/types/Mutation/fields/${name}"]]}`;
  const onTable = (table: string, ...actions: string[]): string[] =>
    actions.map((action) => `dynamodb:${action} on ${table}`);
  const usesQuotas = USES_QUOTAS.map(([action, on]) => `${action} on ${on}`);
  const settlesQuotas = SETTLES_QUOTAS.map(([action, on]) => `${action} on ${on}`);
  const logsAndTraces = /^(logs|xray):/;
  const logs = (id: string): string[] =>
    ['logs:CreateLogStream', 'logs:PutLogEvents'].map((action) => `${action} on {"Fn::GetAtt":["${id}","Arn"]}`);
  const tracing = ['xray:PutTelemetryRecords on "*"', 'xray:PutTraceSegments on "*"'];

  const check = (role: RegExp, logGroup: string, ...expected: string[]): void => {
    const found = permissions(template, role);
    assert.deepEqual(
      found.filter((permission) => !logsAndTraces.test(permission)),
      expected.sort(),
    );
    assert.deepEqual(
      found.filter((permission) => logsAndTraces.test(permission)),
      [...logs(logGroup), ...tracing],
    );
  };

  test('the request function: use sessions and conversations, list those, count, tell of their changes, send jobs', () => {
    check(
      /^StreamRequestRole/,
      'StreamRequestLogsD2B3B188',
      `appsync:GraphQL on ${field('publishConversation')}`,
      ...onTable(sessionsTable, 'GetItem', 'BatchGetItem', 'PutItem'),
      ...onTable(conversationsTable, 'GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem'),
      ...onTable(ownerIndex, 'Query'),
      ...usesQuotas,
      `sqs:SendMessage on ${queue}`,
    );
  });

  test('the worker: publish, ask its model, use and delete sessions and conversations, take jobs, move dead letters', () => {
    const model =
      '{"Fn::Join":["",["arn:",{"Ref":"AWS::Partition"},":bedrock:",{"Ref":"AWS::Region"},' +
      '"::foundation-model/amazon.nova-lite-v1:0"]]}';
    const sessions = ['GetItem', 'BatchGetItem', 'PutItem', 'ConditionCheckItem', 'UpdateItem', 'DeleteItem'];
    const conversations = ['GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem'];
    check(
      /^StreamWorkerRole/,
      'StreamWorkerLogs3F78C275',
      `appsync:GraphQL on ${field('publishConversation')}`,
      `appsync:GraphQL on ${field('publishToken')}`,
      `bedrock:InvokeModelWithResponseStream on ${model}`,
      ...onTable(sessionsTable, ...sessions),
      ...onTable(conversationsTable, ...conversations),
      ...settlesQuotas,
      `sqs:ChangeMessageVisibility on ${queue}`,
      `sqs:DeleteMessage on ${queue}`,
      `sqs:GetQueueAttributes on ${queue}`,
      `sqs:ReceiveMessage on ${queue}`,
      'sqs:SendMessage on {"Fn::GetAtt":["StreamJobsDeadLetterQueueD9E92531","Arn"]}',
    );
  });

  test('AppSync: call the request function, and write to its own log', () => {
    assert.deepEqual(permissions(template, /^StreamResolversRequestRole/), [
      'lambda:InvokeFunction on {"Fn::GetAtt":["StreamRequestFunction26661D8A","Arn"]}',
    ]);
    assert.deepEqual(permissions(template, /^StreamApiLogRole/), logs('StreamApiLogsC75CCCC2'));
  });

  test('nobody but the worker may publish tokens, only it deletes, and no role has a managed policy', () => {
    const all = new Deployment({ deliveries: 'url,websocket' }).template('Streaming');
    const holders = (permitted: RegExp): string[] =>
      Object.keys(all.findResources('AWS::IAM::Policy')).filter((id) =>
        permissions(all, new RegExp(`^${id}$`)).some((permission) => permitted.test(permission)),
      );
    for (const permitted of [
      /^appsync:GraphQL .*publishToken/,
      /^dynamodb:DeleteItem .*(Sessions|Conversations)Table/,
    ]) {
      const found = holders(permitted);
      assert.equal(found.length, 1, String(permitted));
      assert.match(found[0] ?? '', /^StreamWorkerRole/);
    }
    for (const { Properties: role } of resources(all, 'AWS::IAM::Role')) {
      assert.equal(role['ManagedPolicyArns'], undefined);
    }
  });

  test('the worker alone asks the model for titles, where there is one', () => {
    const titled = new Deployment({ titleModelId: 'amazon.nova-micro-v1:0', deliveries: 'url' }).template('Streaming');
    const asked = (found: Template, role: RegExp): string[] =>
      permissions(found, role).filter((permission) => /^bedrock:.*nova-micro/.test(permission));
    assert.equal(asked(titled, /^StreamWorkerRole/).length, 1);
    assert.equal(asked(titled, /^UrlHandlerRole/).length, 0);
    assert.equal(environment(titled, 'Worker')['TITLE_MODEL_ID'], 'amazon.nova-micro-v1:0');
    assert.equal(environment(template, 'Worker')['TITLE_MODEL_ID'], undefined);
  });
});

test('a web ACL guards the API where one is given', () => {
  const webAclArn = 'arn:aws:wafv2:us-east-1:123456789012:regional/webacl/chat/1';
  template.resourceCountIs('AWS::WAFv2::WebACLAssociation', 0);
  new Deployment({ webAclArn }).template('Streaming').hasResourceProperties('AWS::WAFv2::WebACLAssociation', {
    WebACLArn: webAclArn,
    ResourceArn: { 'Fn::GetAtt': ['StreamApi7C70979F', 'Arn'] },
  });
});

test('the outputs tell a client everything, and export nothing by a name of their own', () => {
  const outputs = template.findOutputs('*') as Record<string, { Export?: unknown }>;
  const ours = Object.keys(outputs).filter((name) => !name.startsWith('ExportsOutput'));
  assert.deepEqual(ours.sort(), [
    'ConversationsTableName',
    'DeadLetterQueueUrl',
    'GraphqlUrl',
    'QueueUrl',
    'Quotas',
    'QuotasTableName',
    'Region',
    'RequestLogGroup',
    'SessionsTableName',
    'UserPoolClientId',
    'UserPoolId',
    'WorkerLogGroup',
  ]);
  assert.ok(ours.every((name) => outputs[name]?.Export === undefined));
});

function jobQueue(found: Template): Resource {
  return only(found, 'AWS::SQS::Queue', ({ Properties: queue }) => 'RedrivePolicy' in queue);
}

function functionNamed(found: Template, name: string): Resource {
  const wanted = new RegExp(`"Stream${name}Role`);
  return only(found, 'AWS::Lambda::Function', ({ Properties: definition }) =>
    wanted.test(JSON.stringify(definition['Role'])),
  );
}

function environment(found: Template, name: string): Record<string, unknown> {
  const { Properties: definition } = functionNamed(found, name);
  return (definition['Environment'] as { Variables: Record<string, unknown> }).Variables;
}
