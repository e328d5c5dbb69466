/** What the deliveries besides AppSync have in common. */
import { Aws, RemovalPolicy } from 'aws-cdk-lib';
import { IUserPool } from 'aws-cdk-lib/aws-cognito';
import { Architecture, Code } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';

import { FunctionDefaults, LogLevel } from './stream-function';
import { TokenStream } from './token-stream';

export interface DeliveryProps {
  /** Whose sessions, queue, model and settings it shares: a session that is started here can be followed there. */
  readonly stream: TokenStream;
  /** The packaged function: see `packagedFunction`. @default - the one that comes along in the npm package */
  readonly code?: Code;
  /** What the function is built for. @default - as those of `stream` */
  readonly architecture?: Architecture;
  /** Who may sign in. @default - the users of `stream`'s API */
  readonly userPool?: IUserPool;
  /** The app clients whose tokens are taken. @default - the one that `stream` made, if it made users */
  readonly userPoolClientIds?: readonly string[];
  /** What it logs at. @default - as `stream` */
  readonly logLevel?: LogLevel;
  /** How long logs are kept. @default - as those of `stream` */
  readonly logRetention?: RetentionDays;
  /** What becomes of what it keeps when the stack goes. @default - as what `stream` keeps */
  readonly removalPolicy?: RemovalPolicy;
}

/** How its functions are made. */
export function functionDefaults({ stream, ...own }: DeliveryProps): FunctionDefaults {
  const { architecture, logLevel, logRetention, removalPolicy } = stream.functionDefaults;
  return {
    ...stream.functionDefaults,
    architecture: own.architecture ?? architecture,
    logLevel: own.logLevel ?? logLevel,
    logRetention: own.logRetention ?? logRetention,
    removalPolicy: own.removalPolicy ?? removalPolicy,
  };
}

/** Whose tokens a function takes that verifies them itself. */
export function signInEnvironment(props: DeliveryProps): Record<string, string> {
  const userPool = props.userPool ?? props.stream.userPool;
  const made = props.userPool ? undefined : props.stream.users?.client.userPoolClientId;
  const clientIds = props.userPoolClientIds ?? (made === undefined ? [] : [made]);
  if (!userPool) {
    throw new Error('nobody could sign in: give the `userPool` whose tokens are taken');
  }
  if (clientIds.length === 0) {
    throw new Error('nobody could sign in: give the `userPoolClientIds` whose tokens are taken');
  }
  return {
    COGNITO_ISSUER: `https://cognito-idp.${userPool.env.region}.${Aws.URL_SUFFIX}/${userPool.userPoolId}`,
    COGNITO_CLIENT_ID: clientIds.join(','),
  };
}
