/** The queue of jobs, and the one for those that failed for good. */
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

export interface JobQueueProps {
  /** The worker's timeout: a message that is received stays hidden as long, unless the worker says otherwise. */
  readonly workerTimeout: Duration;
  readonly removalPolicy: RemovalPolicy;
  /** A key of yours that encrypts both queues. @default - SQS's own key */
  readonly encryptionKey?: IKey;
}

/**
 * SQS's maximum, a backstop. Attempts are counted in the session's record: a message is also received while somebody else
 * answers its session, while the model is throttled, and when Lambda is throttled and runs nothing. The worker moves what
 * nobody can answer to the dead-letter queue by itself.
 */
const MAX_RECEIVE_COUNT = 1000;

/** Both queues are encrypted and refuse callers without TLS. */
export class JobQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetterQueue: Queue;

  constructor(scope: Construct, id: string, props: JobQueueProps) {
    super(scope, id);
    const both = {
      enforceSSL: true,
      // SQS's limit; a prompt may take half of it.
      maxMessageSizeBytes: 1_048_576,
      removalPolicy: props.removalPolicy,
      encryption: props.encryptionKey ? QueueEncryption.KMS : QueueEncryption.SQS_MANAGED,
      encryptionMasterKey: props.encryptionKey,
    };
    this.deadLetterQueue = new Queue(this, 'DeadLetterQueue', {
      ...both,
      // Counted from when the job was sent, so it is longer than the queue's own.
      retentionPeriod: Duration.days(14),
    });
    this.queue = new Queue(this, 'Queue', {
      ...both,
      retentionPeriod: Duration.days(4),
      receiveMessageWaitTime: Duration.seconds(20),
      // The least that Lambda takes, and not the six times of its guide: a worker hides its message for a lease by itself, so
      // this is how long a job waits that was received and not run (a throttled Lambda), or whose worker died at once.
      visibilityTimeout: props.workerTimeout,
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: MAX_RECEIVE_COUNT },
    });
  }
}
