/** What the functions that answer count, as they write it to their logs. */
import { Metric, MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';

import { FunctionName } from './function-names';
import { QuotaLimits } from './quotas';

/** Sessions that ended as failed. */
export function failedSessions(service: FunctionName, options?: MetricOptions): Metric {
  return counted({ Service: service }, 'SessionsFailed', options);
}

/** Milliseconds from when an answer was asked for to its first token, p95. */
export function timeToFirstToken(service: FunctionName, options?: MetricOptions): Metric {
  return counted({ Service: service }, 'TimeToFirstTokenMs', { statistic: Stats.p(95), ...options });
}

/** What answers have cost, in US dollars. It is there only for models that have a price. */
export function cost(service: FunctionName, options?: MetricOptions): Metric {
  return counted({ Service: service }, 'CostDollars', options);
}

/** What answers of one assistant have cost, over all deliveries. */
export function costOf(assistant: string, options?: MetricOptions): Metric {
  return counted({ Assistant: assistant }, 'CostDollars', options);
}

/** Tokens that models read, cached ones included. */
export function inputTokens(service: FunctionName, options?: MetricOptions): Metric {
  return counted({ Service: service }, 'InputTokens', options);
}

/** Tokens that models wrote. */
export function outputTokens(service: FunctionName, options?: MetricOptions): Metric {
  return counted({ Service: service }, 'OutputTokens', options);
}

/** Starts that one limit has refused, over all deliveries. */
export function startsBeyondQuota(limit: keyof QuotaLimits, options?: MetricOptions): Metric {
  return counted({ Limit: limit }, 'StartsBeyondQuota', options);
}

function counted(dimensionsMap: Record<string, string>, metricName: string, options?: MetricOptions): Metric {
  return new Metric({ namespace: 'Tokencast', dimensionsMap, metricName, statistic: Stats.SUM, ...options });
}
