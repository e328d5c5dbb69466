/** What a deployment is told through its context: see the table in README.md. */
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Mfa } from 'aws-cdk-lib/aws-cognito';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Node } from 'constructs';

import { modelIds } from './assistants';
import { ContextReader } from './context';
import { ModelSpec, needsDetails } from './model-access';
import { ROLE_PATH, VpcPart } from './organization';
import { DEFAULT_FUNCTIONS_DIR } from './paths';
import { APP_QUOTAS, quotaProblems, Quotas } from './quotas';
import { NOTHING_LEFT, NUMBER_SETTINGS, PROMPT_CACHING, PUBLISH_MODES, StreamSettings } from './settings';
import { AlarmThresholds } from './stream-alarms';
import { LOG_LEVELS, LogLevel } from './stream-function';

export interface Config {
  /** What the stacks' names begin with. */
  readonly name: string;
  readonly stage: Stage;
  readonly removalPolicy: RemovalPolicy;
  readonly architecture: Architecture;
  readonly functionsDir: string;
  readonly model?: ModelSpec;
  /** The path of the assistants' file. */
  readonly assistants?: string;
  readonly assistantModels?: readonly ModelSpec[];
  readonly quotas?: Quotas;
  readonly quotasTableName?: string;
  readonly otherModels: readonly ModelSpec[];
  readonly titleModel?: ModelSpec;
  readonly settings: StreamSettings;
  readonly users: {
    readonly poolId?: string;
    readonly clientId?: string;
    readonly selfSignUp?: boolean;
    readonly mfa?: Mfa;
    readonly threatProtection?: boolean;
  };
  readonly api?: { readonly id: string; readonly url: string };
  readonly sessionsTableName?: string;
  readonly conversationsTableName?: string;
  readonly introspection?: boolean;
  /** Deliveries besides AppSync. */
  readonly url?: UrlConfig;
  readonly webSocket?: { readonly logRole: boolean };
  readonly webAclArn?: string;
  readonly organization: OrganizationConfig;
  readonly workerTimeout?: Duration;
  readonly workerMemoryMb?: number;
  readonly maxConcurrency?: number;
  readonly batchSize?: number;
  readonly logLevel?: LogLevel;
  readonly logRetention?: RetentionDays;
  readonly alarmTopicArn?: string;
  readonly alarmEmail?: string;
  readonly thresholds: AlarmThresholds;
}

type Stage = (typeof STAGES)[number];

/** The model of deployments that name neither a model nor assistants. */
const DEFAULT_MODEL = 'amazon.nova-lite-v1:0';

/** What says that nobody's use is limited or counted. */
const NO_QUOTAS = 'none';

const STAGES = ['dev', 'prod'] as const;

/** What an organization asks of functions and roles, by ids and ARNs of what is there. */
export interface OrganizationConfig {
  readonly permissionsBoundaryArn?: string;
  readonly rolePath?: string;
  readonly vpc?: VpcPart;
  readonly caBundle?: { readonly layerArn: string; readonly path?: string };
}

interface UrlConfig {
  readonly timeout?: Duration;
  readonly reservedConcurrency?: number;
  readonly allowedOrigins?: readonly string[];
}

export function readConfig(node: Node): Config {
  const reader = new ContextReader(node);
  const stage = reader.choice('stage', STAGES) ?? 'dev';
  const config: Config = {
    name: readName(reader),
    stage,
    removalPolicy: stage === 'prod' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    architecture:
      reader.choice('architecture', ['x86_64', 'arm64']) === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
    functionsDir: reader.text('functionsDir') ?? DEFAULT_FUNCTIONS_DIR,
    ...readModels(reader),
    quotas: readQuotas(reader),
    quotasTableName: reader.text('quotasTableName'),
    otherModels: (reader.list('otherModelIds') ?? []).map((id) => ({ id })),
    titleModel: readTitleModel(reader),
    settings: readSettings(reader),
    users: readUsers(reader),
    api: readApi(reader),
    sessionsTableName: reader.text('sessionsTableName'),
    conversationsTableName: reader.text('conversationsTableName'),
    introspection: reader.flag('introspection'),
    ...readDeliveries(reader),
    webAclArn: reader.text('webAclArn'),
    organization: readOrganization(reader),
    workerTimeout: seconds(reader.whole('workerTimeoutSeconds', 30, 900)),
    workerMemoryMb: reader.whole('workerMemoryMb', 128, 10_240),
    maxConcurrency: reader.whole('maxConcurrency', 2, 1000),
    batchSize: reader.whole('batchSize', 1, 10),
    logLevel: reader.choice('logLevel', LOG_LEVELS),
    logRetention: readRetention(reader),
    alarmTopicArn: reader.text('alarmTopicArn'),
    alarmEmail: reader.text('alarmEmail'),
    thresholds: {
      oldestMessageSeconds: reader.whole('alarmOldestMessageSeconds', 60, 345_600),
      failedSessions: reader.whole('alarmFailedSessions', 1, 1_000_000),
      timeToFirstTokenMs: reader.whole('alarmTimeToFirstTokenMs', 100, 900_000),
      dailyBudgetUsd: reader.fraction('alarmDailyBudgetUsd', 0.01, 1_000_000),
    },
  };
  if (config.alarmTopicArn && config.alarmEmail) {
    reader.refuse('`alarmTopicArn` and `alarmEmail` exclude each other');
  }
  if ((config.url ?? config.webSocket) && config.api && config.users.poolId === undefined) {
    reader.refuse('`deliveries` is set beside `graphqlApiId`, so `userPoolId` must say whose tokens are taken');
  }
  reader.finish();
  return config;
}

function readName(reader: ContextReader): string {
  const name = reader.text('name') ?? 'Tokencast';
  if (!/^[A-Za-z][A-Za-z0-9-]{0,100}$/.test(name)) {
    reader.refuse(`\`name\` is \`${name}\`, expected letters, digits and hyphens, a letter first`);
  }
  return name;
}

/** The model that answers, or the file of assistants, which names their models. */
function readModels(reader: ContextReader): Pick<Config, 'model' | 'assistants' | 'assistantModels'> {
  const id = reader.text('modelId');
  const assistants = reader.text('assistants');
  const details = { regions: reader.list('modelRegions'), modelArns: reader.list('modelArns') };
  if (assistants === undefined) {
    return { model: { id: id ?? DEFAULT_MODEL, ...details } };
  }
  if (id !== undefined) {
    reader.refuse('`modelId` and `assistants` exclude each other: the file names the model of each assistant');
  }
  return { assistants, assistantModels: assistantModels(reader, assistants, details) };
}

/** What was said of profiles whose names don't say all, for each that the file names. */
function assistantModels(
  reader: ContextReader,
  file: string,
  { regions, modelArns }: Omit<ModelSpec, 'id'>,
): readonly ModelSpec[] | undefined {
  try {
    const unclear = modelIds(file).filter((id) => needsDetails({ id }));
    return regions || modelArns ? unclear.map((id) => ({ id, regions, modelArns })) : undefined;
  } catch (error) {
    reader.refuse(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

/** The quotas: the app's own where nothing is said, and no limits only where that is said. */
function readQuotas(reader: ContextReader): Quotas | undefined {
  const value = reader.json('quotas', NO_QUOTAS);
  if (value === NO_QUOTAS) {
    return undefined;
  }
  if (value === undefined) {
    return APP_QUOTAS;
  }
  const problems = quotaProblems(value);
  for (const problem of problems) {
    reader.refuse(problem);
  }
  return problems.length > 0 ? undefined : (value as Quotas);
}

function readTitleModel(reader: ContextReader): ModelSpec | undefined {
  const id = reader.text('titleModelId');
  const regions = reader.list('titleModelRegions');
  const modelArns = reader.list('titleModelArns');
  if (id === undefined && (regions ?? modelArns) !== undefined) {
    reader.refuse('`titleModelRegions` or `titleModelArns` is set, but `titleModelId` is not');
  }
  return id === undefined ? undefined : { id, regions, modelArns };
}

function readSettings(reader: ContextReader): StreamSettings {
  const numbers = Object.entries(NUMBER_SETTINGS).map(
    ([name, { minimum, maximum }]) => [name, reader.whole(name, minimum, maximum)] as const,
  );
  return {
    ...(Object.fromEntries(numbers) as StreamSettings),
    publishMode: reader.choice('publishMode', PUBLISH_MODES),
    promptCaching: reader.choice('promptCaching', PROMPT_CACHING),
    temperature: reader.fraction('temperature', 0, 1),
    systemPrompt: reader.text('systemPrompt'),
    nothingLeft: reader.choice('nothingLeft', NOTHING_LEFT),
    clientSystemPrompt: reader.flag('clientSystemPrompt'),
    logModelErrors: reader.flag('logModelErrors'),
  };
}

function readUsers(reader: ContextReader): Config['users'] {
  const modes: Readonly<Record<string, Mfa>> = { off: Mfa.OFF, optional: Mfa.OPTIONAL, required: Mfa.REQUIRED };
  const poolId = reader.text('userPoolId');
  const clientId = reader.text('userPoolClientId');
  if (poolId !== undefined && !/^[a-z]{2}(-[a-z]+)+-\d_[A-Za-z0-9]+$/.test(poolId)) {
    reader.refuse(`\`userPoolId\` is \`${poolId}\`, expected a user pool's id, such as \`us-east-1_AbCdEfGhI\``);
  }
  if (clientId !== undefined && poolId === undefined) {
    reader.refuse('`userPoolClientId` is set, but `userPoolId` is not');
  }
  return {
    poolId,
    clientId,
    selfSignUp: reader.flag('selfSignUp'),
    mfa: optional(reader.choice('mfa', ['off', 'optional', 'required']), (mode) => modes[mode]),
    threatProtection: reader.flag('threatProtection'),
  };
}

function readApi(reader: ContextReader): Config['api'] {
  const id = reader.text('graphqlApiId');
  const url = reader.text('graphqlUrl');
  if (id !== undefined && url !== undefined) {
    if (!url.startsWith('https://')) {
      reader.refuse(`\`graphqlUrl\` is \`${url}\`, expected the GraphQL endpoint of the API, with https`);
    }
    return { id, url };
  }
  if (id !== undefined || url !== undefined) {
    reader.refuse('`graphqlApiId` and `graphqlUrl` need each other');
  }
  return undefined;
}

function readDeliveries(reader: ContextReader): Pick<Config, 'url' | 'webSocket'> {
  const names = reader.list('deliveries') ?? [];
  for (const name of names.filter((name) => name !== 'url' && name !== 'websocket')) {
    reader.refuse(`\`deliveries\` has \`${name}\`, expected \`url\`, \`websocket\` or both: AppSync is always there`);
  }
  const url = {
    timeout: seconds(reader.whole('urlTimeoutSeconds', 30, 900)),
    reservedConcurrency: reader.whole('urlReservedConcurrency', 1, 100_000),
    allowedOrigins: reader.list('allowedOrigins'),
  };
  const logRole = reader.flag('apiGatewayLogRole') ?? false;
  return {
    url: names.includes('url') ? url : undefined,
    webSocket: names.includes('websocket') ? { logRole } : undefined,
  };
}

function readOrganization(reader: ContextReader): OrganizationConfig {
  const subnetIds = reader.list('subnetIds');
  const securityGroupIds = reader.list('securityGroupIds');
  if ((subnetIds === undefined) !== (securityGroupIds === undefined)) {
    reader.refuse('`subnetIds` and `securityGroupIds` need each other');
  }
  const layerArn = reader.text('caBundleLayerArn');
  const path = reader.text('caBundlePath');
  if (path !== undefined && layerArn === undefined) {
    reader.refuse('`caBundlePath` is set, but `caBundleLayerArn` is not');
  }
  const rolePath = reader.text('rolePath');
  if (rolePath !== undefined && !ROLE_PATH.test(rolePath)) {
    reader.refuse(
      `\`rolePath\` is \`${rolePath}\`, expected a path with a \`/\` at both ends, such as \`/teams/chat/\``,
    );
  }
  return {
    permissionsBoundaryArn: reader.text('permissionsBoundaryArn'),
    rolePath,
    vpc: subnetIds && securityGroupIds && { subnetIds, securityGroupIds },
    caBundle: layerArn === undefined ? undefined : { layerArn, path },
  };
}

function readRetention(reader: ContextReader): RetentionDays | undefined {
  const days = reader.whole('logRetentionDays', 1, 3653);
  const isPeriod = (value: unknown): value is RetentionDays => typeof value === 'number' && value <= 3653;
  const periods = Object.values(RetentionDays).filter(isPeriod);
  const found = periods.find((period) => (period as number) === days);
  if (days !== undefined && found === undefined) {
    reader.refuse(`\`logRetentionDays\` is \`${days}\`, expected one of ${periods.join(', ')}`);
  }
  return found;
}

function seconds(value: number | undefined): Duration | undefined {
  return optional(value, (value) => Duration.seconds(value));
}

function optional<T, U>(value: T | undefined, make: (value: T) => U): U | undefined {
  return value === undefined ? undefined : make(value);
}
