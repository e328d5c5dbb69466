/** One page that shows how the stream does. */
import { Duration } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  IAlarm,
  IMetric,
  IWidget,
  Metric,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';

import { TokenStream } from './token-stream';

export interface StreamDashboardProps {
  readonly stream: TokenStream;
  /** The alarms to show on top. @default - none */
  readonly alarms?: readonly IAlarm[];
}

export class StreamDashboard extends Construct {
  readonly dashboard: Dashboard;

  constructor(scope: Construct, id: string, { stream, alarms = [] }: StreamDashboardProps) {
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
        graph('API', [api(stream, '4XXError'), api(stream, '5XXError')], [api(stream, 'Latency', Stats.p(95))]),
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
        graph('Worker', [worker.metricInvocations(), worker.metricErrors(), worker.metricThrottles()]),
        graph('Request', [request.metricInvocations(), request.metricErrors(), request.metricThrottles()]),
        graph(
          'Duration, p95 (ms)',
          [request.metricDuration({ statistic: Stats.p(95), label: 'request' })],
          [worker.metricDuration({ statistic: Stats.p(95), label: 'worker' })],
        ),
      ],
    ];
    if (alarms.length > 0) {
      rows.unshift([new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: 24, height: 3 })]);
    }
    this.dashboard = new Dashboard(this, 'Dashboard', { defaultInterval: Duration.hours(3), widgets: rows });
  }
}

function graph(title: string, left: IMetric[], right: IMetric[] = []): GraphWidget {
  return new GraphWidget({ title, left, right, width: 8, height: 6, period: Duration.minutes(1) });
}

function api(stream: TokenStream, metricName: string, statistic: string = Stats.SUM): Metric {
  const dimensionsMap = { GraphQLAPIId: stream.api.apiId };
  return new Metric({ namespace: 'AWS/AppSync', metricName, dimensionsMap, statistic });
}
