/** The dashboard, the alarms, and whom they tell. */
import { CfnOutput, Stack, StackProps } from 'aws-cdk-lib';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';

import { Config } from '../config';
import { StreamAlarms } from '../stream-alarms';
import { StreamDashboard } from '../stream-dashboard';
import { TokenStream } from '../token-stream';
import { UrlStream } from '../url-stream';
import { WebSocketStream } from '../websocket-stream';

export interface ObservabilityStackProps extends StackProps {
  readonly config: Config;
  readonly stream: TokenStream;
  /** The other deliveries. @default - none */
  readonly url?: UrlStream;
  readonly webSocket?: WebSocketStream;
}

export class ObservabilityStack extends Stack {
  constructor(scope: Construct, id: string, { config, stream, url, webSocket, ...props }: ObservabilityStackProps) {
    super(scope, id, props);
    const watched = { stream, url, webSocket };
    const topic = this.topic(config);
    const { alarms } = new StreamAlarms(this, 'Alarms', {
      ...watched,
      thresholds: config.thresholds,
      action: topic && new SnsAction(topic),
    });
    const { dashboard } = new StreamDashboard(this, 'Overview', { ...watched, alarms });
    new CfnOutput(this, 'DashboardName', { value: dashboard.dashboardName });
    if (topic) {
      new CfnOutput(this, 'AlarmTopicArn', { value: topic.topicArn });
    }
  }

  private topic(config: Config): ITopic | undefined {
    if (config.alarmTopicArn) {
      return Topic.fromTopicArn(this, 'ExistingTopic', config.alarmTopicArn);
    }
    if (!config.alarmEmail) {
      return undefined;
    }
    // CloudWatch can't use the account's key for SNS.
    const key = new Key(this, 'TopicKey', {
      description: 'Encrypts the alarms of Tokencast on their way.',
      enableKeyRotation: true,
      removalPolicy: config.removalPolicy,
    });
    const alarms = new ServicePrincipal('cloudwatch.amazonaws.com');
    key.grant(alarms, 'kms:Decrypt', 'kms:GenerateDataKey');
    const topic = new Topic(this, 'Topic', { masterKey: key, enforceSSL: true });
    // A topic with a policy of its own has no more the usual one, which lets this account's alarms in.
    topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [alarms],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': this.account } },
      }),
    );
    topic.addSubscription(new EmailSubscription(config.alarmEmail));
    return topic;
  }
}
