/** The construct in a stack of another team, with what that team has already. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AuthorizationType, Definition, GraphqlApi } from 'aws-cdk-lib/aws-appsync';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { UserPool } from 'aws-cdk-lib/aws-cognito';
import { AttributeType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';

import { SCHEMA_FILE } from '../lib/assets';
import { TokenStream } from '../lib/token-stream';
import { TokenStreamProps } from '../lib/token-stream-props';
import { Deployment, only, ownStack, resources, streamProps } from './deployment';
import { permissions } from './policies';

function make(props: (stack: Stack) => Partial<TokenStreamProps> = () => ({})): [Template, TokenStream] {
  const stack = ownStack();
  const stream = new TokenStream(stack, 'Chat', { ...streamProps(), ...props(stack) });
  return [Template.fromStack(stack), stream];
}

function checkTables(template: Template, policy: string, protection: boolean): void {
  const tables = resources(template, 'AWS::DynamoDB::Table');
  assert.equal(tables.length, 2);
  for (const table of tables) {
    assert.equal(table['DeletionPolicy'], policy);
    assert.equal(table.Properties['DeletionProtectionEnabled'], protection);
  }
}

describe('the construct', () => {
  test('needs no more than code and a model, and keeps what it holds', () => {
    const [template] = make();
    template.resourceCountIs('AWS::Cognito::UserPool', 1);
    template.resourceCountIs('AWS::AppSync::GraphQLApi', 1);
    checkTables(template, 'Retain', true);
    assert.equal(only(template, 'AWS::Cognito::UserPool')['DeletionPolicy'], 'Retain');
  });

  test('can be there twice', () => {
    const stack = ownStack();
    new TokenStream(stack, 'One', streamProps());
    new TokenStream(stack, 'Two', streamProps());
    Template.fromStack(stack).resourceCountIs('AWS::AppSync::GraphQLApi', 2);
  });

  test('goes when it is told to', () => {
    const [template] = make(() => ({ removalPolicy: RemovalPolicy.DESTROY }));
    checkTables(template, 'Delete', false);
  });
});

describe('a user pool of yours', () => {
  test('is the one that the API knows, for the app clients that you name', () => {
    const [template] = make((stack) => ({
      userPool: new UserPool(stack, 'People'),
      userPoolClientPattern: '^1example$',
    }));
    template.resourceCountIs('AWS::Cognito::UserPool', 1);
    template.resourceCountIs('AWS::Cognito::UserPoolClient', 0);
    template.hasResourceProperties('AWS::AppSync::GraphQLApi', {
      UserPoolConfig: { UserPoolId: { Ref: Match.stringLikeRegexp('^People') }, AppIdClientRegex: '^1example$' },
    });
  });
});

describe('tables of yours', () => {
  test('are those that both functions use, and may use', () => {
    const [template] = make((stack) => ({
      sessionsTable: Table.fromTableName(stack, 'Table', 'sessions'),
      conversationsTable: Table.fromTableName(stack, 'Others', 'conversations'),
    }));
    template.resourceCountIs('AWS::DynamoDB::Table', 0);
    for (const { Properties: definition } of resources(template, 'AWS::Lambda::Function')) {
      const { Variables: variables } = definition['Environment'] as { Variables: Record<string, unknown> };
      assert.equal(variables['SESSIONS_TABLE'], 'sessions');
      assert.equal(variables['CONVERSATIONS_TABLE'], 'conversations');
    }
    for (const role of [/^ChatRequestRole/, /^ChatWorkerRole/]) {
      const found = permissions(template, role).filter((permission) => permission.startsWith('dynamodb:'));
      assert.ok(found.length > 5, found.join('\n'));
      assert.ok(
        found.every((permission) => /:table\/(sessions|conversations(\/index\/byOwner)?)"]]}$/.test(permission)),
        found.join('\n'),
      );
    }
  });

  const table = (stack: Stack, partitionKey: string, sortKey?: string): Table =>
    new Table(stack, 'Table', {
      partitionKey: { name: partitionKey, type: AttributeType.STRING },
      ...(sortKey && { sortKey: { name: sortKey, type: AttributeType.STRING } }),
    });

  test("must have a session's key", () => {
    const refused = (...keys: [string, string?]): void => {
      assert.throws(
        () => make((stack) => ({ sessionsTable: table(stack, ...keys) })),
        /the sessions table's key is .*, expected `sessionId` \(S\) alone/,
      );
    };
    refused('id');
    refused('sessionId', 'attempt');
  });

  test("must have a conversation's key and index", () => {
    const indexed = (stack: Stack, listOwner: string, listedAt: AttributeType): Table => {
      const made = table(stack, 'conversationId', 'item');
      made.addGlobalSecondaryIndex({
        indexName: 'byOwner',
        partitionKey: { name: listOwner, type: AttributeType.STRING },
        sortKey: { name: 'listedAt', type: listedAt },
      });
      return made;
    };
    const check = (conversationsTable: (stack: Stack) => Table, expected: RegExp): void => {
      assert.throws(() => make((stack) => ({ conversationsTable: conversationsTable(stack) })), expected);
    };
    const key = /conversations table's key is .*, expected `conversationId` \(S\) and `item` \(S\)$/;
    check((stack) => table(stack, 'conversationId'), key);
    check((stack) => table(stack, 'id', 'item'), key);
    const index = /table's index `byOwner` is (.*), expected `listOwner` \(S\) and `listedAt` \(N\)$/;
    check((stack) => table(stack, 'conversationId', 'item'), index);
    check((stack) => indexed(stack, 'owner', AttributeType.NUMBER), index);
    check((stack) => indexed(stack, 'listOwner', AttributeType.STRING), index);
    make((stack) => ({ conversationsTable: indexed(stack, 'listOwner', AttributeType.NUMBER) }));
  });

  test('from the context are used as they are', () => {
    const context = {
      sessionsTableName: 'sessions',
      conversationsTableName: 'conversations',
      quotasTableName: 'quotas',
    };
    const template = new Deployment(context).template('Streaming');
    template.resourceCountIs('AWS::DynamoDB::Table', 0);
    template.hasOutput('SessionsTableName', { Value: 'sessions' });
    template.hasOutput('ConversationsTableName', { Value: 'conversations' });
    template.hasOutput('QuotasTableName', { Value: 'quotas' });
  });
});

describe('an API of yours', () => {
  const withModes = (stack: Stack, ...modes: AuthorizationType[]): GraphqlApi =>
    new GraphqlApi(stack, 'Api', {
      name: 'ours',
      definition: Definition.fromFile(SCHEMA_FILE),
      authorizationConfig: {
        defaultAuthorization: {
          authorizationType: AuthorizationType.USER_POOL,
          userPoolConfig: { userPool: new UserPool(stack, 'People') },
        },
        additionalAuthorizationModes: modes.map((authorizationType) => ({ authorizationType })),
      },
    });

  test('gets the resolvers, and the worker publishes to it', () => {
    const [template] = make((stack) => ({ api: { api: withModes(stack, AuthorizationType.IAM) } }));
    template.resourceCountIs('AWS::AppSync::GraphQLApi', 1);
    template.resourceCountIs('AWS::Cognito::UserPool', 1);
    template.resourceCountIs('AWS::AppSync::Resolver', 16);
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: { APPSYNC_API_URL: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Api'), 'GraphQLUrl'] } } },
    });
  });

  test('must take IAM', () => {
    const without = (stack: Stack): Partial<TokenStreamProps> => ({ api: { api: withModes(stack) } });
    assert.throws(() => make(without), /has no IAM authorization mode/);
  });

  test('that was imported needs its endpoint', () => {
    const api = (stack: Stack): Partial<TokenStreamProps> => ({
      api: { api: GraphqlApi.fromGraphqlApiAttributes(stack, 'Api', { graphqlApiId: 'abc' }) },
    });
    assert.throws(() => make(api), /endpoint must be given/);
  });

  test('from the context gets resolvers alone, and its users stay its own', () => {
    const graphqlUrl = 'https://abc.appsync-api.us-east-1.amazonaws.com/graphql';
    const deployment = new Deployment({ graphqlApiId: 'abc', graphqlUrl });
    assert.deepEqual(deployment.names, ['Streaming', 'Observability']);
    const template = deployment.template('Streaming');
    template.resourceCountIs('AWS::AppSync::GraphQLApi', 0);
    template.resourcePropertiesCountIs('AWS::AppSync::Resolver', { ApiId: 'abc' }, 16);
    template.hasOutput('GraphqlUrl', { Value: graphqlUrl });
    const publish = permissions(template, /^StreamWorkerRole/).filter((found) => found.startsWith('appsync:'));
    assert.equal(publish.length, 2);
    assert.match(publish[0] ?? '', /:apis\/abc\/types\/Mutation\/fields\/publishConversation"]]}$/);
    assert.match(publish[1] ?? '', /:apis\/abc\/types\/Mutation\/fields\/publishToken"]]}$/);
  });
});

test('a key of yours encrypts the tables and both queues, and the functions may use it', () => {
  const [template] = make((stack) => ({ encryptionKey: new Key(stack, 'Key') }));
  const key = { 'Fn::GetAtt': [Match.stringLikeRegexp('^Key'), 'Arn'] };
  const encrypted = { SSESpecification: { SSEType: 'KMS', KMSMasterKeyId: key } };
  template.resourcePropertiesCountIs('AWS::DynamoDB::Table', encrypted, 2);
  template.resourcePropertiesCountIs('AWS::SQS::Queue', { KmsMasterKeyId: key }, 2);
  for (const role of [/^ChatRequestRole/, /^ChatWorkerRole/]) {
    const found = permissions(template, role).filter((permission) => permission.startsWith('kms:'));
    assert.deepEqual(
      found.map((permission) => permission.split(' ')[0]),
      ['kms:Decrypt', 'kms:GenerateDataKey'],
    );
  }
});

describe('a grant allows what it says, and no more', () => {
  const onTable = (table: string, ...actions: string[]): RegExp[] =>
    actions.map((action) => new RegExp(`^dynamodb:${action} on [^/]*Chat${table}Table\\w*","Arn"]}$`));
  const useSessions = onTable('Sessions', 'GetItem', 'BatchGetItem', 'PutItem');
  const readConversations = onTable('Conversations', 'GetItem', 'BatchGetItem', 'Query');
  const listConversations = [/^dynamodb:Query on .*ChatConversationsTable\w*","Arn"]},"\/index\/byOwner"]]}$/];
  const publishConversations = [/^appsync:GraphQL on .*\/types\/Mutation\/fields\/publishConversation"/];
  const sendJobs = [/^sqs:SendMessage on .*ChatJobsQueue/];
  const check = (name: string, grant: (stream: TokenStream, role: Role) => unknown, expected: RegExp[]): void => {
    test(name, () => {
      const stack = ownStack();
      const role = new Role(stack, 'Grantee', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
      grant(new TokenStream(stack, 'Chat', streamProps()), role);
      const found = permissions(Template.fromStack(stack), /^Grantee/);
      assert.equal(found.length, expected.length, found.join('\n'));
      for (const pattern of expected) {
        assert.equal(found.filter((permission) => pattern.test(permission)).length, 1, String(pattern));
      }
    });
  };
  check('grantPublish', (stream, role) => stream.grantPublish(role), [
    /^appsync:GraphQL on .*\/types\/Mutation\/fields\/publishToken/,
  ]);
  check('grantReadSessions', (stream, role) => stream.grantReadSessions(role), [
    /^dynamodb:BatchGetItem on .*ChatSessionsTable/,
    /^dynamodb:GetItem on .*ChatSessionsTable/,
  ]);
  check('grantUseSessions', (stream, role) => stream.grantUseSessions(role), useSessions);
  check('grantUseConversations', (stream, role) => stream.grantUseConversations(role), [
    ...onTable('Conversations', 'GetItem', 'Query', 'PutItem', 'UpdateItem'),
    ...publishConversations,
  ]);
  check('grantReadConversations', (stream, role) => stream.grantReadConversations(role), readConversations);
  check('grantListConversations', (stream, role) => stream.grantListConversations(role), listConversations);
  check('grantPublishConversations', (stream, role) => stream.grantPublishConversations(role), publishConversations);
  check('grantAnswerSessions', (stream, role) => stream.grantAnswerSessions(role), [
    ...useSessions,
    ...onTable('Sessions', 'ConditionCheckItem'),
    ...readConversations,
    ...onTable('Conversations', 'PutItem', 'UpdateItem'),
    ...publishConversations,
  ]);
  check('grantSendJobs', (stream, role) => stream.grantSendJobs(role), sendJobs);
  check(
    'grantAskModels',
    (stream, role) => {
      stream.grantAskModels(role);
    },
    [/^bedrock:InvokeModelWithResponseStream on .*foundation-model\/amazon.nova-lite-v1:0/],
  );
  test('and with quotas, those who open or end sessions may settle them', () => {
    const stack = ownStack();
    const stream = new TokenStream(stack, 'Chat', { ...streamProps(), quotas: {} });
    const settle = ['PutItem', 'UpdateItem'];
    const grants = {
      grantUseQuotas: ['BatchGetItem', ...settle],
      grantSettleQuotas: settle,
      grantRedrive: settle,
      grantForget: settle,
    };
    const names = Object.keys(grants) as (keyof typeof grants)[];
    for (const grant of names) {
      stream[grant](new Role(stack, grant, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }));
    }
    const template = Template.fromStack(stack);
    for (const grant of names) {
      const found = permissions(template, new RegExp(`^${grant}`)).filter((it) => it.includes('ChatQuotasTable'));
      assert.deepEqual(
        found.map((permission) => permission.split(' ')[0]),
        grants[grant].map((action) => `dynamodb:${action}`),
        grant,
      );
    }
  });

  check('grantRedrive', (stream, role) => stream.grantRedrive(role), [
    ...useSessions,
    ...onTable('Conversations', 'UpdateItem'),
    /^sqs:ChangeMessageVisibility on .*ChatJobsDeadLetterQueue/,
    /^sqs:DeleteMessage on .*ChatJobsDeadLetterQueue/,
    /^sqs:ReceiveMessage on .*ChatJobsDeadLetterQueue/,
    ...sendJobs,
  ]);
  check('grantForget', (stream, role) => stream.grantForget(role), [
    ...useSessions,
    ...onTable('Sessions', 'DeleteItem', 'Scan'),
    ...readConversations,
    ...onTable('Conversations', 'PutItem'),
    ...listConversations,
    ...sendJobs,
  ]);
});

test('a worker may take up to 15 minutes, and more than it needs to end', () => {
  const timeout = (workerTimeout: Duration, deadlineReserveMs?: number): (() => unknown) => {
    return () => make(() => ({ workerTimeout, settings: { deadlineReserveMs } }));
  };
  assert.throws(timeout(Duration.minutes(16)), /`workerTimeout in seconds` is `960`, expected 30 to 900/);
  assert.throws(timeout(Duration.seconds(29)), /expected 30 to 900/);
  assert.throws(
    timeout(Duration.seconds(45), 45_000),
    /`deadlineReserveMs` is 45 s, expected less than `workerTimeout`, which is 45 s/,
  );
  assert.doesNotThrow(timeout(Duration.seconds(45), 44_000));
});

test('numbers out of range are refused by name', () => {
  assert.throws(() => make(() => ({ batchSize: 11 })), /`batchSize` is `11`, expected 1 to 10/);
  assert.throws(() => make(() => ({ maxConcurrency: 1 })), /`maxConcurrency` is `1`, expected 2 to 1000/);
  assert.throws(() => make(() => ({ workerMemoryMb: 64 })), /`workerMemoryMb` is `64`/);
  const settings = { flushIntervalMs: 1001 };
  assert.throws(() => make(() => ({ settings })), /`flushIntervalMs` is `1001`, expected 0 to 1000/);
});
