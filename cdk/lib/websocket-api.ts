/** The API Gateway of a `WebSocketStream`. */
import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { LogGroupLogDestination, WebSocketApi, WebSocketRoute, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { WebSocketLambdaAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

/** The routes that answer what a client sends, besides `$connect` and `$disconnect`. */
export const MESSAGE_ROUTES = ['stream', 'stop', 'resume', '$default'] as const;

/**
 * What an access log's line says. Nothing that a client sent is among it: a browser's token is in the query string, and
 * a message holds a prompt. So no execution log either, which has both.
 */
export const ACCESS_LOG_FIELDS = {
  requestId: '$context.requestId',
  extendedRequestId: '$context.extendedRequestId',
  time: '$context.requestTimeEpoch',
  event: '$context.eventType',
  route: '$context.routeKey',
  status: '$context.status',
  connectionId: '$context.connectionId',
  connectedAt: '$context.connectedAt',
  ip: '$context.identity.sourceIp',
  errorType: '$context.error.responseType',
  authorizerStatus: '$context.authorizer.status',
  authorizerLatencyMs: '$context.authorizer.latency',
  integrationStatus: '$context.integrationStatus',
  integrationLatencyMs: '$context.integrationLatency',
} as const;

export interface WebSocketApiProps {
  readonly name: string;
  readonly stageName: string;
  readonly authorizer: IFunction;
  readonly routes: IFunction;
  readonly rateLimit: number;
  readonly burstLimit: number;
  readonly logRetention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
}

export class StreamWebSocketApi extends Construct {
  readonly api: WebSocketApi;
  readonly stage: WebSocketStage;
  readonly accessLog: LogGroup;

  constructor(scope: Construct, id: string, props: WebSocketApiProps) {
    super(scope, id);
    this.api = new WebSocketApi(this, 'Api', {
      apiName: props.name,
      description: 'Tokencast: answers over a WebSocket.',
      routeSelectionExpression: '$request.body.action',
    });
    const routes = this.route(props);
    this.accessLog = new LogGroup(this, 'AccessLog', {
      retention: props.logRetention,
      removalPolicy: props.removalPolicy,
    });
    this.stage = new WebSocketStage(this, 'Stage', {
      webSocketApi: this.api,
      stageName: props.stageName,
      autoDeploy: true,
      detailedMetricsEnabled: true,
      throttle: { rateLimit: props.rateLimit, burstLimit: props.burstLimit },
      accessLogSettings: {
        destination: new LogGroupLogDestination(this.accessLog),
        format: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG_FIELDS)),
      },
    });
    // What has no route yet can't be deployed.
    this.stage.node.addDependency(...routes);
  }

  private route({ authorizer, routes }: WebSocketApiProps): WebSocketRoute[] {
    const integration = new WebSocketLambdaIntegration('Routes', routes);
    const connect = this.api.addRoute('$connect', {
      integration,
      authorizer: new WebSocketLambdaAuthorizer('Authorizer', authorizer, {
        // A token comes in the query string or in a header. API Gateway would refuse whoever lacks one of the sources
        // that are named here, so none is: the authorizer looks at both, and is asked each time.
        identitySource: [],
      }),
    });
    const others = [
      this.api.addRoute('$disconnect', { integration }),
      ...MESSAGE_ROUTES.map((key) => this.api.addRoute(key, { integration, returnResponse: true })),
    ];
    for (const route of others) {
      acknowledge(route);
    }
    return [connect, ...others];
  }
}

function acknowledge(route: WebSocketRoute): void {
  Validations.of(route).acknowledge({
    id: 'AwsSolutions-APIG4',
    reason:
      'API Gateway authorizes a WebSocket once, at $connect, which has an authorizer; no other route can have one.',
  });
}
