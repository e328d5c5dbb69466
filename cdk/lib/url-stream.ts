/** Answers over plain HTTP: a Lambda Function URL that streams. */
import { Duration } from 'aws-cdk-lib';
import { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import {
  FunctionUrl,
  FunctionUrlAuthType,
  FunctionUrlCorsOptions,
  HttpMethod,
  InvokeMode,
} from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

import { modelEnvironment } from './assistants';
import { DeliveryProps, functionDefaults, signInEnvironment } from './delivery';
import { cost, failedSessions, timeToFirstToken } from './metrics';
import { ownFunction } from './packaged-code';
import { checkTimes, checkWhole, settingsEnvironment } from './settings';
import { StreamFunction } from './stream-function';

export interface UrlStreamProps extends DeliveryProps {
  /**
   * `NONE`: anyone may call, and the function verifies the user's token before it does anything.
   * `AWS_IAM`: Lambda asks for a signature besides, which only those of `grantInvoke` can make. It takes the header
   * `authorization`, so the user's token comes in `x-tokencast-authorization`.
   * @default FunctionUrlAuthType.NONE
   */
  readonly authType?: FunctionUrlAuthType;
  /** The origins whose pages may call, such as `https://chat.example.com`. @default - no page of another origin */
  readonly allowedOrigins?: readonly string[];
  /** The function's timeout, 30 s to 15 minutes: no answer may take longer. @default Duration.minutes(5) */
  readonly timeout?: Duration;
  /** The function's memory in MB, and its share of a CPU with it. @default 512 */
  readonly memoryMb?: number;
  /** How many answers may be streamed at once. @default - as many as the account's concurrency allows */
  readonly reservedConcurrency?: number;
}

/**
 * `POST /` starts an answer and streams it, `GET /{sessionId}` goes on with one, `DELETE /{sessionId}` stops it; what is below
 * `/conversations` lists, reads, exports and deletes conversations; `/ai-sdk` speaks the AI SDK's protocol,
 * `/v1` OpenAI's, and `/ag-ui` AG-UI.
 * The function streams from the model itself; the queue and its worker end what it leaves behind when it dies.
 */
export class UrlStream extends Construct {
  readonly handler: StreamFunction;
  readonly functionUrl: FunctionUrl;
  /** Where it answers, with a `/` at its end. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: UrlStreamProps) {
    super(scope, id);
    const { stream, timeout = Duration.minutes(5), authType = FunctionUrlAuthType.NONE } = props;
    checkTimes(stream.settings, 'timeout', timeout);
    if (props.reservedConcurrency !== undefined) {
      checkWhole('reservedConcurrency', props.reservedConcurrency, 1, 100_000);
    }
    const defaults = functionDefaults(props);
    this.handler = new StreamFunction(this, 'Handler', {
      ...defaults,
      description: 'Tokencast: streams the answer to a prompt as the response to its request.',
      code: props.code ?? ownFunction('function-url', defaults.architecture),
      assistants: stream.assistants?.layer,
      timeout,
      memoryMb: checkWhole('memoryMb', props.memoryMb ?? 512, 128, 10_240),
      reservedConcurrency: props.reservedConcurrency,
      environment: {
        ...stream.startEnvironment,
        ...signInEnvironment(props),
        ...modelEnvironment(stream),
        ...settingsEnvironment(stream.settings, 'function-url'),
      },
    });
    const handler = this.handler.function;
    stream.grantAnswerSessions(handler);
    stream.grantListConversations(handler);
    stream.grantAskModels(handler);
    stream.grantUseQuotas(handler);
    // Each answer's job waits in the queue, in case the function dies; the worker hides it for as long as the function lives.
    stream.grantSendJobs(handler);
    // For `NONE`, the construct lets everyone in with both permissions that Lambda asks for since October 2025:
    // InvokeFunctionUrl, and InvokeFunction by way of the URL alone.
    this.functionUrl = new FunctionUrl(this, 'Url', {
      function: handler,
      authType,
      invokeMode: InvokeMode.RESPONSE_STREAM,
      cors: cors(authType, props.allowedOrigins),
    });
    this.url = this.functionUrl.url;
  }

  /** Sessions of its own that ended as failed. Deployments in the same account and Region share this metric. */
  metricFailedSessions(options?: MetricOptions): Metric {
    return failedSessions('function-url', options);
  }

  /** What its answers have cost, in US dollars, by the prices of the assistants' file. Deployments in an account and Region share it. */
  metricCost(options?: MetricOptions): Metric {
    return cost('function-url', options);
  }

  /** Milliseconds from a request to its first token, p95. Deployments in an account and Region share it. */
  metricTimeToFirstToken(options?: MetricOptions): Metric {
    return timeToFirstToken('function-url', options);
  }

  /** Lets `grantee` call a URL of `AWS_IAM`, by both permissions that Lambda asks for. */
  grantInvoke(grantee: IGrantable): Grant {
    return this.functionUrl.grantInvokeUrl(grantee);
  }
}

/** What the package `openai` sends from a page. */
const OPENAI_HEADERS = [
  'openai-organization',
  'openai-project',
  ...[
    'arch',
    'helper-method',
    'lang',
    'os',
    'package-version',
    'retry-count',
    'runtime',
    'runtime-version',
    'timeout',
  ].map((name) => `x-stainless-${name}`),
];

/** What a page of another origin may read of a response, beside its content. */
const EXPOSED_HEADERS = [
  'retry-after',
  'x-request-id',
  'x-should-retry',
  'x-tokencast-conversation-id',
  'x-tokencast-error-code',
  'x-tokencast-session-id',
  'x-vercel-ai-ui-message-stream',
];

/** Without credentials, which would be cookies: the token is a header that a page has to set by itself. */
function cors(authType: FunctionUrlAuthType, origins: readonly string[] = []): FunctionUrlCorsOptions | undefined {
  if (origins.length === 0) {
    return undefined;
  }
  for (const origin of origins) {
    if (origin !== '*' && !/^https?:\/\/[^/\s]+$/.test(origin)) {
      throw new Error(`\`allowedOrigins\` has \`${origin}\`, expected an origin, such as \`https://chat.example.com\``);
    }
  }
  const signed = ['x-tokencast-authorization', 'x-amz-date', 'x-amz-security-token'];
  return {
    allowCredentials: false,
    allowedOrigins: [...origins],
    allowedMethods: [HttpMethod.GET, HttpMethod.HEAD, HttpMethod.POST, HttpMethod.DELETE],
    allowedHeaders: [
      'authorization',
      'content-type',
      'idempotency-key',
      'last-event-id',
      'user-agent',
      'x-amz-content-sha256',
      'x-tokencast-chunks',
      ...OPENAI_HEADERS,
      ...(authType === FunctionUrlAuthType.AWS_IAM ? signed : []),
    ],
    exposedHeaders: [...EXPOSED_HEADERS],
    maxAge: Duration.hours(1),
  };
}
