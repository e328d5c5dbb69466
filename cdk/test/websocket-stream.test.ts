/** The WebSocket API: its routes and who may connect, what is logged, and who may push. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';

import { TokenStream } from '../lib/token-stream';
import { TokenStreamProps } from '../lib/token-stream-props';
import { ACCESS_LOG_FIELDS } from '../lib/websocket-api';
import { WebSocketStream, WebSocketStreamProps } from '../lib/websocket-stream';
import { placeholderFunctions, zip } from '../scripts/placeholder';
import { Deployment, deliveryCode, only, ownStack, Resource, resources, scratch, streamProps } from './deployment';
import { checkPermissions, permissions, USES_QUOTAS } from './policies';

const API = 'AWS::ApiGatewayV2::Api';
const ROUTE = 'AWS::ApiGatewayV2::Route';
const STAGE = 'AWS::ApiGatewayV2::Stage';
const AUTHORIZER = 'AWS::ApiGatewayV2::Authorizer';
const FUNCTION = 'AWS::Lambda::Function';
const TABLE = 'AWS::DynamoDB::Table';
const template = new Deployment({ deliveries: 'websocket' }).template('Streaming');
const production = new Deployment({ deliveries: 'websocket', stage: 'prod', apiGatewayLogRole: 'true' }).template(
  'Streaming',
);

function make(
  props: Partial<WebSocketStreamProps> = {},
  of: (stack: Stack) => Partial<TokenStreamProps> = () => ({}),
): Made {
  const stack = ownStack();
  const stream = new TokenStream(stack, 'Chat', { ...streamProps(), ...of(stack) });
  return { stack, stream, webSocket: new WebSocketStream(stack, 'Socket', { stream, ...webSocketCode(), ...props }) };
}

function webSocketCode(): Pick<WebSocketStreamProps, 'code' | 'authorizerCode'> {
  return { code: deliveryCode('websocket'), authorizerCode: deliveryCode('websocket-authorizer') };
}

interface Made {
  readonly stack: Stack;
  readonly stream: TokenStream;
  readonly webSocket: WebSocketStream;
}

describe('the API', () => {
  test("is a WebSocket's, and goes by a message's `action`", () => {
    template.hasResourceProperties(API, {
      ProtocolType: 'WEBSOCKET',
      RouteSelectionExpression: '$request.body.action',
    });
  });

  test('has the routes of the protocol, which all run one function; messages are answered', () => {
    const routes = resources(template, ROUTE).map(({ Properties: route }) => [
      route['RouteKey'],
      route['AuthorizationType'],
      route['RouteResponseSelectionExpression'],
    ]);
    assert.deepEqual(routes.sort(), [
      ['$connect', 'CUSTOM', undefined],
      ['$default', 'NONE', '$default'],
      ['$disconnect', 'NONE', undefined],
      ['resume', 'NONE', '$default'],
      ['stop', 'NONE', '$default'],
      ['stream', 'NONE', '$default'],
    ]);
    template.resourcePropertiesCountIs('AWS::ApiGatewayV2::RouteResponse', { RouteResponseKey: '$default' }, 4);
    const { Properties: integration } = only(template, 'AWS::ApiGatewayV2::Integration');
    assert.equal(integration['IntegrationType'], 'AWS_PROXY');
    assert.match(JSON.stringify(integration['IntegrationUri']), /"WebSocketRoutesFunction\w+","Arn"/);
  });

  test('asks the authorizer wherever the token is, in the query string or in a header', () => {
    const { Properties: authorizer } = only(template, AUTHORIZER);
    assert.equal(authorizer['AuthorizerType'], 'REQUEST');
    assert.deepEqual(authorizer['IdentitySource'], []);
    assert.match(JSON.stringify(authorizer['AuthorizerUri']), /"WebSocketAuthorizerFunction\w+","Arn"/);
    const connect = only(template, ROUTE, ({ Properties: route }) => route['RouteKey'] === '$connect');
    assert.deepEqual(connect.Properties['AuthorizerId'], { Ref: onlyId(template, AUTHORIZER) });
  });

  test('may call each function for this API alone', () => {
    const id = onlyId(template, API) ?? '';
    const ours = resources(template, 'AWS::Lambda::Permission').filter(({ Properties: permission }) =>
      JSON.stringify(permission['FunctionName']).includes('WebSocket'),
    );
    assert.equal(ours.length, 7);
    for (const { Properties: permission } of ours) {
      assert.equal(permission['Action'], 'lambda:InvokeFunction');
      assert.equal(permission['Principal'], 'apigateway.amazonaws.com');
      assert.ok(JSON.stringify(permission['SourceArn']).includes(`{"Ref":"${id}"}`));
    }
  });
});

describe('the stage', () => {
  test('is deployed once there are routes, and throttled', () => {
    const stage = only(template, STAGE);
    assert.equal(stage.Properties['AutoDeploy'], true);
    assert.deepEqual(stage.Properties['DefaultRouteSettings'], {
      DetailedMetricsEnabled: true,
      ThrottlingBurstLimit: 1000,
      ThrottlingRateLimit: 500,
    });
    for (const route of Object.keys(template.findResources(ROUTE))) {
      assert.ok((stage['DependsOn'] as string[]).includes(route), route);
    }
  });

  test("is named after the deployment's, or as you say", () => {
    const named = (found: Template): unknown => only(found, STAGE).Properties['StageName'];
    assert.equal(named(template), 'dev');
    assert.equal(named(production), 'prod');
    assert.equal(named(Template.fromStack(make().stack)), 'live');
    assert.throws(() => make({ stageName: 'a/b' }), /`stageName` is `a\/b`, expected letters/);
  });

  test('takes no rate that API Gateway lacks', () => {
    assert.throws(() => make({ rateLimit: 0 }), /`rateLimit` is `0`, expected 1 to 10000/);
    assert.throws(() => make({ burstLimit: 5001 }), /`burstLimit` is `5001`, expected 1 to 5000/);
  });

  test('logs who came and what became of it, and never what a client sent', () => {
    const { Properties: stage } = only(template, STAGE);
    const { Format: format } = stage['AccessLogSettings'] as { Format: string };
    assert.deepEqual(JSON.parse(format), ACCESS_LOG_FIELDS);
    const harmless =
      /^\$context\.(requestId|extendedRequestId|requestTimeEpoch|eventType|routeKey|status|connectionId|connectedAt|identity\.sourceIp|error\.responseType|(authorizer\.)?(status|latency)|integration(Status|Latency))$/;
    for (const field of Object.values(ACCESS_LOG_FIELDS)) {
      assert.match(field, harmless);
    }
    // An execution log would have query strings and messages.
    const settings = stage['DefaultRouteSettings'] as Record<string, unknown>;
    assert.deepEqual(
      [settings['DataTraceEnabled'], settings['LoggingLevel'], stage['RouteSettings']],
      [undefined, undefined, undefined],
    );
  });

  test('has a role to log by where that is asked for, which outlives the stack', () => {
    template.resourceCountIs('AWS::ApiGateway::Account', 0);
    const account = only(production, 'AWS::ApiGateway::Account');
    assert.equal(account['DeletionPolicy'], 'Retain');
    assert.ok(
      (only(production, STAGE)['DependsOn'] as string[]).includes(onlyId(production, 'AWS::ApiGateway::Account') ?? ''),
    );
    const role = only(production, 'AWS::IAM::Role', ({ Properties: it }) => it['ManagedPolicyArns'] !== undefined);
    assert.equal(role['DeletionPolicy'], 'Retain');
    assert.match(JSON.stringify(role.Properties['ManagedPolicyArns']), /AmazonAPIGatewayPushToCloudWatchLogs/);
  });
});

describe('the table of connections', () => {
  const isConnections = ({ Properties: table }: Resource): boolean =>
    JSON.stringify(table['KeySchema']).includes('connectionId');

  test('has the key and the TTL that the function uses, is encrypted, and can be restored', () => {
    template.resourcePropertiesCountIs(
      TABLE,
      {
        KeySchema: [{ AttributeName: 'connectionId', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'connectionId', AttributeType: 'S' }],
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
        BillingMode: 'PAY_PER_REQUEST',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
      },
      1,
    );
  });

  test('is kept in production', () => {
    assert.equal(only(template, TABLE, isConnections)['DeletionPolicy'], 'Delete');
    const kept = only(production, TABLE, isConnections);
    assert.equal(kept['DeletionPolicy'], 'Retain');
    assert.equal(kept.Properties['DeletionProtectionEnabled'], true);
  });

  test("is encrypted by the stream's key, which its function may use", () => {
    const found = Template.fromStack(make({}, (stack) => ({ encryptionKey: new Key(stack, 'Key') })).stack);
    const key = { 'Fn::GetAtt': [Match.stringLikeRegexp('^Key'), 'Arn'] };
    found.resourcePropertiesCountIs(TABLE, { SSESpecification: { SSEType: 'KMS', KMSMasterKeyId: key } }, 3);
    assert.ok(permissions(found, /^SocketRoutesRole/).some((permission) => permission.startsWith('kms:Decrypt ')));
  });
});

describe('the functions', () => {
  test('are two programs', () => {
    const functionsDir = placeholderFunctions(scratch());
    writeFileSync(
      join(functionsDir, 'websocket-authorizer', 'bootstrap.zip'),
      zip('bootstrap', Buffer.from('another')),
    );
    const found = new Deployment({ deliveries: 'websocket', functionsDir }).template('Streaming');
    const codes = ['Authorizer', 'Routes'].map((name) => functionNamed(found, `WebSocket${name}`).Properties['Code']);
    assert.notDeepEqual(codes[0], codes[1]);
  });

  test('are each told what they need and nothing else', () => {
    const [authorizer, routes] = ['Authorizer', 'Routes'].map((name) => functionNamed(template, `WebSocket${name}`));
    assert.deepEqual(variables(authorizer), ['COGNITO_CLIENT_ID', 'COGNITO_ISSUER', 'LOG_LEVEL']);
    assert.deepEqual(variables(routes), [
      'APPSYNC_API_URL',
      'CLIENT_SYSTEM_PROMPT',
      'CONNECTIONS_TABLE',
      'CONVERSATIONS_TABLE',
      'CONVERSATION_TTL_DAYS',
      'LEASE_SECONDS',
      'LOG_LEVEL',
      'MAX_HISTORY_TOKENS',
      'MAX_PROMPT_BYTES',
      'MAX_TOKENS',
      'QUEUE_URL',
      'QUOTAS',
      'QUOTAS_TABLE',
      'SESSIONS_TABLE',
      'SESSION_TTL_HOURS',
      'START_WITHIN_SECONDS',
      'WEBSOCKET_CALLBACK_URL',
    ]);
    for (const { Properties: definition } of [authorizer, routes].flatMap((found) => found ?? [])) {
      // API Gateway ends an integration after 29 s.
      assert.ok(Number(definition['Timeout']) < 29);
    }
  });

  test('the authorizer may do nothing but log', () => {
    assert.deepEqual(actions(template, /^WebSocketAuthorizerRole/), [
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'xray:PutTelemetryRecords',
      'xray:PutTraceSegments',
    ]);
  });

  test('the routes: use sessions, conversations and connections, tell of changes, send jobs, push', () => {
    const connections = '"WebSocketConnectionsTableB898E1EF"';
    checkPermissions(template, /^WebSocketRoutesRole/, [
      ['appsync:GraphQL', '/types/Mutation/fields/publishConversation"'],
      ...['GetItem', 'BatchGetItem', 'PutItem'].map((action) => [
        `dynamodb:${action}`,
        '"StreamSessionsTable151CF694"',
      ]),
      ...['GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem'].map((action) => [
        `dynamodb:${action}`,
        '"StreamConversationsTableD7C53381"',
      ]),
      ...['DeleteItem', 'PutItem', 'UpdateItem'].map((action) => [`dynamodb:${action}`, connections]),
      ...USES_QUOTAS,
      ['execute-api:ManageConnections', '/dev/POST/@connections/*'],
      ['sqs:SendMessage', '"StreamJobsQueue763C7EFE"'],
    ]);
  });

  test('the worker may push to this stage, and knows where', () => {
    const connections =
      '{"Fn::Join":["",["arn:",{"Ref":"AWS::Partition"},":execute-api:",{"Ref":"AWS::Region"},":",' +
      `{"Ref":"AWS::AccountId"},":",{"Ref":"${onlyId(template, API)}"},"/dev/POST/@connections/*"]]}`;
    assert.ok(permissions(template, /^StreamWorkerRole/).includes(`execute-api:ManageConnections on ${connections}`));
    for (const name of ['StreamWorker', 'WebSocketRoutes']) {
      const { Variables: told } = functionNamed(template, name).Properties['Environment'] as {
        Variables: Record<string, unknown>;
      };
      assert.match(
        JSON.stringify(told['WEBSOCKET_CALLBACK_URL']),
        /"https:\/\/",{"Ref":"\w+"},"\.execute-api\..*"\/dev"/,
      );
    }
  });

  test('of another role may push by a grant', () => {
    const { stack, webSocket } = make();
    const role = new Role(stack, 'Grantee', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    webSocket.grantPush(role);
    assert.match(
      permissions(Template.fromStack(stack), /^Grantee/).join(),
      /^execute-api:Man[^,]* on [^]*\/live\/POST\//,
    );
  });
});

describe('a stream', () => {
  test('pushes to one API alone', () => {
    const { stack, stream } = make();
    assert.throws(
      () => new WebSocketStream(stack, 'Second', { stream, ...webSocketCode() }),
      /pushes to a WebSocket API already/,
    );
  });

  test('is in the stack of its API', () => {
    const { stream } = make();
    assert.throws(
      () => new WebSocketStream(ownStack(), 'Socket', { stream, ...webSocketCode() }),
      /has to be in the stack of its `stream`/,
    );
  });
});

test('where clients connect is an output', () => {
  template.hasOutput('WebSocketUrl', {
    Value: { 'Fn::Join': ['', Match.arrayWith(['wss://', { Ref: onlyId(template, API) }])] },
  });
  template.hasOutput('ConnectionsTableName', {});
});

test('none is there unless it is asked for', () => {
  const without = new Deployment({ deliveries: 'url' }).template('Streaming');
  without.resourceCountIs(API, 0);
  without.resourceCountIs(TABLE, 3);
});

test('what clients know it by keeps its id', () => {
  assert.equal(onlyId(template, API), 'WebSocketApi6E1BF3E4');
});

function functionNamed(found: Template, name: string): Resource {
  return only(found, FUNCTION, ({ Properties: it }) => JSON.stringify(it['Role']).includes(`"${name}Role`));
}

function variables(found?: Resource): string[] {
  const { Variables: names } = found?.Properties['Environment'] as { Variables: Record<string, unknown> };
  return Object.keys(names).sort();
}

function actions(found: Template, role: RegExp): (string | undefined)[] {
  return permissions(found, role).map((permission) => permission.split(' ')[0]);
}

function onlyId(found: Template, type: string): string | undefined {
  return Object.keys(found.findResources(type))[0];
}
