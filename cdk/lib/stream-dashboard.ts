/** One page that shows how the stream does. */
import { Duration } from 'aws-cdk-lib';
import { AlarmStatusWidget, Dashboard, GraphWidget, IAlarm, IMetric, IWidget, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

import { FunctionName } from './function-names';
import { costOf, inputTokens, outputTokens, startsBeyondQuota } from './metrics';
import { LIMIT_NAMES } from './quotas';
import { TokenStream } from './token-stream';
import { UrlStream } from './url-stream';
import { WebSocketStream } from './websocket-stream';

export interface StreamDashboardProps {
  readonly stream: TokenStream;
  /** Its other deliveries. @default - none */
  readonly url?: UrlStream;
  readonly webSocket?: WebSocketStream;
  /** The alarms to show on top. @default - none */
  readonly alarms?: readonly IAlarm[];
}

export class StreamDashboard extends Construct {
  readonly dashboard: Dashboard;

  constructor(scope: Construct, id: string, { stream, url, webSocket, alarms = [] }: StreamDashboardProps) {
    super(scope, id);
    const { queue, deadLetterQueue } = stream.jobs;
    const worker = stream.worker.function;
    const request = stream.request.function;
    const maximum = { statistic: Stats.MAXIMUM };
    const rows: IWidget[][] = [
      [
        graph('Time to first token (ms)', [
          stream.metricTimeToFirstToken({ statistic: Stats.p(50), label: 'p50' }),
          stream.metricTimeToFirstToken({ label: 'p95' }),
        ]),
        graph('Failed sessions', [stream.metricFailedSessions({ label: 'failed' })]),
        graph(
          'API',
          [stream.metricApi('4XXError'), stream.metricApi('5XXError')],
          [stream.metricApi('Latency', { statistic: Stats.p(95) })],
        ),
      ],
      [
        graph('API: events', [
          stream.metricApi('InboundMessageDropped'),
          stream.metricApi('InboundMessageDelayed'),
          stream.metricApi('InboundMessageError'),
        ]),
        graph('API: request tokens', [stream.metricApi('TokensConsumed')]),
        graph('Loops', [worker.metric('RecursiveInvocationsDropped', { statistic: Stats.SUM })]),
      ],
      [
        graph('Jobs', [
          queue.metricApproximateNumberOfMessagesVisible({ ...maximum, label: 'waiting' }),
          queue.metricApproximateNumberOfMessagesNotVisible({ ...maximum, label: 'in work' }),
          deadLetterQueue.metricApproximateNumberOfMessagesVisible({ ...maximum, label: 'dead letters' }),
        ]),
        graph('Age of the oldest job (s)', [queue.metricApproximateAgeOfOldestMessage(maximum)]),
        graph('Workers at once', [worker.metric('ConcurrentExecutions', maximum)]),
      ],
      [
        graph('Worker', calls(worker)),
        graph('Request', calls(request)),
        graph(
          'Duration, p95 (ms)',
          [request.metricDuration({ statistic: Stats.p(95), label: 'request' })],
          [worker.metricDuration({ statistic: Stats.p(95), label: 'worker' })],
        ),
      ],
    ];
    rows.push(tables(stream), use(stream, url));
    rows.push(...(url ? [urlRow(url)] : []), ...(webSocket ? [webSocketRow(webSocket)] : []));
    if (alarms.length > 0) {
      rows.unshift([new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: 24, height: 3 })]);
    }
    this.dashboard = new Dashboard(this, 'Dashboard', { defaultInterval: Duration.hours(3), widgets: rows });
  }
}

/** Requests to the tables that were turned away: too many at once, or for two transactions on one item. */
function tables({ sessionsTable, conversationsTable, quotasTable }: TokenStream): IWidget[] {
  const metrics = (name: string): IMetric[] =>
    [
      sessionsTable.metric(name, { statistic: Stats.SUM, label: 'sessions' }),
      conversationsTable.metric(name, { statistic: Stats.SUM, label: 'conversations' }),
      quotasTable?.metric(name, { statistic: Stats.SUM, label: 'quotas' }),
    ].filter((metric) => metric !== undefined);
  return [
    graph('Tables: writes throttled', metrics('WriteThrottleEvents')),
    graph('Tables: reads throttled', metrics('ReadThrottleEvents')),
    graph('Tables: transactions in conflict', metrics('TransactionConflict')),
  ];
}

/** What users use of the models, what it costs, and whom a quota turns away. */
function use({ assistants, quotasTable }: TokenStream, url?: UrlStream): IWidget[] {
  const perHour = Duration.hours(1);
  const tokens = (service: FunctionName, suffix = ''): IMetric[] => [
    inputTokens(service, { label: `input${suffix}` }),
    outputTokens(service, { label: `output${suffix}` }),
  ];
  const widgets = [graph('Tokens', [...tokens('worker'), ...(url ? tokens('function-url', ', Function URL') : [])])];
  if (assistants?.hasPrices) {
    const costs = assistants.names.map((name) => costOf(name, { label: name }));
    widgets.push(graph('Cost by assistant (US dollars an hour)', costs, [], perHour));
  }
  if (quotasTable) {
    const refused = LIMIT_NAMES.map((name) => startsBeyondQuota(name, { label: name }));
    widgets.push(graph('Starts refused by quotas', refused));
  }
  return widgets;
}

function urlRow(url: UrlStream): IWidget[] {
  const handler = url.handler.function;
  return [
    graph('Function URL', [...calls(handler), url.metricFailedSessions({ label: 'failed sessions' })]),
    graph('Function URL: answers at once', [handler.metric('ConcurrentExecutions', { statistic: Stats.MAXIMUM })]),
    graph('Function URL: time to first token (ms)', [
      url.metricTimeToFirstToken({ statistic: Stats.p(50), label: 'p50' }),
      url.metricTimeToFirstToken({ label: 'p95' }),
    ]),
  ];
}

function webSocketRow(webSocket: WebSocketStream): IWidget[] {
  const { authorizer, routes } = webSocket;
  const errors = ['ClientError', 'IntegrationError', 'ExecutionError'];
  return [
    graph('WebSocket API', [webSocket.metric('ConnectCount'), webSocket.metric('MessageCount')]),
    graph(
      'WebSocket API: errors',
      errors.map((name) => webSocket.metric(name)),
      // A token that is refused counts as an error of the authorizer.
      [authorizer.function.metricErrors({ label: 'refused' })],
    ),
    graph('WebSocket API: routes', calls(routes.function)),
  ];
}

function calls(handler: IFunction): IMetric[] {
  return [handler.metricInvocations(), handler.metricErrors(), handler.metricThrottles()];
}

function graph(
  title: string,
  left: IMetric[],
  right: IMetric[] = [],
  period: Duration = Duration.minutes(1),
): GraphWidget {
  return new GraphWidget({ title, left, right, width: 8, height: 6, period });
}
