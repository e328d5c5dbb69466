/** Everything between a prompt and its tokens, as one construct for a stack of yours. */
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AuthorizationType, GraphqlApi, IGraphqlApi } from 'aws-cdk-lib/aws-appsync';
import { Metric, MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { IUserPool } from 'aws-cdk-lib/aws-cognito';
import { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { Architecture, EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

import { Assistants, assistantsEnvironment, assistantsOf, modelEnvironment, modelsOf } from './assistants';
import { checkConversationsTable, ConversationsTable } from './conversations-table';
import { JobQueue } from './job-queue';
import { checkKey } from './kept-table';
import { cost, failedSessions, timeToFirstToken } from './metrics';
import { ModelSpec, modelStatements } from './model-access';
import { ownCode } from './packaged-code';
import { quotasVariable } from './quotas';
import { quotasTable } from './quotas-table';
import { Resolvers } from './resolvers';
import { SESSIONS_KEY, SessionsTable } from './sessions-table';
import { checkTimes, checkWhole, settingsEnvironment, StreamSettings } from './settings';
import { StreamApi } from './stream-api';
import { FunctionDefaults, StreamFunction } from './stream-function';
import { StreamGrants } from './stream-grants';
import { OwnApi, TokenStreamProps } from './token-stream-props';
import { Users } from './users';

/** What is made here has the grants of `StreamGrants`. */
export class TokenStream extends StreamGrants {
  readonly api: IGraphqlApi;
  readonly graphqlUrl: string;
  readonly sessionsTable: ITable;
  readonly conversationsTable: ITable;
  /** What users have used; only where there are quotas. */
  readonly quotasTable?: ITable;
  readonly jobs: JobQueue;
  readonly request: StreamFunction;
  readonly worker: StreamFunction;
  readonly workerTimeout: Duration;
  /** Who may sign in; not known for an API of yours without a pool given. */
  readonly userPool?: IUserPool;
  /** The users that were made here, if they were. */
  readonly users?: Users;
  /** The assistants that the functions read from a file, if there is one. */
  readonly assistants?: Assistants;
  /** The model that answers where a start names no assistant, and how. Other deliveries ask the same. */
  readonly model: ModelSpec;
  readonly settings: StreamSettings;
  readonly functionDefaults: FunctionDefaults;
  readonly encryptionKey?: IKey;

  protected readonly models: readonly ModelSpec[];
  protected readonly guardrails: readonly string[];
  private readonly quotas?: string;
  private pushes = false;

  constructor(scope: Construct, id: string, props: TokenStreamProps) {
    super(scope, id);
    const { settings = {}, removalPolicy = RemovalPolicy.RETAIN } = props;
    const { logRetention = RetentionDays.ONE_MONTH, workerTimeout = Duration.minutes(5) } = props;
    checkTimes(settings, 'workerTimeout', workerTimeout);
    this.workerTimeout = workerTimeout;
    this.settings = settings;
    this.assistants = assistantsOf(this, props);
    const models = modelsOf(this.assistants, props);
    [this.model] = models;
    this.models = [...models, ...(props.otherModels ?? [])];
    this.guardrails = this.assistants?.guardrails ?? [];
    this.encryptionKey = props.encryptionKey;
    const kept = { removalPolicy, encryptionKey: props.encryptionKey };
    const roles = { permissionsBoundary: props.permissionsBoundary, rolePath: props.rolePath };

    if (props.sessionsTable) {
      checkKey('sessions', props.sessionsTable, SESSIONS_KEY);
    }
    this.sessionsTable = props.sessionsTable ?? new SessionsTable(this, 'Sessions', kept).table;
    if (props.conversationsTable) {
      checkConversationsTable(props.conversationsTable);
    }
    this.conversationsTable = props.conversationsTable ?? new ConversationsTable(this, 'Conversations', kept).table;
    this.quotas = props.quotas && quotasVariable(props.quotas, settings.systemPrompt);
    this.quotasTable = quotasTable(this, props, kept);
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

    const { architecture = Architecture.X86_64 } = props;
    const code = props.code ?? ownCode(architecture);
    const functions = {
      architecture,
      logLevel: props.logLevel ?? 'info',
      logRetention,
      removalPolicy,
      ...roles,
      vpc: props.vpc,
      caBundle: props.caBundle,
    };
    this.functionDefaults = functions;
    this.request = new StreamFunction(this, 'Request', {
      ...functions,
      description: 'Tokencast: starts, stops and reads sessions, and says who may subscribe to one.',
      code: code.request,
      assistants: this.assistants?.layer,
      timeout: Duration.seconds(10),
      memoryMb: 256,
      environment: { ...this.startEnvironment, ...settingsEnvironment(settings, 'request') },
    });
    this.worker = new StreamFunction(this, 'Worker', {
      ...functions,
      description: 'Tokencast: streams the answer to each queued prompt to its subscribers.',
      code: code.worker,
      assistants: this.assistants?.layer,
      timeout: workerTimeout,
      memoryMb: checkWhole('workerMemoryMb', props.workerMemoryMb ?? 512, 128, 10_240),
      environment: {
        ...this.environment,
        DEAD_LETTER_QUEUE_URL: this.jobs.deadLetterQueue.queueUrl,
        ...modelEnvironment(this),
        ...(props.titleModel && { TITLE_MODEL_ID: props.titleModel.id }),
        ...settingsEnvironment(settings, 'worker'),
      },
    });
    new Resolvers(this, 'Resolvers', { api: this.api, request: this.request.function, ...roles });
    this.permit(props.titleModel);
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
    return {
      APPSYNC_API_URL: this.graphqlUrl,
      QUEUE_URL: this.jobs.queue.queueUrl,
      SESSIONS_TABLE: this.sessionsTable.tableName,
      CONVERSATIONS_TABLE: this.conversationsTable.tableName,
      ...assistantsEnvironment(this.assistants),
      ...(this.quotasTable && { QUOTAS_TABLE: this.quotasTable.tableName }),
    };
  }

  /** What each function is told that starts sessions. */
  get startEnvironment(): Readonly<Record<string, string>> {
    return { ...this.environment, ...(this.quotas && { QUOTAS: this.quotas }) };
  }

  /** Has the worker push, by this URL, the answers that were asked for over a WebSocket API. It knows one API alone. */
  pushTo(callbackUrl: string): void {
    if (this.pushes) {
      throw new Error('the worker of this stream pushes to a WebSocket API already, and can to one alone');
    }
    this.pushes = true;
    this.worker.function.addEnvironment('WEBSOCKET_CALLBACK_URL', callbackUrl);
  }

  /** Sessions that ended as failed. Deployments in the same account and Region share this metric. */
  metricFailedSessions(options?: MetricOptions): Metric {
    return failedSessions('worker', options);
  }

  /** What answers have cost, in US dollars, by the prices of the assistants' file. Deployments in an account and Region share it. */
  metricCost(options?: MetricOptions): Metric {
    return cost('worker', options);
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
  private permit(titleModel?: ModelSpec): void {
    const request = this.request.function;
    const worker = this.worker.function;
    this.grantUseSessions(request);
    this.grantUseConversations(request);
    this.grantReadConversations(request);
    this.grantListConversations(request);
    this.grantAnswerSessions(worker);
    this.grantSendJobs(request);
    this.grantUseQuotas(request);
    this.grantSettleQuotas(worker);
    // The first three are the event source's.
    const consume = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];
    this.allow(worker, [...consume, 'sqs:ChangeMessageVisibility'], this.jobs.queue.queueArn);
    // Where it moves what nobody can answer. To the queue that invokes it, it never sends: Lambda stops such loops.
    this.allow(worker, ['sqs:SendMessage'], this.jobs.deadLetterQueue.queueArn);
    this.grantPublish(worker);
    this.grantAskModels(worker);
    for (const statement of titleModel ? modelStatements(titleModel) : []) {
      worker.grantPrincipal.addToPrincipalPolicy(statement);
    }
    // It keeps a conversation's sessions for longer, and deletes what is left of a deleted conversation.
    this.allowOn(this.sessionsTable, worker, 'UpdateItem', 'DeleteItem');
    this.allowOn(this.conversationsTable, worker, 'DeleteItem');
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
