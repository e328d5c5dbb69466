/** Everything between a prompt and its tokens. */
import { Annotations, CfnOutput, Stack, StackProps } from 'aws-cdk-lib';
import { AuthorizationType, GraphqlApi } from 'aws-cdk-lib/aws-appsync';
import { IUserPool } from 'aws-cdk-lib/aws-cognito';
import { ITable, Table } from 'aws-cdk-lib/aws-dynamodb';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { LayerVersion } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

import { ApiGatewayLogRole } from '../api-gateway-log-role';
import { Config, OrganizationConfig } from '../config';
import { DeliveryProps } from '../delivery';
import { OrganizationProps } from '../organization';
import { packagedCode, packagedFunction } from '../packaged-code';
import { FunctionName } from '../function-names';
import { describeQuotas } from '../quotas';
import { TokenStream } from '../token-stream';
import { OwnApi } from '../token-stream-props';
import { UrlStream } from '../url-stream';
import { WebSocketStream } from '../websocket-stream';
import { existingPool } from './auth-stack';

export interface StreamingStackProps extends StackProps {
  readonly config: Config;
  /** Who may sign in. @default - the pool that the configuration names, or whom the API knows */
  readonly userPool?: IUserPool;
  /** The app client, for the outputs. @default - the one that the configuration names */
  readonly userPoolClientId?: string;
}

/** The outputs are what a client needs: `npm run outputs` makes `amplify_outputs.json` of them. */
export class StreamingStack extends Stack {
  readonly stream: TokenStream;
  readonly url?: UrlStream;
  readonly webSocket?: WebSocketStream;

  constructor(scope: Construct, id: string, { config, ...props }: StreamingStackProps) {
    super(scope, id, props);
    const { poolId, clientId } = config.users;
    const organization = existingOrganization(this, config.organization);
    const userPool = props.userPool ?? (poolId ? existingPool(this, 'ExistingPool', poolId) : undefined);
    this.stream = new TokenStream(this, 'Stream', {
      ...config,
      ...organization,
      code: packagedCode(config.functionsDir, config.architecture),
      userPool,
      api: this.existingApi(config),
      sessionsTable: this.existingTable('ExistingTable', config.sessionsTableName),
      conversationsTable: this.existingTable('ExistingConversations', config.conversationsTableName),
      quotasTable: this.existingTable('ExistingQuotas', config.quotasTableName),
    });
    const signIn = props.userPoolClientId ?? clientId;
    this.url = this.urlStream(config, userPool, signIn);
    this.webSocket = this.webSocketStream(config, userPool, signIn);
    if (this.webSocket && config.webSocket?.logRole) {
      const logRole = new ApiGatewayLogRole(this, 'ApiGatewayLogs', organization);
      this.webSocket.api.stage.node.addDependency(logRole);
    }
    const { graphqlUrl, jobs, sessionsTable, conversationsTable, quotasTable, request, worker } = this.stream;
    // Whoever deploys without a word about quotas is told which ones there are.
    Annotations.of(this).addInfo(
      config.quotas
        ? `Quotas: ${describeQuotas(config.quotas)}. Change them by \`-c quotas=FILE\`: see docs/DEPLOY.md.`
        : 'Quotas: none. Any signed-in user can spend without limit.',
    );
    const outputs: Readonly<Record<string, string | undefined>> = {
      Region: this.region,
      GraphqlUrl: graphqlUrl,
      UserPoolId: userPool?.userPoolId,
      UserPoolClientId: signIn,
      QueueUrl: jobs.queue.queueUrl,
      DeadLetterQueueUrl: jobs.deadLetterQueue.queueUrl,
      SessionsTableName: sessionsTable.tableName,
      ConversationsTableName: conversationsTable.tableName,
      QuotasTableName: quotasTable?.tableName,
      Quotas: config.quotas && describeQuotas(config.quotas),
      RequestLogGroup: request.logGroup.logGroupName,
      WorkerLogGroup: worker.logGroup.logGroupName,
      StreamUrl: this.url?.url,
      StreamUrlLogGroup: this.url?.handler.logGroup.logGroupName,
      WebSocketUrl: this.webSocket?.url,
      ConnectionsTableName: this.webSocket?.connectionsTable.tableName,
      WebSocketLogGroup: this.webSocket?.routes.logGroup.logGroupName,
      WebSocketAuthorizerLogGroup: this.webSocket?.authorizer.logGroup.logGroupName,
      WebSocketAccessLogGroup: this.webSocket?.api.accessLog.logGroupName,
    };
    // The pool's outputs repeat those of its own stack, so that one stack tells a client everything.
    this.addMetadata('cfn-lint', { config: { ignore_checks: ['W6001'] } });
    for (const [name, value] of Object.entries(outputs)) {
      if (value !== undefined) {
        new CfnOutput(this, name, { value });
      }
    }
  }

  private existingTable(id: string, name?: string): ITable | undefined {
    return name === undefined ? undefined : Table.fromTableName(this, id, name);
  }

  private urlStream(config: Config, userPool?: IUserPool, clientId?: string): UrlStream | undefined {
    return (
      config.url &&
      new UrlStream(this, 'Url', {
        ...config.url,
        ...this.delivery('function-url', config, userPool, clientId),
        memoryMb: config.workerMemoryMb,
      })
    );
  }

  private webSocketStream(config: Config, userPool?: IUserPool, clientId?: string): WebSocketStream | undefined {
    return (
      config.webSocket &&
      new WebSocketStream(this, 'WebSocket', {
        ...this.delivery('websocket', config, userPool, clientId),
        authorizerCode: packagedFunction(config.functionsDir, 'websocket-authorizer', config.architecture),
        stageName: config.stage,
      })
    );
  }

  private delivery(
    name: FunctionName,
    { functionsDir, architecture }: Config,
    userPool?: IUserPool,
    clientId?: string,
  ): DeliveryProps {
    return {
      stream: this.stream,
      code: packagedFunction(functionsDir, name, architecture),
      userPool,
      userPoolClientIds: clientId === undefined ? undefined : [clientId],
    };
  }

  private existingApi({ api }: Config): OwnApi | undefined {
    return (
      api && {
        url: api.url,
        api: GraphqlApi.fromGraphqlApiAttributes(this, 'ExistingApi', {
          graphqlApiId: api.id,
          modes: [AuthorizationType.USER_POOL, AuthorizationType.IAM],
        }),
      }
    );
  }
}

/** What is there already, by its ids and ARNs. */
function existingOrganization(scope: Construct, config: OrganizationConfig): OrganizationProps {
  const { permissionsBoundaryArn, rolePath, vpc, caBundle } = config;
  return {
    permissionsBoundary:
      permissionsBoundaryArn === undefined
        ? undefined
        : ManagedPolicy.fromManagedPolicyArn(scope, 'PermissionsBoundary', permissionsBoundaryArn),
    rolePath,
    vpc,
    caBundle: caBundle && {
      layer: LayerVersion.fromLayerVersionArn(scope, 'CaBundle', caBundle.layerArn),
      path: caBundle.path,
    },
  };
}
