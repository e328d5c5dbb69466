/** What somebody should be called for. What to do then is in docs/DEPLOY.md, alarm by alarm. */
import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  IAlarmAction,
  IMetric,
  MathExpression,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { ITable, Operation } from 'aws-cdk-lib/aws-dynamodb';
import { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

import { TokenStream } from './token-stream';
import { UrlStream } from './url-stream';
import { WebSocketStream } from './websocket-stream';

export interface AlarmThresholds {
  /** The age of the oldest job, in seconds. @default - the worker's timeout and a minute */
  readonly oldestMessageSeconds?: number;
  /** Failed sessions in five minutes. @default 5 */
  readonly failedSessions?: number;
  /** The time to the first token (p95) for a quarter of an hour, in milliseconds. @default 5000 */
  readonly timeToFirstTokenMs?: number;
  /** What all answers of 24 hours may cost, in US dollars. It needs prices in the assistants' file. @default - no alarm */
  readonly dailyBudgetUsd?: number;
}

export interface StreamAlarmsProps {
  readonly stream: TokenStream;
  /** Its other deliveries. @default - none */
  readonly url?: UrlStream;
  readonly webSocket?: WebSocketStream;
  readonly thresholds?: AlarmThresholds;
  /** What an alarm does when it goes off, and when it is over. @default - it is only shown */
  readonly action?: IAlarmAction;
}

interface Rule {
  readonly metric: IMetric;
  /** From this value on. */
  readonly threshold: number;
  readonly periods: number;
  readonly description: string;
}

export class StreamAlarms extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, { stream, url, webSocket, thresholds = {}, action }: StreamAlarmsProps) {
    super(scope, id);
    const { queue, deadLetterQueue } = stream.jobs;
    const worker = stream.worker.function;
    const { failedSessions = 5, timeToFirstTokenMs = 5000 } = thresholds;
    // A job that is being answered counts as waiting, for as long as a worker may take.
    const { oldestMessageSeconds = stream.workerTimeout.toSeconds() + 60 } = thresholds;
    const minute = { period: Duration.minutes(1) };
    const fiveMinutes = { period: Duration.minutes(5) };
    const rules: Readonly<Record<string, Rule>> = {
      DeadLetters: {
        metric: deadLetterQueue.metricApproximateNumberOfMessagesVisible({ ...minute, statistic: Stats.MAXIMUM }),
        threshold: 1,
        periods: 1,
        description: 'A job failed for good and waits in the dead-letter queue.',
      },
      OldestJob: {
        metric: queue.metricApproximateAgeOfOldestMessage({ ...minute, statistic: Stats.MAXIMUM }),
        threshold: oldestMessageSeconds,
        periods: 3,
        description: 'Jobs come in faster than workers take them, or none takes them at all.',
      },
      WorkerErrors: {
        metric: worker.metricErrors(fiveMinutes),
        threshold: 1,
        periods: 1,
        description:
          'A worker crashed, did not start or ran into its timeout. A failed answer is no error of its worker.',
      },
      WorkerThrottles: {
        metric: worker.metricThrottles(fiveMinutes),
        threshold: 1,
        periods: 1,
        description: "Lambda refuses to run workers: the account's concurrency is used up.",
      },
      FailedSessions: {
        metric: stream.metricFailedSessions(fiveMinutes),
        threshold: failedSessions,
        periods: 1,
        description: 'Users see answers fail.',
      },
      TimeToFirstToken: {
        metric: stream.metricTimeToFirstToken(fiveMinutes),
        threshold: timeToFirstTokenMs,
        periods: 3,
        description: 'Users wait too long for the first word.',
      },
      ...functionRules('Request', 'The GraphQL API', stream.request.function),
      ...apiRules(stream),
      ...(stream.quotasTable && quotaRules(stream.quotasTable)),
      ...(thresholds.dailyBudgetUsd !== undefined && budgetRules(stream, thresholds.dailyBudgetUsd, url)),
      RecursiveInvocations: {
        metric: worker.metric('RecursiveInvocationsDropped', { ...fiveMinutes, statistic: Stats.SUM }),
        threshold: 1,
        periods: 1,
        description: 'Lambda ended a loop: a job went round between the queue and the worker.',
      },
      ...(url && {
        ...functionRules('Url', 'The Function URL', url.handler.function),
        UrlFailedSessions: {
          metric: url.metricFailedSessions(fiveMinutes),
          threshold: failedSessions,
          periods: 1,
          description: 'Users of the Function URL see answers fail.',
        },
        UrlTimeToFirstToken: {
          metric: url.metricTimeToFirstToken(fiveMinutes),
          threshold: timeToFirstTokenMs,
          periods: 3,
          description: 'Users of the Function URL wait too long for the first word.',
        },
      }),
      ...(webSocket && functionRules('WebSocket', 'The WebSocket API', webSocket.routes.function)),
    };
    this.alarms = Object.entries(rules).map(([name, rule]) => {
      const alarm = new Alarm(this, name, {
        metric: rule.metric,
        threshold: rule.threshold,
        evaluationPeriods: rule.periods,
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        // Nothing is measured while nobody asks.
        treatMissingData: TreatMissingData.NOT_BREACHING,
        alarmDescription: `${rule.description} What to do: docs/DEPLOY.md, ${name}.`,
      });
      if (action) {
        alarm.addAlarmAction(action);
        alarm.addOkAction(action);
      }
      return alarm;
    });
  }
}

/** What keeps users from being counted, and so from asking. */
function quotaRules(table: ITable): Record<string, Rule> {
  const period = Duration.minutes(5);
  const operations = [Operation.GET_ITEM, Operation.BATCH_GET_ITEM, Operation.TRANSACT_WRITE_ITEMS];
  const throttled = (name: string): IMetric => table.metric(name, { period, statistic: Stats.SUM });
  return {
    QuotaTable: {
      metric: new MathExpression({
        expression: 'errors + FILL(reads, 0) + FILL(writes, 0)',
        label: 'failed requests',
        period,
        usingMetrics: {
          errors: table.metricSystemErrorsForOperations({ operations, period }),
          reads: throttled('ReadThrottleEvents'),
          writes: throttled('WriteThrottleEvents'),
        },
      }),
      threshold: 1,
      periods: 1,
      description: 'The table of quotas turns requests away, and no answer starts that it cannot count.',
    },
  };
}

/** What all answers of a day cost, however they were asked for. */
function budgetRules(stream: TokenStream, dailyBudgetUsd: number, url?: UrlStream): Record<string, Rule> {
  if (!stream.assistants?.hasPrices) {
    throw new Error("`dailyBudgetUsd` is set, but no model has a price: give `prices` in the assistants' file");
  }
  const period = Duration.days(1);
  const byWorker = stream.metricCost({ period });
  return {
    DailyBudget: {
      metric: url
        ? new MathExpression({
            expression: 'FILL(worker, 0) + FILL(url, 0)',
            label: 'US dollars',
            period,
            usingMetrics: { worker: byWorker, url: url.metricCost({ period }) },
          })
        : byWorker,
      threshold: dailyBudgetUsd,
      periods: 1,
      description: 'The answers of 24 hours have cost more than the budget.',
    },
  };
}

/** What AppSync itself fails at. It tells the publisher of nothing that it drops or delays. */
function apiRules(stream: TokenStream): Record<string, Rule> {
  const rule = (metricName: string, threshold: number, periods: number, description: string): Rule => ({
    metric: stream.metricApi(metricName, { period: Duration.minutes(5) }),
    threshold,
    periods,
    description,
  });
  return {
    // Clients and workers send again what failed once.
    ApiErrors: rule('5XXError', 5, 1, 'AppSync answers requests with errors of its own.'),
    MessagesDropped: rule('InboundMessageDropped', 1, 1, 'AppSync drops events, so that subscribers miss tokens.'),
    MessagesDelayed: rule('InboundMessageDelayed', 1, 3, 'AppSync delays events, so that answers lag.'),
    MessageErrors: rule(
      'InboundMessageError',
      1,
      1,
      'AppSync could not process events, so that subscribers miss tokens.',
    ),
  };
}

function functionRules(prefix: string, what: string, handler: IFunction): Record<string, Rule> {
  const once = { threshold: 1, periods: 1 };
  const fiveMinutes = { period: Duration.minutes(5) };
  return {
    [`${prefix}Errors`]: {
      ...once,
      metric: handler.metricErrors(fiveMinutes),
      description: `${what}'s function failed, did not start or ran into its timeout.`,
    },
    [`${prefix}Throttles`]: {
      ...once,
      metric: handler.metricThrottles(fiveMinutes),
      description: `${what} turns callers away: Lambda refuses to run its function.`,
    },
  };
}
