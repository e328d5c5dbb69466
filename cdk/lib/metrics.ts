/** What the functions that answer count, as they write it to their logs. */
import { Metric, MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';

import { FunctionName } from './function-names';

/** Sessions that ended as failed. */
export function failedSessions(service: FunctionName, options?: MetricOptions): Metric {
  return metric(service, { metricName: 'SessionsFailed', statistic: Stats.SUM }, options);
}

/** Milliseconds from when an answer was asked for to its first token, p95. */
export function timeToFirstToken(service: FunctionName, options?: MetricOptions): Metric {
  return metric(service, { metricName: 'TimeToFirstTokenMs', statistic: Stats.p(95) }, options);
}

/** What answers have cost, in US dollars. It is there only for models that have a price. */
export function cost(service: FunctionName, options?: MetricOptions): Metric {
  return metric(service, { metricName: 'CostDollars', statistic: Stats.SUM }, options);
}

function metric(
  service: FunctionName,
  which: { readonly metricName: string; readonly statistic: string },
  options?: MetricOptions,
): Metric {
  return new Metric({ namespace: 'Tokencast', dimensionsMap: { Service: service }, ...which, ...options });
}
