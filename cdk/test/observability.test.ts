import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Match, Template } from 'aws-cdk-lib/assertions';

import { ASSISTANTS_FILE } from '../scripts/variants';
import { Deployment, only, resources, scratch } from './deployment';

const ALARM = 'AWS::CloudWatch::Alarm';
const template = new Deployment().template('Observability');

const check = (metric: string, expected: Record<string, unknown>, found: Template = template): void => {
  found.hasResourceProperties(ALARM, {
    MetricName: metric,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    TreatMissingData: 'notBreaching',
    ...expected,
  });
};

describe('an alarm', () => {
  const queue = (name: string): unknown => [
    Match.objectLike({ Name: 'QueueName', Value: { 'Fn::ImportValue': Match.stringLikeRegexp(`StreamJobs${name}`) } }),
  ];
  const worker = [
    Match.objectLike({ Name: 'FunctionName', Value: { 'Fn::ImportValue': Match.stringLikeRegexp('StreamWorker') } }),
  ];
  const logged = { Namespace: 'Tokencast', Dimensions: [{ Name: 'Service', Value: 'worker' }] };

  test('goes off for the first dead letter', () => {
    const sqs = { Namespace: 'AWS/SQS', Statistic: 'Maximum', Dimensions: queue('DeadLetterQueue') };
    check('ApproximateNumberOfMessagesVisible', { ...sqs, Threshold: 1, EvaluationPeriods: 1, Period: 60 });
  });

  test('goes off for a job older than any worker may take', () => {
    const sqs = { Namespace: 'AWS/SQS', Statistic: 'Maximum', Dimensions: queue('Queue') };
    check('ApproximateAgeOfOldestMessage', { ...sqs, Threshold: 360, EvaluationPeriods: 3, Period: 60 });
    const slow = new Deployment({ workerTimeoutSeconds: '900' }).template('Observability');
    check('ApproximateAgeOfOldestMessage', { Threshold: 960 }, slow);
  });

  test('goes off for a worker that errs or is throttled', () => {
    const lambda = { Namespace: 'AWS/Lambda', Statistic: 'Sum', Dimensions: worker, Threshold: 1, Period: 300 };
    check('Errors', lambda);
    check('Throttles', lambda);
  });

  test('goes off for what the request function fails at, and for callers that it turns away', () => {
    const FunctionName = { 'Fn::ImportValue': Match.stringLikeRegexp('StreamRequestFunction') };
    const lambda = { Namespace: 'AWS/Lambda', Statistic: 'Sum', Threshold: 1, Period: 300, EvaluationPeriods: 1 };
    for (const metric of ['Errors', 'Throttles']) {
      check(metric, { ...lambda, Dimensions: [{ Name: 'FunctionName', Value: FunctionName }] });
    }
  });

  test('goes off for what AppSync fails at, drops and delays', () => {
    const appSync = {
      Namespace: 'AWS/AppSync',
      Statistic: 'Sum',
      Period: 300,
      Dimensions: [{ Name: 'GraphQLAPIId', Value: Match.anyValue() }],
    };
    check('5XXError', { ...appSync, Threshold: 5, EvaluationPeriods: 1 });
    check('InboundMessageDropped', { ...appSync, Threshold: 1, EvaluationPeriods: 1 });
    check('InboundMessageDelayed', { ...appSync, Threshold: 1, EvaluationPeriods: 3 });
    check('InboundMessageError', { ...appSync, Threshold: 1, EvaluationPeriods: 1 });
  });

  test('goes off for a loop that Lambda ended', () => {
    check('RecursiveInvocationsDropped', { Namespace: 'AWS/Lambda', Dimensions: worker, Threshold: 1, Period: 300 });
  });

  test('goes off for a table of quotas that turns requests away, where there is one', () => {
    const quotas = only(template, ALARM, ({ Properties: alarm }) =>
      String(alarm['AlarmDescription']).includes('DEPLOY.md, QuotaTable.'),
    );
    const metrics = JSON.stringify(quotas.Properties['Metrics']);
    for (const metric of ['SystemErrors', 'ReadThrottleEvents', 'WriteThrottleEvents', 'StreamQuotasTable']) {
      assert.ok(metrics.includes(metric), metric);
    }
    assert.equal(quotas.Properties['Threshold'], 1);
    const without = new Deployment({ quotas: 'none' }).template('Observability');
    assert.equal(resources(without, ALARM).length, 13);
  });

  test('goes off for a day that costs more than the budget, over all deliveries that have one', () => {
    const context = { assistants: pricedAssistants(), alarmDailyBudgetUsd: '25' };
    const day = { Threshold: 25, EvaluationPeriods: 1, Period: 86_400, Statistic: 'Sum' };
    check('CostDollars', { ...logged, ...day }, new Deployment(context).template('Observability'));
    const both = new Deployment({ ...context, deliveries: 'url' }).template('Observability');
    const budget = only(both, ALARM, ({ Properties: alarm }) =>
      String(alarm['AlarmDescription']).includes('DEPLOY.md, DailyBudget.'),
    );
    const metrics = JSON.stringify(budget.Properties['Metrics']);
    assert.match(metrics, /"FILL\(worker, 0\) \+ FILL\(url, 0\)"/);
    assert.match(metrics, /"Value":"worker"[^]*"Value":"function-url"/);
  });

  test('for a budget needs prices', () => {
    assert.throws(
      () => new Deployment({ alarmDailyBudgetUsd: '25' }),
      /`dailyBudgetUsd` is set, but no model has a price: give `prices` in the assistants' file/,
    );
  });

  test('goes off for failed sessions', () => {
    check('SessionsFailed', { ...logged, Statistic: 'Sum', Threshold: 5, Period: 300 });
  });

  test('goes off for a slow first token', () => {
    const slow = { ...logged, ExtendedStatistic: 'p95', Threshold: 5000, EvaluationPeriods: 3, Period: 300 };
    check('TimeToFirstTokenMs', slow);
  });

  test('is set off where the deployer says', () => {
    const told = new Deployment({
      alarmOldestMessageSeconds: '120',
      alarmFailedSessions: '1',
      alarmTimeToFirstTokenMs: '900',
    }).template('Observability');
    check('ApproximateAgeOfOldestMessage', { Threshold: 120 }, told);
    check('SessionsFailed', { Threshold: 1 }, told);
    check('TimeToFirstTokenMs', { Threshold: 900 }, told);
  });

  test('says what it means and where to read what to do', () => {
    const descriptions = resources(template, ALARM).map(({ Properties: alarm }) => String(alarm['AlarmDescription']));
    assert.equal(descriptions.length, 14);
    for (const description of descriptions) {
      assert.match(description, /^[A-Z].{20,} What to do: docs\/DEPLOY\.md, [A-Za-z]+\.$/);
    }
  });
});

describe('other deliveries', () => {
  const watched = new Deployment({ deliveries: 'url,websocket' }).template('Observability');

  test('have alarms for their functions', () => {
    assert.equal(resources(watched, ALARM).length, 20);
    for (const name of ['UrlHandlerFunction', 'WebSocketRoutesFunction']) {
      for (const metric of ['Errors', 'Throttles']) {
        watched.hasResourceProperties(ALARM, {
          Namespace: 'AWS/Lambda',
          MetricName: metric,
          Threshold: 1,
          Period: 300,
          Dimensions: [{ Name: 'FunctionName', Value: { 'Fn::ImportValue': Match.stringLikeRegexp(name) } }],
        });
      }
    }
    const ofTheUrl = { Namespace: 'Tokencast', Dimensions: [{ Name: 'Service', Value: 'function-url' }] };
    check('SessionsFailed', { ...ofTheUrl, Threshold: 5 }, watched);
    check('TimeToFirstTokenMs', { ...ofTheUrl, ExtendedStatistic: 'p95', Threshold: 5000 }, watched);
    // A refused token is an error of the authorizer, and everyday life.
    const alarms = JSON.stringify(watched.findResources(ALARM));
    assert.ok(!alarms.includes('WebSocketAuthorizer'));
  });

  test('are on the dashboard, where nothing of them is without', () => {
    const body = (found: Template): string =>
      JSON.stringify(only(found, 'AWS::CloudWatch::Dashboard').Properties['DashboardBody']);
    for (const shown of ['Function URL', 'WebSocket API: errors', 'ConnectCount', 'MessageCount', 'IntegrationError']) {
      assert.ok(body(watched).includes(shown), shown);
      assert.ok(!body(template).includes(shown), shown);
    }
  });
});

describe('alarms tell', () => {
  test('nobody, unless told whom', () => {
    for (const { Properties: alarm } of resources(template, ALARM)) {
      assert.equal(alarm['AlarmActions'], undefined);
    }
    template.resourceCountIs('AWS::SNS::Topic', 0);
  });

  test('a topic that is there', () => {
    const alarmTopicArn = 'arn:aws:sns:us-east-1:123456789012:alarms';
    const told = new Deployment({ alarmTopicArn }).template('Observability');
    told.resourceCountIs('AWS::SNS::Topic', 0);
    told.resourcePropertiesCountIs(ALARM, { AlarmActions: [alarmTopicArn], OKActions: [alarmTopicArn] }, 14);
  });

  test('an address, through an encrypted topic that CloudWatch may use', () => {
    const told = new Deployment({ alarmEmail: 'operations@example.com' }).template('Observability');
    told.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'operations@example.com' });
    assert.ok(only(told, 'AWS::SNS::Topic').Properties['KmsMasterKeyId']);
    told.hasResourceProperties('AWS::KMS::Key', {
      EnableKeyRotation: true,
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
            Effect: 'Allow',
            Principal: { Service: 'cloudwatch.amazonaws.com' },
          }),
        ]),
      },
    });
    told.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
          Match.objectLike({
            Effect: 'Allow',
            Action: 'sns:Publish',
            Principal: { Service: 'cloudwatch.amazonaws.com' },
          }),
        ]),
      },
    });
  });
});

test('the dashboard shows the alarms and each of their metrics', () => {
  const body = JSON.stringify(only(template, 'AWS::CloudWatch::Dashboard').Properties['DashboardBody']);
  for (const shown of [
    'SessionsFailed',
    'TimeToFirstTokenMs',
    'ApproximateAgeOfOldestMessage',
    'ApproximateNumberOfMessagesVisible',
    'ConcurrentExecutions',
    'Errors',
    'Throttles',
    '5XXError',
    'InboundMessageDropped',
    'TokensConsumed',
    'RecursiveInvocationsDropped',
    'WriteThrottleEvents',
    'ReadThrottleEvents',
    'TransactionConflict',
  ]) {
    assert.ok(body.includes(shown), shown);
  }
  assert.equal(body.match(/AlarmsDeadLetters/g)?.length, 1);
});

describe('the dashboard shows what users use', () => {
  const body = (context: Record<string, string>): string =>
    JSON.stringify(
      only(new Deployment(context).template('Observability'), 'AWS::CloudWatch::Dashboard').Properties['DashboardBody'],
    );
  const limits = ['startsPerMinute', 'startsPerDay', 'tokensPerDay', 'sessionsAtOnce'];

  test('the starts that each limit has refused, and the table of quotas, where there are quotas', () => {
    const [shown, without] = [body({}), body({ quotas: 'none' })];
    assert.match(shown, /StreamQuotasTable/);
    for (const limit of limits) {
      const metric = `\\"Tokencast\\",\\"StartsBeyondQuota\\",\\"Limit\\",\\"${limit}\\"`;
      assert.ok(shown.includes(metric), limit);
    }
    assert.doesNotMatch(without, /StartsBeyondQuota|StreamQuotasTable/);
  });

  test('tokens, over each delivery that answers', () => {
    const ofWorker = body({});
    for (const metric of ['InputTokens', 'OutputTokens']) {
      assert.ok(ofWorker.includes(`${metric}\\",\\"Service\\",\\"worker`), metric);
      assert.ok(!ofWorker.includes(`${metric}\\",\\"Service\\",\\"function-url`), metric);
      assert.ok(body({ deliveries: 'url' }).includes(`${metric}\\",\\"Service\\",\\"function-url`), metric);
    }
  });

  test('the cost of each assistant, where there are prices', () => {
    const shown = body({ assistants: ASSISTANTS_FILE });
    for (const assistant of ['general', 'law']) {
      assert.ok(shown.includes(`CostDollars\\",\\"Assistant\\",\\"${assistant}`), assistant);
    }
    assert.doesNotMatch(body({}), /CostDollars/);
  });
});

function pricedAssistants(): string {
  const file = join(scratch(), 'assistants.json');
  const model = 'amazon.nova-lite-v1:0';
  const prices = { [model]: { inputPerMillion: 0.06, outputPerMillion: 0.24 } };
  writeFileSync(file, JSON.stringify({ version: 1, default: 'general', assistants: { general: { model } }, prices }));
  return file;
}
