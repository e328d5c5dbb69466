/** Answers over WebSockets: an API Gateway WebSocket API, which the worker of a `TokenStream` pushes to. */
import { Duration, Stack, Validations } from 'aws-cdk-lib';
import { Metric, MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

import { ConnectionsTable } from './connections-table';
import { DeliveryProps, functionDefaults, signInEnvironment } from './delivery';
import { ownFunction } from './packaged-code';
import { checkWhole, settingsEnvironment } from './settings';
import { StreamFunction } from './stream-function';
import { StreamWebSocketApi } from './websocket-api';

export interface WebSocketStreamProps extends DeliveryProps {
  /**
   * The packaged function `websocket-authorizer`; `code` is that of `websocket`.
   * @default - the one that comes along in the npm package
   */
  readonly authorizerCode?: Code;
  /** The API's stage, the last part of its URL. @default 'live' */
  readonly stageName?: string;
  /** How many connects and messages of all clients together are taken in a second. @default 500 */
  readonly rateLimit?: number;
  /** How many are taken at once on top of that. @default 1000 */
  readonly burstLimit?: number;
}

/**
 * A client connects once with its token, then starts, stops and resumes any number of sessions. It has to be in the stack
 * of its `stream`, whose worker it tells where to push.
 */
export class WebSocketStream extends Construct {
  readonly api: StreamWebSocketApi;
  readonly connectionsTable: Table;
  /** Who may connect. */
  readonly authorizer: StreamFunction;
  /** Every route. */
  readonly routes: StreamFunction;
  /** Where clients connect. */
  readonly url: string;
  /** Where connections are pushed to. */
  readonly callbackUrl: string;

  constructor(scope: Construct, id: string, props: WebSocketStreamProps) {
    super(scope, id);
    const { stream, stageName = 'live' } = props;
    if (Stack.of(this) !== Stack.of(stream)) {
      throw new Error('a `WebSocketStream` has to be in the stack of its `stream`: each of them names the other');
    }
    if (!/^[A-Za-z0-9_-]{1,128}$/.test(stageName)) {
      throw new Error(`\`stageName\` is \`${stageName}\`, expected letters, digits, hyphens and underscores`);
    }
    const defaults = functionDefaults(props);
    const { removalPolicy } = defaults;
    this.connectionsTable = new ConnectionsTable(this, 'Connections', {
      removalPolicy,
      encryptionKey: stream.encryptionKey,
    }).table;
    const functions = { ...defaults, timeout: Duration.seconds(10), memoryMb: 256 };
    this.authorizer = new StreamFunction(this, 'Authorizer', {
      ...functions,
      code: props.authorizerCode ?? ownFunction('websocket-authorizer', defaults.architecture),
      description: 'Tokencast: says who may connect to the WebSocket API.',
      environment: signInEnvironment(props),
    });
    this.routes = new StreamFunction(this, 'Routes', {
      ...functions,
      code: props.code ?? ownFunction('websocket', defaults.architecture),
      assistants: stream.assistants?.layer,
      description: 'Tokencast: starts, stops and resumes sessions over the WebSocket API.',
      environment: {
        ...stream.startEnvironment,
        CONNECTIONS_TABLE: this.connectionsTable.tableName,
        ...settingsEnvironment(stream.settings, 'websocket'),
      },
    });
    this.api = new StreamWebSocketApi(this, 'Api', {
      name: `${Stack.of(this).stackName}-${id}`,
      stageName,
      authorizer: this.authorizer.function,
      routes: this.routes.function,
      rateLimit: checkWhole('rateLimit', props.rateLimit ?? 500, 1, 10_000),
      burstLimit: checkWhole('burstLimit', props.burstLimit ?? 1000, 1, 5000),
      logRetention: defaults.logRetention,
      removalPolicy,
    });
    this.url = this.api.stage.url;
    this.callbackUrl = this.api.stage.callbackUrl;
    this.permit(props);
    this.routes.function.addEnvironment('WEBSOCKET_CALLBACK_URL', this.callbackUrl);
    stream.pushTo(this.callbackUrl);
  }

  /** Lets `grantee` push to any connection of this API's stage, but neither look at one nor end it. */
  grantPush(grantee: IGrantable): Grant {
    const { api, stage } = this.api;
    const connections = api.arnForExecuteApiV2('POST/@connections/*', stage.stageName);
    const principal = grantee.grantPrincipal;
    if (Construct.isConstruct(principal)) {
      Validations.of(principal).acknowledge({
        id: `AwsSolutions-IAM5[Resource::${asWritten(Stack.of(this).resolve(connections))}]`,
        reason: "The ids of connections are API Gateway's and come and go: it is any of this stage of this API.",
      });
    }
    return Grant.addToPrincipal({
      grantee,
      actions: ['execute-api:ManageConnections'],
      resourceArns: [connections],
    });
  }

  /** A metric of the API's stage. */
  metric(metricName: string, options?: MetricOptions): Metric {
    const { api, stage } = this.api;
    const dimensionsMap = { ApiId: api.apiId, Stage: stage.stageName };
    return new Metric({ namespace: 'AWS/ApiGateway', metricName, dimensionsMap, statistic: Stats.SUM, ...options });
  }

  /** Each call that the functions make, and no other; the authorizer makes none. */
  private permit({ stream }: WebSocketStreamProps): void {
    const routes = this.routes.function;
    stream.grantUseSessions(routes);
    stream.grantUseConversations(routes);
    // A chat of the AI SDK sends its messages along, which are compared with the conversation.
    stream.grantReadConversations(routes);
    stream.grantSendJobs(routes);
    stream.grantUseQuotas(routes);
    Grant.addToPrincipal({
      grantee: routes,
      actions: ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
      resourceArns: [this.connectionsTable.tableArn],
    });
    for (const grantee of [routes, stream.worker.function]) {
      this.grantPush(grantee);
    }
  }
}

/** A text with references, as cdk-nag names it. */
function asWritten(value: unknown): string {
  if (typeof value !== 'object' || value === null) {
    return String(value);
  }
  if ('Ref' in value) {
    return `<${String(value.Ref)}>`;
  }
  const [delimiter, parts] = (value as { 'Fn::Join': [string, unknown[]] })['Fn::Join'];
  return parts.map(asWritten).join(delimiter);
}
