/** Everything between a prompt and its tokens, as one construct for a stack of yours. */
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AuthorizationType, GraphqlApi, IGraphqlApi } from 'aws-cdk-lib/aws-appsync';
import { Metric, MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { Architecture, EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

import { JobQueue } from './job-queue';
import { ModelSpec, modelStatements } from './model-access';
import { Resolvers } from './resolvers';
import { checkOwnTable, SessionsTable } from './sessions-table';
import { checkWhole, numberSetting, settingsEnvironment, StreamSettings } from './settings';
import { StreamApi } from './stream-api';
import { StreamFunction } from './stream-function';
import { OwnApi, TokenStreamProps } from './token-stream-props';
import { Users } from './users';

/** Where the worker's metrics are, as it writes them to its log. */
const METRICS = { namespace: 'Tokencast', dimensionsMap: { Service: 'worker' } };

export class TokenStream extends Construct {
  readonly api: IGraphqlApi;
  readonly graphqlUrl: string;
  readonly sessionsTable: ITable;
  readonly jobs: JobQueue;
  readonly request: StreamFunction;
  readonly worker: StreamFunction;
  readonly workerTimeout: Duration;
  /** The users that were made here, if they were. */
  readonly users?: Users;

  private readonly encryptionKey: IKey | undefined;

  constructor(scope: Construct, id: string, props: TokenStreamProps) {
    super(scope, id);
    const { settings = {}, removalPolicy = RemovalPolicy.RETAIN } = props;
    const { logRetention = RetentionDays.ONE_MONTH, workerTimeout = Duration.minutes(5) } = props;
    checkTimes(settings, workerTimeout);
    this.workerTimeout = workerTimeout;
    this.encryptionKey = props.encryptionKey;
    const kept = { removalPolicy, encryptionKey: props.encryptionKey };

    if (props.sessionsTable) {
      checkOwnTable(props.sessionsTable);
      this.sessionsTable = props.sessionsTable;
    } else {
      this.sessionsTable = new SessionsTable(this, 'Sessions', kept).table;
    }
    const maxAttempts = numberSetting(settings, 'maxAttempts');
    this.jobs = new JobQueue(this, 'Jobs', { ...kept, workerTimeout, maxAttempts });

    if (props.api) {
      this.api = props.api.api;
      this.graphqlUrl = ownUrl(props.api);
    } else {
      if (!props.userPool) {
        this.users = new Users(this, 'Users', { removalPolicy });
      }
      const { api } = new StreamApi(this, 'Api', {
        name: `${Stack.of(this).stackName}-${id}`,
        userPool: props.userPool ?? this.requireUsers().userPool,
        userPoolClientPattern: props.userPoolClientPattern,
        introspection: props.introspection ?? false,
        webAclArn: props.webAclArn,
        logRetention,
        removalPolicy,
      });
      this.api = api;
      this.graphqlUrl = api.graphqlUrl;
    }

    const functions = {
      architecture: props.architecture ?? Architecture.X86_64,
      logLevel: props.logLevel ?? 'info',
      logRetention,
      removalPolicy,
    };
    const resources = {
      QUEUE_URL: this.jobs.queue.queueUrl,
      SESSIONS_TABLE: this.sessionsTable.tableName,
    };
    this.request = new StreamFunction(this, 'Request', {
      ...functions,
      description: 'Tokencast: starts, stops and reads sessions, and says who may subscribe to one.',
      code: props.code.request,
      timeout: Duration.seconds(10),
      memoryMb: 256,
      environment: { ...resources, ...settingsEnvironment(settings, 'request') },
    });
    this.worker = new StreamFunction(this, 'Worker', {
      ...functions,
      description: 'Tokencast: streams the answer to each queued prompt to its subscribers.',
      code: props.code.worker,
      timeout: workerTimeout,
      memoryMb: checkWhole('workerMemoryMb', props.workerMemoryMb ?? 512, 128, 10_240),
      environment: {
        ...resources,
        APPSYNC_API_URL: this.graphqlUrl,
        MODEL_ID: props.model.id,
        ...settingsEnvironment(settings, 'worker'),
      },
    });
    new Resolvers(this, 'Resolvers', { api: this.api, request: this.request.function });
    this.permit([props.model, ...(props.otherModels ?? [])]);
    new EventSourceMapping(this, 'JobsToWorker', {
      target: this.worker.function,
      eventSourceArn: this.jobs.queue.queueArn,
      // No window: a job alone in the queue must not wait for company.
      batchSize: checkWhole('batchSize', props.batchSize ?? 1, 1, 10),
      maxConcurrency: checkWhole('maxConcurrency', props.maxConcurrency ?? 50, 2, 1000),
      reportBatchItemFailures: true,
    });
  }

  /** Lets `grantee` send events to the subscribers, as the worker does. Whoever may, may write in any session's name. */
  grantPublish(grantee: IGrantable): Grant {
    return this.allow(grantee, ['appsync:GraphQL'], `${this.api.arn}/types/Mutation/fields/publishToken`);
  }

  /** Lets `grantee` read any session by its id. */
  grantReadSessions(grantee: IGrantable): Grant {
    this.encryptionKey?.grant(grantee, 'kms:Decrypt');
    return this.allow(grantee, ['dynamodb:GetItem'], this.sessionsTable.tableArn);
  }

  /**
   * Lets `grantee` run `tokencast redrive`: put jobs from the dead-letter queue back and open their sessions again.
   * SQS's own redrive is left out, because it knows nothing of sessions: a failed one would stay failed.
   */
  grantRedrive(grantee: IGrantable): Grant {
    this.encryptionKey?.grant(grantee, 'kms:Decrypt', 'kms:GenerateDataKey');
    const { deadLetterQueue, queue } = this.jobs;
    const take = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'];
    return this.allow(grantee, take, deadLetterQueue.queueArn)
      .combine(this.allow(grantee, ['sqs:SendMessage'], queue.queueArn))
      .combine(this.allow(grantee, ['dynamodb:GetItem', 'dynamodb:PutItem'], this.sessionsTable.tableArn));
  }

  /** Sessions that ended as failed. Deployments in the same account and Region share this metric. */
  metricFailedSessions(options?: MetricOptions): Metric {
    return new Metric({ ...METRICS, metricName: 'SessionsFailed', statistic: Stats.SUM, ...options });
  }

  /** Milliseconds from a job's receipt to its first token, p95. Deployments in an account and Region share it. */
  metricTimeToFirstToken(options?: MetricOptions): Metric {
    return new Metric({ ...METRICS, metricName: 'TimeToFirstTokenMs', statistic: Stats.p(95), ...options });
  }

  /** Each call that the functions make, and no other. */
  private permit(models: readonly ModelSpec[]): void {
    const request = this.request.function;
    const worker = this.worker.function;
    const { queue } = this.jobs;
    const session = ['dynamodb:GetItem', 'dynamodb:PutItem'];
    this.allow(request, session, this.sessionsTable.tableArn);
    this.allow(worker, session, this.sessionsTable.tableArn);
    this.allow(request, ['sqs:SendMessage'], queue.queueArn);
    // The first three are the event source's.
    const consume = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];
    this.allow(worker, [...consume, 'sqs:ChangeMessageVisibility'], queue.queueArn);
    this.grantPublish(worker);
    for (const statement of models.flatMap(modelStatements)) {
      worker.addToRolePolicy(statement);
    }
    for (const grantee of [request, worker]) {
      this.encryptionKey?.grant(grantee, 'kms:Decrypt', 'kms:GenerateDataKey');
    }
  }

  private allow(grantee: IGrantable, actions: string[], ...resourceArns: string[]): Grant {
    return Grant.addToPrincipal({ grantee, actions, resourceArns });
  }

  private requireUsers(): Users {
    if (!this.users) {
      throw new Error('there is neither a user pool of yours nor one made here');
    }
    return this.users;
  }
}

function ownUrl({ api, url }: OwnApi): string {
  if (api.modes.length > 0 && !api.modes.includes(AuthorizationType.IAM)) {
    throw new Error('the API has no IAM authorization mode, which the worker publishes with');
  }
  const found = url ?? (api instanceof GraphqlApi ? api.graphqlUrl : undefined);
  if (found === undefined) {
    throw new Error('the API was imported: its GraphQL endpoint must be given (`url`)');
  }
  return found;
}

function checkTimes(settings: StreamSettings, workerTimeout: Duration): void {
  const seconds = checkWhole('workerTimeout in seconds', workerTimeout.toSeconds(), 30, 900);
  const reserve = numberSetting(settings, 'deadlineReserveMs') / 1000;
  if (reserve >= seconds) {
    throw new Error(`\`deadlineReserveMs\` is ${reserve} s, expected less than the worker's timeout of ${seconds} s`);
  }
}
