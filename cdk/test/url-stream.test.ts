/** The Function URL: who may call it, what it may do, and what it shares with the stream that it belongs to. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { UserPool } from 'aws-cdk-lib/aws-cognito';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Architecture, FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';

import { TokenStream } from '../lib/token-stream';
import { TokenStreamProps } from '../lib/token-stream-props';
import { UrlStream, UrlStreamProps } from '../lib/url-stream';
import { Deployment, deliveryCode, only, ownStack, Resource, resources, streamProps } from './deployment';
import { checkPermissions, permissions, USES_QUOTAS } from './policies';

const URL = 'AWS::Lambda::Url';
const FUNCTION = 'AWS::Lambda::Function';
const PERMISSION = 'AWS::Lambda::Permission';
const template = new Deployment({ deliveries: 'url', allowedOrigins: 'https://chat.example.com' }).template(
  'Streaming',
);

function make(props: Partial<UrlStreamProps> = {}, of: (stack: Stack) => Partial<TokenStreamProps> = () => ({})): Made {
  const stack = ownStack();
  const stream = new TokenStream(stack, 'Chat', { ...streamProps(), ...of(stack) });
  const url = new UrlStream(stack, 'Url', { stream, code: deliveryCode('function-url'), ...props });
  return { url, stack, template: () => Template.fromStack(stack) };
}

interface Made {
  readonly url: UrlStream;
  readonly stack: Stack;
  readonly template: () => Template;
}

describe('the Function URL', () => {
  test('streams, and leaves it to the function who may call', () => {
    const { Properties: url } = only(template, URL);
    assert.equal(url['InvokeMode'], 'RESPONSE_STREAM');
    assert.equal(url['AuthType'], 'NONE');
    assert.match(JSON.stringify(url['TargetFunctionArn']), /UrlHandlerFunction/);
  });

  test('lets everyone in by both permissions, the second by way of the URL alone', () => {
    const found = permissionsOf(template).sort((one, other) =>
      String(one['Action']).localeCompare(String(other['Action'])),
    );
    const [invoke, invokeUrl] = found;
    assert.equal(found.length, 2);
    assert.deepEqual(
      [invoke?.['Action'], invoke?.['Principal'], invoke?.['InvokedViaFunctionUrl']],
      ['lambda:InvokeFunction', '*', true],
    );
    assert.deepEqual(
      [invokeUrl?.['Action'], invokeUrl?.['Principal'], invokeUrl?.['FunctionUrlAuthType']],
      ['lambda:InvokeFunctionUrl', '*', 'NONE'],
    );
  });

  test('of AWS_IAM lets in those that it is told of, and nobody else', () => {
    const { url, stack, template: of } = make({ authType: FunctionUrlAuthType.AWS_IAM });
    const caller = new Role(stack, 'Caller', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    url.grantInvoke(caller);
    assert.equal(only(of(), URL).Properties['AuthType'], 'AWS_IAM');
    assert.deepEqual(permissionsOf(of()), []);
    const granted = permissions(of(), /^Caller/);
    assert.deepEqual(
      granted.map((permission) => permission.split(' ')[0]),
      ['lambda:InvokeFunction', 'lambda:InvokeFunctionUrl'],
    );
    assert.match(JSON.stringify(of().findResources('AWS::IAM::Policy')), /"lambda:InvokedViaFunctionUrl":true/);
  });

  test('answers pages of the origins that are named, without cookies', () => {
    const cors = only(template, URL).Properties['Cors'] as Record<'AllowHeaders' | 'ExposeHeaders', string[]>;
    const { AllowHeaders: sent, ExposeHeaders: read, ...rest } = cors;
    assert.deepEqual(rest, {
      AllowCredentials: false,
      AllowOrigins: ['https://chat.example.com'],
      AllowMethods: ['GET', 'HEAD', 'POST', 'DELETE'],
      MaxAge: 3600,
    });
    // What our clients, the AI SDK's and the package `openai` send from a page, and what they read.
    for (const header of [
      'authorization',
      'content-type',
      'idempotency-key',
      'last-event-id',
      'x-amz-content-sha256',
      'x-tokencast-chunks',
    ]) {
      assert.ok(sent.includes(header), header);
    }
    for (const header of ['openai-organization', 'user-agent', 'x-stainless-lang', 'x-stainless-retry-count']) {
      assert.ok(sent.includes(header), header);
    }
    for (const header of ['retry-after', 'x-should-retry', 'x-tokencast-session-id', 'x-tokencast-error-code']) {
      assert.ok(read.includes(header), header);
    }
    assert.ok(!sent.includes('*') && !read.includes('*'));
    assert.equal(only(make().template(), URL).Properties['Cors'], undefined);
    const signed = make({ authType: FunctionUrlAuthType.AWS_IAM, allowedOrigins: ['*'] }).template();
    const { AllowHeaders: headers } = only(signed, URL).Properties['Cors'] as { AllowHeaders: string[] };
    assert.ok(headers.includes('x-tokencast-authorization') && headers.includes('x-amz-date'));
  });

  for (const origin of ['chat.example.com', 'https://chat.example.com/', 'https://*/a', '']) {
    test(`takes no \`${origin}\` for an origin`, () => {
      assert.throws(() => make({ allowedOrigins: [origin] }), /`allowedOrigins` has `.*`, expected an origin/);
    });
  }
});

describe('its function', () => {
  test('has the time and memory of a worker, and no more of the account than there is', () => {
    const { Properties: definition } = handler(template);
    assert.deepEqual([definition['Timeout'], definition['MemorySize']], [300, 512]);
    assert.equal(definition['ReservedConcurrentExecutions'], undefined);
    assert.deepEqual(definition['Architectures'], ['x86_64']);
  });

  test('has what is asked for', () => {
    const { Properties: definition } = handler(
      make({
        timeout: Duration.minutes(15),
        memoryMb: 1024,
        reservedConcurrency: 20,
        architecture: Architecture.ARM_64,
        logLevel: 'debug',
      }).template(),
    );
    assert.deepEqual([definition['Timeout'], definition['MemorySize']], [900, 1024]);
    assert.equal(definition['ReservedConcurrentExecutions'], 20);
    assert.deepEqual(definition['Architectures'], ['arm64']);
    assert.equal(variables(definition)['LOG_LEVEL'], 'debug');
  });

  const refused = (name: string, props: Partial<UrlStreamProps>, expected: RegExp): void => {
    test(`is refused ${name}`, () => {
      assert.throws(() => make(props), expected);
    });
  };
  refused(
    'more than 15 minutes',
    { timeout: Duration.minutes(16) },
    /`timeout in seconds` is `960`, expected 30 to 900/,
  );
  refused('less than half a minute', { timeout: Duration.seconds(29) }, /expected 30 to 900/);
  refused('memory that Lambda lacks', { memoryMb: 64 }, /`memoryMb` is `64`, expected 128 to 10240/);
  refused('a reserve of nothing', { reservedConcurrency: 0 }, /`reservedConcurrency` is `0`, expected 1 to/);

  test("shares the stream's tables, queue, model and settings", () => {
    const found = make({}, () => ({
      settings: { leaseSeconds: 45, maxPromptBytes: 5, systemPrompt: 'Be brief.' },
    })).template();
    const own = variables(handler(found).Properties);
    const worker = variables(
      only(found, FUNCTION, ({ Properties: it }) => JSON.stringify(it['Role']).includes('ChatWorker')).Properties,
    );
    const shared = Object.keys(worker).filter((name) => name !== 'DEAD_LETTER_QUEUE_URL');
    for (const name of shared) {
      assert.deepEqual(own[name], worker[name], name);
    }
    assert.deepEqual(
      Object.keys(own)
        .filter((name) => !shared.includes(name))
        .sort(),
      [
        'CLIENT_SYSTEM_PROMPT',
        'COGNITO_CLIENT_ID',
        'COGNITO_ISSUER',
        'MAX_PROMPT_BYTES',
        'NOTHING_LEFT',
        'START_WITHIN_SECONDS',
      ],
    );
    assert.equal(own['MAX_PROMPT_BYTES'], '5');
    assert.equal(own['LEASE_SECONDS'], '45');
  });

  test('may use sessions and conversations, list those, leave a job, ask the model, and nothing else', () => {
    const expected = [
      ['appsync:GraphQL', '/types/Mutation/fields/publishConversation"'],
      ['bedrock:InvokeModelWithResponseStream', '::foundation-model/amazon.nova-lite-v1:0"'],
      ...['GetItem', 'BatchGetItem', 'PutItem', 'ConditionCheckItem'].map((action) => [
        `dynamodb:${action}`,
        'on {"Fn::GetAtt":["StreamSessionsTable151CF694","Arn"]}',
      ]),
      ...['GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem'].map((action) => [
        `dynamodb:${action}`,
        'on {"Fn::GetAtt":["StreamConversationsTableD7C53381","Arn"]}',
      ]),
      ['dynamodb:Query', '/index/byOwner"'],
      ...USES_QUOTAS,
      ['sqs:SendMessage', '"StreamJobsQueue763C7EFE"'],
    ];
    checkPermissions(template, /^UrlHandlerRole/, expected);
  });

  test('has a worker that sends to no queue that invokes it', () => {
    const sent = permissions(template, /^StreamWorkerRole/).filter((it) => it.startsWith('sqs:SendMessage'));
    assert.deepEqual(sent, ['sqs:SendMessage on {"Fn::GetAtt":["StreamJobsDeadLetterQueueD9E92531","Arn"]}']);
  });

  test('may use a key of yours', () => {
    const found = make({}, (stack) => ({ encryptionKey: new Key(stack, 'Key') })).template();
    const keys = actions(found, /^UrlHandlerRole/).filter((action) => action.startsWith('kms:'));
    assert.deepEqual(keys, ['kms:Decrypt', 'kms:GenerateDataKey']);
  });
});

describe('the tokens that it takes', () => {
  test("are those of the stream's users", () => {
    const { COGNITO_ISSUER: issuer, COGNITO_CLIENT_ID: client } = variables(handler(make().template()).Properties);
    assert.match(
      JSON.stringify(issuer),
      /"https:\/\/cognito-idp\.",{"Ref":"AWS::Region"},"\.",{"Ref":"AWS::URLSuffix"},"\/",{"Ref":"ChatUsersPool\w+"}]]}$/,
    );
    assert.match(JSON.stringify(client), /^{"Ref":"ChatUsersClient/);
  });

  test('are those of a pool of yours, from its own Region, for each app client', () => {
    const arn = 'arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_AbCdEfGhI';
    const found = make({ userPoolClientIds: ['one', 'two'] }, (stack) => ({
      userPool: UserPool.fromUserPoolArn(stack, 'People', arn),
    })).template();
    const { COGNITO_ISSUER: issuer, COGNITO_CLIENT_ID: clients } = variables(handler(found).Properties);
    assert.match(JSON.stringify(issuer), /https:\/\/cognito-idp\.eu-west-1\.".*"\/eu-west-1_AbCdEfGhI"/);
    assert.equal(clients, 'one,two');
  });

  test('must be some', () => {
    const withPool = (stack: Stack): Partial<TokenStreamProps> => ({ userPool: new UserPool(stack, 'People') });
    assert.throws(() => make({}, withPool), /give the `userPoolClientIds`/);
  });
});

test('where it answers is an output, and its log a group of its own', () => {
  template.hasOutput('StreamUrl', { Value: { 'Fn::GetAtt': [onlyId(template, URL), 'FunctionUrl'] } });
  template.hasOutput('StreamUrlLogGroup', {});
  const logging = handler(template).Properties['LoggingConfig'] as Record<string, unknown>;
  assert.match(JSON.stringify(logging['LogGroup']), /UrlHandlerLogs/);
});

test('none is there unless it is asked for', () => {
  for (const deliveries of ['', 'websocket']) {
    new Deployment({ deliveries }).template('Streaming').resourceCountIs(URL, 0);
  }
});

test('it keeps its address: another id would be another URL', () => {
  assert.equal(onlyId(template, URL), 'UrlD0B9659F');
});

function handler(found: Template): Resource {
  return only(found, FUNCTION, ({ Properties: it }) => JSON.stringify(it['Role']).includes('UrlHandlerRole'));
}

function variables(definition: Resource['Properties']): Record<string, unknown> {
  return (definition['Environment'] as { Variables: Record<string, unknown> }).Variables;
}

function permissionsOf(found: Template): Record<string, unknown>[] {
  return resources(found, PERMISSION)
    .map(({ Properties: permission }) => permission)
    .filter((permission) => JSON.stringify(permission['FunctionName']).includes('UrlHandler'));
}

function actions(found: Template, role: RegExp): string[] {
  return permissions(found, role).map((permission) => permission.split(' ')[0] ?? '');
}

function onlyId(found: Template, type: string): string | undefined {
  return Object.keys(found.findResources(type))[0];
}
