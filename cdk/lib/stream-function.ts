/** A function, with a role and a log group of its own. */
import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import {
  ApplicationLogLevel,
  Architecture,
  CfnFunction,
  Code,
  Function,
  ILayerVersion,
  LoggingFormat,
  RecursiveLoop,
  Runtime,
  SystemLogLevel,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

import { OrganizationProps, permitVpc, serviceRole, trustEnvironment, vpcConfig } from './organization';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'trace'] as const;

/** What the functions log at. */
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface StreamFunctionProps extends OrganizationProps {
  readonly description: string;
  readonly code: Code;
  readonly architecture: Architecture;
  readonly timeout: Duration;
  readonly memoryMb: number;
  /** How many of it may run at once; as many are kept free for it. @default - as many as the account has left */
  readonly reservedConcurrency?: number;
  readonly environment: Readonly<Record<string, string>>;
  /** The layer with the assistants' file. @default - none */
  readonly assistants?: ILayerVersion;
  readonly logLevel: LogLevel;
  readonly logRetention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
}

/** What all functions of a deployment have in common. */
export type FunctionDefaults = Pick<
  StreamFunctionProps,
  'architecture' | 'logLevel' | 'logRetention' | 'removalPolicy' | keyof OrganizationProps
>;

export class StreamFunction extends Construct {
  readonly function: Function;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: StreamFunctionProps) {
    super(scope, id);
    this.logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetention,
      removalPolicy: props.removalPolicy,
    });
    const role = serviceRole(this, 'Role', 'lambda.amazonaws.com', props);
    role.addToPolicy(
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [this.logGroup.logGroupArn],
      }),
    );
    this.function = new Function(this, 'Function', {
      description: props.description,
      runtime: Runtime.PROVIDED_AL2023,
      handler: 'bootstrap',
      code: props.code,
      architecture: props.architecture,
      timeout: props.timeout,
      memorySize: props.memoryMb,
      reservedConcurrentExecutions: props.reservedConcurrency,
      role,
      // No function sends to what invokes it, so this stops only what a change would break.
      recursiveLoop: RecursiveLoop.TERMINATE,
      tracing: Tracing.ACTIVE,
      logGroup: this.logGroup,
      loggingFormat: LoggingFormat.JSON,
      systemLogLevelV2: SystemLogLevel.INFO,
      applicationLogLevelV2: lambdaLevel(props.logLevel),
      layers: layers(props),
      environment: { ...props.environment, ...trustEnvironment(props.caBundle), LOG_LEVEL: props.logLevel },
    });
    const definition = this.function.node.defaultChild as CfnFunction;
    // No function sends to a queue that invokes it, so a loop could only be a fault of ours: Lambda is to end it.
    definition.recursiveLoop = 'Terminate';
    // The construct also waits for the role itself, which its policy and `Role` imply.
    definition.addMetadata('cfn-lint', { config: { ignore_checks: ['W3005'] } });
    if (props.vpc) {
      definition.vpcConfig = vpcConfig(props.vpc);
      permitVpc(role);
    } else {
      Validations.of(role).acknowledge({
        id: 'AwsSolutions-IAM5[Resource::*]',
        reason: "X-Ray's PutTraceSegments and PutTelemetryRecords take no resource but `*`.",
      });
    }
  }
}

function layers({ caBundle, assistants }: StreamFunctionProps): ILayerVersion[] | undefined {
  const found = [caBundle?.layer, assistants].filter((layer) => layer !== undefined);
  return found.length > 0 ? found : undefined;
}

/**
 * What Lambda itself lets through. Never less than `INFO`: a line without a level, as a metric is, counts as that, and
 * the function leaves out by itself what it isn't asked for.
 */
function lambdaLevel(level: LogLevel): ApplicationLogLevel {
  switch (level) {
    case 'trace':
      return ApplicationLogLevel.TRACE;
    case 'debug':
      return ApplicationLogLevel.DEBUG;
    case 'info':
    case 'warn':
    case 'error':
      return ApplicationLogLevel.INFO;
  }
}
