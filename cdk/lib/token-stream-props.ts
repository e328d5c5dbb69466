/** What a `TokenStream` may be told. */
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { IGraphqlApi } from 'aws-cdk-lib/aws-appsync';
import { IUserPool } from 'aws-cdk-lib/aws-cognito';
import { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';

import { ModelSpec } from './model-access';
import { OrganizationProps } from './organization';
import { FunctionCode } from './packaged-code';
import { Quotas } from './quotas';
import { StreamSettings } from './settings';
import { LogLevel } from './stream-function';

export interface TokenStreamProps extends OrganizationProps {
  /** The packaged functions: see `packagedCode`. @default - those that come along in the npm package */
  readonly code?: FunctionCode;
  /** What the functions are built for. @default Architecture.X86_64 */
  readonly architecture?: Architecture;
  /** The model or inference profile that answers. @default - those of the `assistants` */
  readonly model?: ModelSpec;
  /**
   * The path of the assistants' file, in place of `model`: its models and guardrails are permitted, and no others. See
   * docs/ASSISTANTS.md. @default - one assistant, of `model` and `settings`
   */
  readonly assistants?: string;
  /**
   * What can't be read from the ids of models in the assistants' file: the Regions of an inference profile, or the models
   * behind an application inference profile. @default - the ids say all
   */
  readonly assistantModels?: readonly ModelSpec[];
  /** Others that the worker may ask, to change over without a gap. @default - none */
  readonly otherModels?: readonly ModelSpec[];
  /** A small model that names conversations by their first turn. @default - the first prompt's beginning is the title */
  readonly titleModel?: ModelSpec;
  /** How answers are made and delivered. @default - each setting's own default */
  readonly settings?: StreamSettings;
  /** Who may sign in to the API that is made here. @default - a user pool is made */
  readonly userPool?: IUserPool;
  /** The app clients whose tokens are taken, as a regular expression of their ids. @default - all of the pool */
  readonly userPoolClientPattern?: string;
  /** An API of yours, whose schema holds that of `schema.graphql`. @default - one is made */
  readonly api?: OwnApi;
  /** A table of yours: key `sessionId`, TTL `expiresAt`. @default - one is made */
  readonly sessionsTable?: ITable;
  /**
   * A table of yours: partition key `conversationId` (S), sort key `item` (S), TTL `expiresAt`, and an index `byOwner` of
   * `listOwner` (S) and `listedAt` (N) with all attributes. @default - one is made
   */
  readonly conversationsTable?: ITable;
  /** How much each user may ask for. @default - no limits, and nothing is counted */
  readonly quotas?: Quotas;
  /** A table of yours for `quotas`: partition key `owner` (S), sort key `day` (S), TTL `expiresAt`. @default - one is made */
  readonly quotasTable?: ITable;
  /** The worker's timeout, up to 15 minutes: no answer may take longer. @default Duration.minutes(5) */
  readonly workerTimeout?: Duration;
  /** The worker's memory in MB, and its share of a CPU with it. @default 512 */
  readonly workerMemoryMb?: number;
  /** How many batches are worked on at once, 2 to 1,000. @default 50 */
  readonly maxConcurrency?: number;
  /** How many sessions one worker streams at once, 1 to 10. @default 1 */
  readonly batchSize?: number;
  /** Whether anyone who may call the API may read its schema. @default false */
  readonly introspection?: boolean;
  /** A web ACL (of scope REGIONAL) in front of the API that is made here. @default - none */
  readonly webAclArn?: string;
  /** A key of yours for the tables and the queues that are made here. @default - AWS's keys */
  readonly encryptionKey?: IKey;
  /** What the functions log at. @default 'info' */
  readonly logLevel?: LogLevel;
  /** How long logs are kept. @default RetentionDays.ONE_MONTH */
  readonly logRetention?: RetentionDays;
  /** What becomes of tables, queues, pool and logs when the stack goes. @default RemovalPolicy.RETAIN */
  readonly removalPolicy?: RemovalPolicy;
}

/** An AppSync API that was made elsewhere. */
export interface OwnApi {
  readonly api: IGraphqlApi;
  /** Its GraphQL endpoint. @default - the API's own, if it was made in this app */
  readonly url?: string;
}
