/** Everything between a prompt and its tokens, as one construct for a stack of yours. */
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AuthorizationType, GraphqlApi, IGraphqlApi } from 'aws-cdk-lib/aws-appsync';
import { Metric, MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { IUserPool } from 'aws-cdk-lib/aws-cognito';
import { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { Architecture, EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

import { JobQueue } from './job-queue';
import { failedSessions, timeToFirstToken } from './metrics';
import { ModelSpec, modelStatements } from './model-access';
import { Resolvers } from './resolvers';
import { checkOwnTable, SessionsTable } from './sessions-table';
import { checkTimes, checkWhole, settingsEnvironment, StreamSettings } from './settings';
import { StreamApi } from './stream-api';
import { FunctionDefaults, StreamFunction } from './stream-function';
import { OwnApi, TokenStreamProps } from './token-stream-props';
import { Users } from './users';

/** A session is one item, and one more for each part of a long text: parts are read together, and written one by one. */
const READ_SESSIONS = ['dynamodb:GetItem', 'dynamodb:BatchGetItem'];
const USE_SESSIONS = [...READ_SESSIONS, 'dynamodb:PutItem'];

export class TokenStream extends Construct {
  readonly api: IGraphqlApi;
  readonly graphqlUrl: string;
  readonly sessionsTable: ITable;
  readonly jobs: JobQueue;
  readonly request: StreamFunction;
  readonly worker: StreamFunction;
  readonly workerTimeout: Duration;
  /** Who may sign in; not known for an API of yours without a pool given. */
  readonly userPool?: IUserPool;
  /** The users that were made here, if they were. */
  readonly users?: Users;
  /** The model that answers, and how. Other deliveries ask the same. */
  readonly model: ModelSpec;
  readonly settings: StreamSettings;
  readonly functionDefaults: FunctionDefaults;
  readonly encryptionKey?: IKey;

  private readonly models: readonly ModelSpec[];
  private pushes = false;

  constructor(scope: Construct, id: string, props: TokenStreamProps) {
    super(scope, id);
    const { settings = {}, removalPolicy = RemovalPolicy.RETAIN } = props;
    const { logRetention = RetentionDays.ONE_MONTH, workerTimeout = Duration.minutes(5) } = props;
    checkTimes(settings, 'workerTimeout', workerTimeout);
    this.workerTimeout = workerTimeout;
    this.settings = settings;
    this.model = props.model;
    this.models = [props.model, ...(props.otherModels ?? [])];
    this.encryptionKey = props.encryptionKey;
    const kept = { removalPolicy, encryptionKey: props.encryptionKey };
    const roles = { permissionsBoundary: props.permissionsBoundary, rolePath: props.rolePath };

    if (props.sessionsTable) {
      checkOwnTable(props.sessionsTable);
      this.sessionsTable = props.sessionsTable;
    } else {
      this.sessionsTable = new SessionsTable(this, 'Sessions', kept).table;
    }
    this.jobs = new JobQueue(this, 'Jobs', { ...kept, workerTimeout });

    if (props.api) {
      this.api = props.api.api;
      this.graphqlUrl = ownUrl(props.api);
      this.userPool = props.userPool;
    } else {
      if (!props.userPool) {
        this.users = new Users(this, 'Users', { removalPolicy });
      }
      this.userPool = props.userPool ?? this.requireUsers().userPool;
      const { api } = new StreamApi(this, 'Api', {
        name: `${Stack.of(this).stackName}-${id}`,
        userPool: this.userPool,
        userPoolClientPattern: props.userPoolClientPattern,
        introspection: props.introspection ?? false,
        webAclArn: props.webAclArn,
        logRetention,
        removalPolicy,
        ...roles,
      });
      this.api = api;
      this.graphqlUrl = api.graphqlUrl;
    }

    const functions = {
      architecture: props.architecture ?? Architecture.X86_64,
      logLevel: props.logLevel ?? 'info',
      logRetention,
      removalPolicy,
      ...roles,
      vpc: props.vpc,
      caBundle: props.caBundle,
    };
    this.functionDefaults = functions;
    const resources = this.environment;
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
        DEAD_LETTER_QUEUE_URL: this.jobs.deadLetterQueue.queueUrl,
        MODEL_ID: this.model.id,
        ...settingsEnvironment(settings, 'worker'),
      },
    });
    new Resolvers(this, 'Resolvers', { api: this.api, request: this.request.function, ...roles });
    this.permit();
    new EventSourceMapping(this, 'JobsToWorker', {
      target: this.worker.function,
      eventSourceArn: this.jobs.queue.queueArn,
      // No window: a job alone in the queue must not wait for company.
      batchSize: checkWhole('batchSize', props.batchSize ?? 1, 1, 10),
      maxConcurrency: checkWhole('maxConcurrency', props.maxConcurrency ?? 50, 2, 1000),
      reportBatchItemFailures: true,
    });
  }

  /** What each function is told that starts, reads or answers sessions. */
  get environment(): Readonly<Record<string, string>> {
    return { QUEUE_URL: this.jobs.queue.queueUrl, SESSIONS_TABLE: this.sessionsTable.tableName };
  }

  /** Has the worker push, by this URL, the answers that were asked for over a WebSocket API. It knows one API alone. */
  pushTo(callbackUrl: string): void {
    if (this.pushes) {
      throw new Error('the worker of this stream pushes to a WebSocket API already, and can to one alone');
    }
    this.pushes = true;
    this.worker.function.addEnvironment('WEBSOCKET_CALLBACK_URL', callbackUrl);
  }

  /** Lets `grantee` read and write any session, as each function does that starts or answers one. */
  grantUseSessions(grantee: IGrantable): Grant {
    this.encryptionKey?.grant(grantee, 'kms:Decrypt', 'kms:GenerateDataKey');
    return this.allow(grantee, USE_SESSIONS, this.sessionsTable.tableArn);
  }

  /** Lets `grantee` hand a job to the worker. */
  grantSendJobs(grantee: IGrantable): Grant {
    this.encryptionKey?.grant(grantee, 'kms:Decrypt', 'kms:GenerateDataKey');
    return this.allow(grantee, ['sqs:SendMessage'], this.jobs.queue.queueArn);
  }

  /** Lets `grantee` ask the models that the worker may ask, and no other. */
  grantAskModels(grantee: IGrantable): void {
    for (const statement of this.models.flatMap(modelStatements)) {
      grantee.grantPrincipal.addToPrincipalPolicy(statement);
    }
  }

  /** Lets `grantee` send events to the subscribers, as the worker does. Whoever may, may write in any session's name. */
  grantPublish(grantee: IGrantable): Grant {
    return this.allow(grantee, ['appsync:GraphQL'], `${this.api.arn}/types/Mutation/fields/publishToken`);
  }

  /** Lets `grantee` read any session by its id. */
  grantReadSessions(grantee: IGrantable): Grant {
    this.encryptionKey?.grant(grantee, 'kms:Decrypt');
    return this.allow(grantee, READ_SESSIONS, this.sessionsTable.tableArn);
  }

  /**
   * Lets `grantee` run `tokencast redrive`: put jobs from the dead-letter queue back and open their sessions again.
   * SQS's own redrive is left out, because it knows nothing of sessions: a failed one would stay failed.
   */
  grantRedrive(grantee: IGrantable): Grant {
    const { deadLetterQueue } = this.jobs;
    const take = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'];
    return this.allow(grantee, take, deadLetterQueue.queueArn)
      .combine(this.grantSendJobs(grantee))
      .combine(this.grantUseSessions(grantee));
  }

  /** Sessions that ended as failed. Deployments in the same account and Region share this metric. */
  metricFailedSessions(options?: MetricOptions): Metric {
    return failedSessions('worker', options);
  }

  /** Milliseconds from a job's receipt to its first token, p95. Deployments in an account and Region share it. */
  metricTimeToFirstToken(options?: MetricOptions): Metric {
    return timeToFirstToken('worker', options);
  }

  /** A metric of the AppSync API. */
  metricApi(metricName: string, options?: MetricOptions): Metric {
    const dimensionsMap = { GraphQLAPIId: this.api.apiId };
    return new Metric({ namespace: 'AWS/AppSync', metricName, dimensionsMap, statistic: Stats.SUM, ...options });
  }

  /** Each call that the functions make, and no other. */
  private permit(): void {
    const request = this.request.function;
    const worker = this.worker.function;
    this.grantUseSessions(request);
    this.grantUseSessions(worker);
    this.grantSendJobs(request);
    // The first three are the event source's.
    const consume = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];
    this.allow(worker, [...consume, 'sqs:ChangeMessageVisibility'], this.jobs.queue.queueArn);
    // Where it moves what nobody can answer. To the queue that invokes it, it never sends: Lambda stops such loops.
    this.allow(worker, ['sqs:SendMessage'], this.jobs.deadLetterQueue.queueArn);
    this.grantPublish(worker);
    this.grantAskModels(worker);
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
