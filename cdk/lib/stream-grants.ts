/** What a `TokenStream` lets others do. Each grant allows the calls that its name says, and no other. */
import { IGraphqlApi } from 'aws-cdk-lib/aws-appsync';
import { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';

import { ownerIndexArn } from './conversations-table';
import { JobQueue } from './job-queue';
import { ModelSpec, modelStatements } from './model-access';

/** The parts of a session or conversation are read together. */
const READ = ['dynamodb:GetItem', 'dynamodb:BatchGetItem'];

/** A transaction needs the permissions of the actions in it, and has none of its own. */
const WRITE = ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:ConditionCheckItem'];

export abstract class StreamGrants extends Construct {
  abstract readonly api: IGraphqlApi;
  abstract readonly sessionsTable: ITable;
  abstract readonly conversationsTable: ITable;
  abstract readonly jobs: JobQueue;
  abstract readonly encryptionKey?: IKey;
  protected abstract readonly models: readonly ModelSpec[];

  /**
   * Lets `grantee` do what every function does that starts or answers sessions: use the sessions and conversations, and
   * tell subscribers of changes to a conversation.
   */
  grantUseStreams(grantee: IGrantable): Grant {
    return this.grantUseSessions(grantee)
      .combine(this.grantUseConversations(grantee))
      .combine(this.grantPublishConversations(grantee));
  }

  /** Lets `grantee` read and write any session by its id. */
  grantUseSessions(grantee: IGrantable): Grant {
    this.encryptionKey?.grant(grantee, 'kms:Decrypt', 'kms:GenerateDataKey');
    return this.allow(grantee, [...READ, ...WRITE], this.sessionsTable.tableArn);
  }

  /** Lets `grantee` read and write any conversation by its id, but delete none. */
  grantUseConversations(grantee: IGrantable): Grant {
    this.encryptionKey?.grant(grantee, 'kms:Decrypt', 'kms:GenerateDataKey');
    return this.allow(grantee, [...READ, 'dynamodb:Query', ...WRITE], this.conversationsTable.tableArn);
  }

  /** Lets `grantee` list the conversations of any owner. */
  grantListConversations(grantee: IGrantable): Grant {
    this.encryptionKey?.grant(grantee, 'kms:Decrypt');
    return this.allow(grantee, ['dynamodb:Query'], ownerIndexArn(this.conversationsTable));
  }

  /** Lets `grantee` read any session by its id. */
  grantReadSessions(grantee: IGrantable): Grant {
    this.encryptionKey?.grant(grantee, 'kms:Decrypt');
    return this.allow(grantee, READ, this.sessionsTable.tableArn);
  }

  /** Lets `grantee` hand a job to the worker. */
  grantSendJobs(grantee: IGrantable): Grant {
    this.encryptionKey?.grant(grantee, 'kms:Decrypt', 'kms:GenerateDataKey');
    return this.allow(grantee, ['sqs:SendMessage'], this.jobs.queue.queueArn);
  }

  /** Lets `grantee` ask the models that may answer, and no other. */
  grantAskModels(grantee: IGrantable): void {
    for (const statement of this.models.flatMap(modelStatements)) {
      grantee.grantPrincipal.addToPrincipalPolicy(statement);
    }
  }

  /** Lets `grantee` send events to the subscribers, as the worker does. Whoever may, may write in any session's name. */
  grantPublish(grantee: IGrantable): Grant {
    return this.allow(grantee, ['appsync:GraphQL'], this.mutationArn('publishToken'));
  }

  /** Lets `grantee` tell subscribers that a conversation has changed. Whoever may, may write in any owner's name. */
  grantPublishConversations(grantee: IGrantable): Grant {
    return this.allow(grantee, ['appsync:GraphQL'], this.mutationArn('publishConversation'));
  }

  /**
   * Lets `grantee` run `tokencast redrive`: put jobs from the dead-letter queue back and open their sessions again.
   * SQS's own redrive is left out, because it knows nothing of sessions: a failed one would stay failed.
   */
  grantRedrive(grantee: IGrantable): Grant {
    const { deadLetterQueue } = this.jobs;
    const take = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'];
    return this.allow(grantee, take, deadLetterQueue.queueArn)
      .combine(this.grantSendJobs(grantee))
      .combine(this.grantUseSessions(grantee))
      .combine(this.grantUseConversations(grantee));
  }

  /**
   * Lets `grantee` run `tokencast forget`: delete all conversations of a user, and what sessions outside of them hold. Only
   * a scan finds those, so `grantee` may read the whole table of sessions.
   */
  grantForget(grantee: IGrantable): Grant {
    return this.grantUseStreams(grantee)
      .combine(this.grantListConversations(grantee))
      .combine(this.grantSendJobs(grantee))
      .combine(this.allow(grantee, ['dynamodb:Scan', 'dynamodb:DeleteItem'], this.sessionsTable.tableArn));
  }

  protected allow(grantee: IGrantable, actions: string[], ...resourceArns: string[]): Grant {
    return Grant.addToPrincipal({ grantee, actions, resourceArns });
  }

  private mutationArn(field: string): string {
    return `${this.api.arn}/types/Mutation/fields/${field}`;
  }
}
